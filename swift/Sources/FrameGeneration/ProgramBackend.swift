/// The face program and the render program of a package, opened; any number of threads may use them at once.
struct ProgramGenerator: Generator {
    private let face: OnnxSession
    private let render: OnnxSession
    private let state: [String: ProgramValue]  // what the face program gives
    private let names: [String]  // of it
    private let spec: GeneratorSpec
    private let hasBlends: Bool
    private let hasKeep: Bool
    let stateSize: Int

    init(face: OnnxSession, render: OnnxSession, manifest: Manifest, state: [String: ProgramValue]) {
        (self.face, self.render, self.state) = (face, render, state)
        names = state.keys.sorted()
        stateSize = state.values.reduce(0) { $0 + ($1.size ?? 0) }
        (spec, hasBlends, hasKeep) = (manifest.generator, manifest.hasBlends, manifest.parsing)
    }

    func encodeFace(_ crop: Image) throws -> FaceState {
        let tensors = try face.run(["crop": Tensor(crop)], names)
        for (name, tensor) in zip(names, tensors) {
            guard let stated = state[name], tensor.type == stated.type, tensor.shape == stated.shape else {
                throw Refusal(
                    "programs/face.onnx gives \(shown(name)) as \(tensor.type) \(tensor.shape);"
                        + " expected \(state[name]?.described ?? "nothing")")
            }
        }
        return FaceState(tensors: Dictionary(uniqueKeysWithValues: zip(names, tensors)))
    }

    func render(_ state: FaceState, window: [Float], crop: Image, keep: [UInt8]?, blend: Blend) throws -> Image {
        var inputs = state.tensors
        inputs["window"] = Tensor(window, [windowLength, spec.audio.featureSize])
        inputs["crop"] = Tensor(crop)
        if hasBlends { inputs["blend"] = Tensor([blend.number], []) }
        if hasKeep { inputs["keep"] = Tensor(keep: keep, of: crop) }
        return try render.run(inputs, ["patch"])[0].patch(for: crop, from: "programs/render.onnx")
    }
}
