/// What paints the face of a crop; any number of threads may ask at once.
protocol Generator: Sendable {
    /// Bytes that keeping a face state takes.
    var stateSize: Int { get }

    /// The work that depends on the template frame alone. Throws `Refusal` where the model does not run.
    func encodeFace(_ crop: Image) throws -> FaceState

    /// The crop as it is written back. window: (16, F). keep: not zero where the crop keeps its own pixels.
    func render(_ state: FaceState, window: [Float], crop: Image, keep: [UInt8]?, blend: Blend) throws -> Image
}

/// What a generator made of a template frame: tensors by name.
struct FaceState: Sendable {
    let tensors: [String: Tensor]
}

extension Tensor {
    /// A render or patch program's output as an image of the crop's size. Throws `Refusal` where it is none.
    func patch(for crop: Image, from program: String) throws -> Image {
        guard type == .uint8, shape == [crop.height, crop.width, 3] else {
            throw Refusal("\(program) gives an image \(shape) for \(crop.height)x\(crop.width) pixels")
        }
        return Image(width: crop.width, height: crop.height, pixels: bytes)
    }

    /// `keep` (h, w) for a crop, zeros where there is none.
    init(keep: [UInt8]?, of crop: Image) {
        self.init(keep ?? [UInt8](repeating: 0, count: crop.width * crop.height), [crop.height, crop.width])
    }
}
