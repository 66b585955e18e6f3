// A network by Core ML, on Apple systems; written against Apple's documentation, and not compiled or run yet.
#if canImport(CoreML)
    import CoreML
    import Foundation

    /// The two Core ML packages that `framegen export --coreml` writes, by which the Neural Engine or the GPU paints.
    ///
    /// A Core ML model is asked by one thread at a time.
    final class CoreMLNetwork: Network, @unchecked Sendable {
        let spec: GeneratorSpec
        let stateSize: Int
        private let face: MLModel
        private let render: MLModel
        private let lock = Lock()

        /// Opens `face` and `render` in `folder`, compiled (`.mlmodelc`, as Xcode puts them into apps) or as packages
        /// (`.mlpackage`), which are compiled first.
        ///
        /// mode: the name of the features; nil for what the model says. Throws an error of kind `missingFile` or `model`.
        init(contentsOf folder: String, mode: String? = nil, units: MLComputeUnits = .all) throws {
            let configuration = MLModelConfiguration()
            configuration.computeUnits = units
            (face, render) = try (
                Self.open("face", in: folder, configuration), Self.open("render", in: folder, configuration)
            )
            let image = Self.shape("image", face.modelDescription.inputDescriptionsByName)
            let audio = Self.shape("audio", render.modelDescription.inputDescriptionsByName)
            let faces = FaceSpec.all.first { [1, 6, $0.size, $0.size] == image }
            guard let faces, let features = AudioSpec.all.first(where: { [1] + $0.windowShape == audio }) else {
                throw FrameGenerationError(
                    .model, "no generator; found an image of \(image) and audio of \(audio); export it again",
                    path: folder)
            }
            guard mode == nil || mode == features.name else {
                throw FrameGenerationError(
                    .model, "this generator is for \(features.name) features, not \(shown(mode ?? ""))", path: folder)
            }
            spec = GeneratorSpec(face: faces, audio: features, width: 32)
            let state = face.modelDescription.outputDescriptionsByName
            stateSize =
                state.keys.reduce(0) { $0 + Self.shape($1, state).reduce(4, *) }
                + (render.modelDescription.inputDescriptionsByName["image"] == nil ? 0 : image.reduce(4, *))
        }

        func encodeImage(_ image: Tensor) throws -> [String: Tensor] {
            var encoded = try predict(face, ["image": image])
            if render.modelDescription.inputDescriptionsByName["image"] != nil { encoded["image"] = image }
            return encoded
        }

        func run(_ encoded: [String: Tensor], _ audio: Tensor) throws -> Tensor {
            var inputs = encoded
            inputs["audio"] = audio
            guard let face = try predict(render, inputs)["face"] else { throw Refusal("gives no face") }
            return face
        }

        /// All outputs of `model`, which takes of `inputs` what it knows.
        private func predict(_ model: MLModel, _ inputs: [String: Tensor]) throws -> [String: Tensor] {
            lock.lock()
            defer { lock.unlock() }
            do {
                let known = model.modelDescription.inputDescriptionsByName
                let arrays = try inputs.filter { known[$0.key] != nil }.mapValues(Self.array)
                let outputs = try model.prediction(from: MLDictionaryFeatureProvider(dictionary: arrays))
                var tensors: [String: Tensor] = [:]
                for name in outputs.featureNames {
                    guard let array = outputs.featureValue(for: name)?.multiArrayValue else { continue }
                    let values = MLShapedArray<Float>(array)
                    tensors[name] = Tensor(values.scalars, values.shape)
                }
                return tensors
            } catch {
                throw Refusal("failed while Core ML ran it (\(error.localizedDescription))")
            }
        }

        /// A new array, row-major without gaps, with the tensor's values.
        private static func array(_ tensor: Tensor) throws -> MLMultiArray {
            let array = try MLMultiArray(shape: tensor.shape.map { NSNumber(value: $0) }, dataType: .float32)
            tensor.withUnsafeBytes { bytes in
                guard let start = bytes.baseAddress else { return }
                array.dataPointer.copyMemory(from: start, byteCount: bytes.count)
            }
            return array
        }

        private static func shape(_ name: String, _ described: [String: MLFeatureDescription]) -> [Int] {
            described[name]?.multiArrayConstraint?.shape.map(\.intValue) ?? []
        }

        private static func open(_ name: String, in folder: String, _ configuration: MLModelConfiguration) throws
            -> MLModel
        {
            let compiled = joined(folder, "\(name).mlmodelc"), package = joined(folder, "\(name).mlpackage")
            do {
                if PathKind.of(compiled) == .folder {
                    return try MLModel(contentsOf: URL(fileURLWithPath: compiled), configuration: configuration)
                }
                guard PathKind.of(package) == .folder else {
                    throw FrameGenerationError(
                        .missingFile, "no such model; export one with framegen export --coreml", path: package)
                }
                let made = try MLModel.compileModel(at: URL(fileURLWithPath: package))
                defer { try? FileManager.default.removeItem(at: made) }
                return try MLModel(contentsOf: made, configuration: configuration)
            } catch let error as FrameGenerationError {
                throw error
            } catch {
                throw FrameGenerationError(
                    .model, "Core ML does not open it (\(error.localizedDescription)); it needs iOS 16 or macOS 13",
                    path: package)
            }
        }
    }
#endif
