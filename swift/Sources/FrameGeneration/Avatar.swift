#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A person who can speak: the avatar package, opened.
///
///     let avatar = try Avatar(contentsOf: URL(fileURLWithPath: "may.avatar"))
///     for try await frame in avatar.frames(of: .audio("speech.wav")) { show(frame.image) }
///
/// It may be used from any number of tasks; all its work shares one pool of threads.
public final class Avatar: Sendable {
    /// How an avatar is played.
    public struct Options: Sendable {
        /// How faces are written back; by default what the package says.
        public var blend: Blend?
        /// Tells silence, in which the mouth rests. The blend `reference` knows none.
        public var gate: Gate
        /// Frames that are made at once; by default as many as there are cores.
        public var threads: Int?
        /// Bytes that remembering faces may take; by default a part of the free memory. It changes nothing but speed.
        public var cacheSize: Int?
        /// Path of ONNX Runtime's library; see `Runtime.open`.
        public var onnxRuntime: String?
        #if canImport(CoreML)
            /// Folder of the same generator as Core ML packages, which paint in place of the package's own programs; see
            /// docs/hosts.md.
            public var coreML: String?
        #endif

        public init(
            blend: Blend? = nil, gate: Gate = .asPackaged, threads: Int? = nil, cacheSize: Int? = nil,
            onnxRuntime: String? = nil
        ) {
            (self.blend, self.gate, self.threads) = (blend, gate, threads)
            (self.cacheSize, self.onnxRuntime) = (cacheSize, onnxRuntime)
        }
    }

    public let manifest: Manifest
    /// SHA-256 of `avatar.json`, which stands for the whole package.
    public let fingerprint: String
    let engine: Engine
    let encoder: AudioProgram?
    private let gate: Gate?  // `relative` or `fixed`
    private let rest: [Float]?

    /// Opens the folder or `.avatar` file at `url`.
    ///
    /// Throws a `FrameGenerationError` of kind `missingFile`, `package` when it is no package that this version reads or
    /// is damaged, `model` without ONNX Runtime, or `option`.
    public convenience init(contentsOf url: URL, options: Options = Options()) throws {
        try self.init(path: url.path, options: options)
    }

    /// Opens the folder or `.avatar` file `path`.
    public init(path: String, options: Options = Options()) throws {
        let package = try Package(path)
        manifest = package.manifest
        fingerprint = package.fingerprint
        let blend = options.blend ?? manifest.blend
        guard manifest.hasBlends || blend == .reference else {
            throw FrameGenerationError(.option, "a package of version 1 knows the blend reference alone", path: path)
        }
        guard options.threads ?? 1 > 0, options.cacheSize ?? 0 >= 0 else {
            throw FrameGenerationError(.option, "threads and memory must be positive numbers")
        }
        try Runtime.open(options.onnxRuntime)
        let workers = Workers(options.threads ?? availableCores())
        let (generator, encoder) = try package.loadPrograms(
            try options.generator(for: manifest.generator), by: workers)
        self.encoder = encoder
        let template = PackagedTemplate(package: package)
        engine = Engine(
            template: template, generator: generator,
            states: FaceStates(generator, frames: template.count, budget: options.cacheSize), blend: blend,
            workers: workers, path: path)
        rest = try package.rest()
        try options.gate.check()
        switch options.gate {
        case .off: gate = nil
        case .asPackaged where blend == .feathered: gate = manifest.listens ? .relative : .usualLevels
        case let chosen: gate = blend == .feathered ? chosen : nil
        }
    }

    /// What tells silence, where something does, and how the mouth rests: as the package says, or otherwise as for
    /// digital silence.
    private func silence() throws -> Silence? {
        guard let gate else { return nil }
        if let rest { return Silence(gate: gate, rest: rest) }
        guard let encoder, let blocks = Blocks.of(encoder.spec) else { return nil }
        var stream = WindowStream(encoder, blocks)
        let frames = 3 * windowLength, middle = windowLength + encoder.spec.before
        return try refusing(engine.path) {
            var windows = try stream.push([Float](repeating: 0, count: frames * sampleRate / encoder.spec.fps))
            windows += try stream.flush(frames)
            return Silence(gate: gate, rest: windows[middle])
        }
    }

    /// The frames of a speech, made as they are asked for. Errors come with the first frame, or where they are met.
    ///
    /// startFrame: how many frames later the recording is entered.
    public func frames(of speech: Speech, startFrame: Int = 0) -> Frames {
        Frames(engine: engine, startFrame: startFrame, plan: { [self] in try plan(speech) })
    }

    /// A session that is given audio piece by piece and gives each frame as soon as it can be made.
    ///
    /// Throws an error of kind `option` without an audio program, or for a `startFrame` that does not exist.
    public func live(startFrame: Int = 0) throws -> LiveSession {
        guard let encoder, let blocks = Blocks.of(encoder.spec) else {
            throw FrameGenerationError(
                .option, "this avatar has no audio program; live speech needs one", path: engine.path)
        }
        try engine.checkStart(startFrame)
        return LiveSession(engine, encoder, blocks, try silence(), startFrame)
    }

    func plan(_ speech: Speech) throws -> SpeechPlan {
        let silence = speech.hasAudio ? try silence() : nil
        return try SpeechPlan(
            speech, spec: manifest.generator.audio, encoder: encoder, silence: silence,
            weighted: manifest.listens)
    }
}

extension Avatar.Options {
    /// What paints in place of a package's own programs, where something does.
    fileprivate func generator(for spec: GeneratorSpec) throws -> (any Generator)? {
        #if canImport(CoreML)
            if let coreML {
                let network = try CoreMLNetwork(contentsOf: coreML, mode: spec.audio.name)
                guard network.spec.face == spec.face else {
                    throw FrameGenerationError(
                        .model, "paints faces of \(network.spec.face.name); expected \(spec.face.name)", path: coreML)
                }
                return try NetworkGenerator(network)
            }
        #endif
        return nil
    }
}
