/// A generator that was exported as its network alone: an ONNX file that takes an image (n, 6, size, size) and a window
/// (n, *windowShape), whatever their names, and gives the painted face.
struct OnnxNetwork: Network {
    private static let mostBytes = 1 << 30  // of a file

    let spec: GeneratorSpec
    private let session: OnnxSession
    private let image: String
    private let audio: String
    private let output: String

    /// Opens the file `path` and knows the generator by the shapes of its inputs.
    ///
    /// mode: the name of its features; nil for what the file says. Throws an error of kind `missingFile`, or `model`
    /// where it is no generator or one for other features.
    init(contentsOf path: String, mode: String?) throws {
        guard PathKind.of(path) == .file else {
            throw FrameGenerationError(
                .missingFile, "no such ONNX file; give a generator that was exported", path: path)
        }
        (session, spec, image, audio, output) = try refusing(path, .model) {
            let file = try ReadableFile(path)
            guard file.size <= Self.mostBytes else { throw Refusal("has more than \(Self.mostBytes) bytes") }
            let program = try file.read(at: 0, count: file.size)
            _ = try Signature(program: program, anyDomain: true)
            let session = try OnnxSession(program)
            let inputs = session.inputs, outputs = session.outputs
            let faces = inputs.compactMap { port in
                FaceSpec.all.first { [6, $0.size, $0.size] == port.shape.dropFirst() }.map { (port.name, $0) }
            }
            let audios = inputs.compactMap { port in
                AudioSpec.all.first { $0.windowShape[...] == port.shape.dropFirst() }.map { (port.name, $0) }
            }
            guard inputs.count == 2, outputs.count == 1, let face = faces.first, let audio = audios.first else {
                let found = (inputs + outputs).map { "\(shown($0.name)) \($0.shape)" }.joined(separator: ", ")
                throw Refusal("no generator; expected an image and an audio input and one output, found \(found)")
            }
            return (session, GeneratorSpec(face: face.1, audio: audio.1, width: 32), face.0, audio.0, outputs[0].name)
        }
        guard mode == nil || mode == spec.audio.name else {
            throw FrameGenerationError(
                .model, "this generator is for \(spec.audio.name) features, not \(shown(mode ?? ""))", path: path)
        }
    }

    var stateSize: Int { 6 * 4 * spec.face.size * spec.face.size }

    /// The input itself: one program cannot be split.
    func encodeImage(_ image: Tensor) throws -> [String: Tensor] {
        ["image": image]
    }

    func run(_ encoded: [String: Tensor], _ audio: Tensor) throws -> Tensor {
        guard let image = encoded["image"] else { throw Refusal("was given no image") }
        return try session.run([self.image: image, self.audio: audio], [output])[0]
    }
}
