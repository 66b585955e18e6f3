/// Where every frame comes from: template frame, crop, generator, paste.
struct Engine: Sendable {
    let template: any FrameSequence
    let generator: any Generator
    let states: FaceStates
    let blend: Blend
    let workers: Workers
    let path: String  // of the package or model, for messages
    var kind = FrameGenerationError.Kind.package  // of errors about it

    /// Throws an error of kind `option` for a frame of the recording that does not exist.
    func checkStart(_ frame: Int) throws {
        guard 0..<template.count ~= frame else {
            throw FrameGenerationError(
                .option, "start frame \(frame) does not exist; there are frames 0 to \(template.count - 1)", path: path)
        }
    }

    /// The `index`-th frame, for a window (16, F) of audio features.
    func image(_ window: [Float], _ index: Int, start: Int) throws -> Image {
        let place = template.index(index, start: start)
        let frame = try template.read(place)
        return try refusing(path, kind) {
            let crop = frame.box.cut(frame.image)
            let state = try states.encodeFace(place, crop)
            let patch = try generator.render(state, window: window, crop: crop, keep: frame.keep, blend: blend)
            var image = frame.image
            frame.box.paste(patch, into: &image)
            return image
        }
    }
}

/// The frames of a speech, one after the other as they are made: `for try await frame in avatar.frames(of: speech)`.
///
/// At most a few frames are in memory beside the ones that are kept. Cancelling the task that asks, or giving the
/// iterator up, ends the work.
public struct Frames: AsyncSequence, Sendable {
    public typealias Element = Frame

    let engine: Engine
    let startFrame: Int
    let plan: @Sendable () throws -> SpeechPlan

    public func makeAsyncIterator() -> Iterator {
        Iterator(producer: FrameProducer(engine, startFrame, plan))
    }

    public struct Iterator: AsyncIteratorProtocol {
        fileprivate let producer: FrameProducer

        /// The next frame, or nil after the last one. Throws `FrameGenerationError`, and `CancellationError`.
        public mutating func next() async throws -> Frame? {
            try await producer.next()
        }
    }
}

/// Keeps as many frames on their way as there are threads, and gives them in order.
private final class FrameProducer {
    private let engine: Engine
    private let startFrame: Int
    private let plan: @Sendable () throws -> SpeechPlan
    private var speech: (windows: Windows, spec: AudioSpec)?
    private var making: [Task<Frame, any Error>] = []
    private var started = 0  // frames
    private var ended = false

    init(_ engine: Engine, _ startFrame: Int, _ plan: @escaping @Sendable () throws -> SpeechPlan) {
        (self.engine, self.startFrame, self.plan) = (engine, startFrame, plan)
    }

    deinit {
        for task in making { task.cancel() }
    }

    func next() async throws -> Frame? {
        do {
            try Task.checkCancellation()
            while !ended, making.count < engine.workers.count + 1 { try await startOne() }
            guard !making.isEmpty else { return nil }
            let task = making.removeFirst()
            return try await withTaskCancellationHandler {
                try await task.value
            } onCancel: {
                task.cancel()
            }
        } catch {
            for task in making { task.cancel() }
            (making, ended) = ([], true)
            throw error
        }
    }

    private func startOne() async throws {
        let engine = engine, startFrame = startFrame, plan = plan
        // Windows before frames: whoever makes frames waits for them.
        if speech == nil {
            speech = try await engine.workers.run(before: -.infinity) {
                try engine.checkStart(startFrame)
                let speech = try plan()
                return (try speech.windows(), speech.spec)
            }
        }
        guard let (windows, spec) = speech else { return }
        let window = try await engine.workers.run(before: -.infinity) {
            try refusing(engine.path, engine.kind) { try windows.next() }
        }
        guard let window else {
            ended = true
            return
        }
        let index = started
        started += 1
        making.append(
            Task {
                try Task.checkCancellation()
                return try await engine.workers.run(before: Double(index)) {
                    let image = try engine.image(window, index, start: startFrame)
                    return Frame(index: index, time: Double(index) / Double(spec.fps), image: image)
                }
            })
    }
}
