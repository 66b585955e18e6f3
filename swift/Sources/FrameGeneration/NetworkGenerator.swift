import COnnxRuntime

/// A generator's network alone, without what is around it: ONNX Runtime and Core ML have one each.
protocol Network: Sendable {
    var spec: GeneratorSpec { get }
    /// Bytes of what `encodeImage` gives.
    var stateSize: Int { get }

    /// Network input (1, 6, size, size) in [0, 1] -> what depends on it alone, by name. Throws `Refusal`.
    func encodeImage(_ image: Tensor) throws -> [String: Tensor]

    /// What `encodeImage` gave and a window (1, *windowShape) -> face (1, 3, size, size) in [0, 1]. Throws `Refusal`.
    func run(_ encoded: [String: Tensor], _ audio: Tensor) throws -> Tensor
}

/// A network with the programs around it, which resize and mask the crop and write the painted face back.
///
/// They come along; docs/avatar.md says what they do, under "Plain exports".
struct NetworkGenerator: Generator {
    private let network: any Network
    private let input: OnnxSession
    private let patch: OnnxSession

    /// Throws an error of kind `model` for an ONNX Runtime that is too old to run the programs.
    init(_ network: any Network) throws {
        self.network = network
        (input, patch) = try (
            plainProgram("input_\(network.spec.face.name)"), plainProgram("patch_\(network.spec.face.name)")
        )
    }

    var stateSize: Int { network.stateSize + network.spec.face.cropSize * network.spec.face.cropSize * 3 }

    func encodeFace(_ crop: Image) throws -> FaceState {
        let made = try input.run(["crop": Tensor(crop)], ["resized", "image"])
        var tensors = try network.encodeImage(made[1])
        tensors["resized"] = made[0]
        return FaceState(tensors: tensors)
    }

    func render(_ state: FaceState, window: [Float], crop: Image, keep: [UInt8]?, blend: Blend) throws -> Image {
        let size = network.spec.face.size
        let face = try network.run(state.tensors, Tensor(window, [1] + network.spec.audio.windowShape))
        guard face.type == .float32, face.shape == [1, 3, size, size] else {
            throw Refusal("gave \(face.type) values of shape \(face.shape); expected float32 [1, 3, \(size), \(size)]")
        }
        let inputs = [
            "face": face, "resized": state.tensors["resized"], "crop": Tensor(crop),
            "blend": Tensor([blend.number], []), "keep": Tensor(keep: keep, of: crop),
        ].compactMapValues(\.self)
        return try patch.run(inputs, ["patch"])[0].patch(for: crop, from: "the program around the generator")
    }
}

private func plainProgram(_ name: String) throws -> OnnxSession {
    var size = 0
    guard let bytes = plain_program(name, &size) else { throw Refusal("there is no program \(name)") }
    do {
        return try OnnxSession([UInt8](UnsafeRawBufferPointer(start: bytes, count: size)))
    } catch let refusal as Refusal {
        throw FrameGenerationError(
            .model,
            "ONNX Runtime \(Runtime.version ?? "") does not run the programs around a generator"
                + " (\(refusal.reason)); take 1.14 or newer")
    }
}
