/// Live speech: audio comes piece by piece, and each frame is given as soon as its window of features is complete.
///
/// Frames are bit for bit those of the whole speech at once. They are 0.20 s behind the audio for `streaming` features,
/// 0.52 to 0.88 s for `whisper`, 0.44 to 0.60 s for `ave`, and as much more as it takes to make them.
public actor LiveSession {
    private let engine: Engine
    private let encoder: AudioProgram
    private let blocks: Blocks
    private let silence: Silence?
    private let startFrame: Int
    private var windows: WindowStream
    private var rests: Rests?
    private var samples = 0  // pushed in this speech
    private var frames = 0  // of the session, with idle ones

    init(_ engine: Engine, _ encoder: AudioProgram, _ blocks: Blocks, _ silence: Silence?, _ startFrame: Int) {
        (self.engine, self.encoder, self.blocks) = (engine, encoder, blocks)
        (self.silence, self.startFrame) = (silence, startFrame)
        windows = WindowStream(encoder, blocks)
        rests = silence.map { Rests($0, encoder.spec) }
    }

    /// Frames that the session has given so far, idle ones included; the next frame has this index.
    public var frameCount: Int { frames }

    /// Mono samples at 16 kHz, any number of them -> the frames that they complete.
    ///
    /// After `finish` or `interrupt` a new speech begins. Throws an error of kind `audio` for samples that are not
    /// finite, and what making a frame throws.
    public func push(_ samples: [Float]) async throws -> [Frame] {
        guard samples.allSatisfy(\.isFinite) else {
            throw FrameGenerationError(.audio, "samples that are not finite; expected mono samples from -1 to 1")
        }
        let ready = try refusing(engine.path) { try windows.push(samples) }
        self.samples += samples.count
        rests?.push(samples)
        return try await made(ready.map { rests?.apply($0) ?? $0 })
    }

    /// Ends the speech: the frames that are still missing, so that video and audio are of one length.
    ///
    /// Throws an error of kind `audio` when there was no audio at all.
    public func finish() async throws -> [Frame] {
        let seconds = Double(samples) / Double(sampleRate)
        let count = FrameGeneration.frameCount(seconds: seconds, encoder.spec)
        let ready = try refusing(engine.path) { try windows.flush(count) }
        rests?.flush(ready.count)
        let given = ready.map { rests?.apply($0) ?? $0 }
        interrupt()
        return try await made(given)
    }

    /// Drops the speech: frames that were not shown never are. The next audio begins a new speech.
    public func interrupt() {
        windows = WindowStream(encoder, blocks)
        rests = silence.map { Rests($0, encoder.spec) }
        samples = 0
    }

    /// The next frame of the recording while nobody speaks, with a mouth at rest where the package says how that looks,
    /// and otherwise as it was recorded.
    public func idleFrame() async throws -> Frame {
        if let rest = silence?.rest { return try await made([rest])[0] }
        let engine = engine, index = frames, start = startFrame
        frames += 1
        let image = try await engine.workers.run(before: deadline(index)) {
            try engine.template.read(engine.template.index(index, start: start)).image
        }
        return frame(index, image)
    }

    private func deadline(_ index: Int) -> Double {
        Double(index) / Double(encoder.spec.fps)
    }

    private func frame(_ index: Int, _ image: Image) -> Frame {
        Frame(index: index, time: Double(index) / Double(encoder.spec.fps), image: image)
    }

    private func made(_ windows: [[Float]]) async throws -> [Frame] {
        let engine = engine, first = frames, start = startFrame
        frames += windows.count
        return try await withThrowingTaskGroup(of: (Int, Image).self) { group in
            for (offset, window) in windows.enumerated() {
                let index = first + offset, due = deadline(index)
                group.addTask {
                    (index, try await engine.workers.run(before: due) { try engine.image(window, index, start: start) })
                }
            }
            var images: [Int: Image] = [:]
            for try await (index, image) in group { images[index] = image }
            return images.sorted { $0.key < $1.key }.map { frame($0.key, $0.value) }
        }
    }
}
