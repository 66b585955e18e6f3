/// What turns samples into audio features: the audio program of a package.
struct AudioProgram: Sendable {
    let spec: AudioSpec
    private let session: OnnxSession

    init(_ session: OnnxSession, _ spec: AudioSpec) {
        (self.session, self.spec) = (session, spec)
    }

    /// Of the windows that audio of just these samples (16 kHz) has, `count` ones from `first` on: (m, F) row-major,
    /// all finite. Throws `Refusal` where the program gives anything else.
    func features(_ samples: [Float], first: Int, count: Int) throws -> [Float] {
        let inputs = ["samples": Tensor(samples, [samples.count]), "first": Tensor(first), "count": Tensor(count)]
        let features = try session.run(inputs, ["features"])[0]
        let total = Blocks.of(spec)?.total(samples.count) ?? 0
        let expected = [max(0, min(count, total - first)), spec.featureSize]
        guard features.type == .float32, features.shape == expected else {
            throw Refusal("\(programPath("audio")) gives features of shape \(features.shape); expected \(expected)")
        }
        let values = features.floats
        guard values.allSatisfy(\.isFinite) else {
            throw Refusal("\(programPath("audio")) gives features that are not finite numbers")
        }
        return values
    }
}

/// Features of one audio, pushed piece by piece: the same bits however it is cut.
///
/// Each block is given the audio of the blocks before it that it hears, and runs as soon as its last sample is there;
/// only what is left at the end waits for `flush`. Holds a few blocks of audio, however long it is.
struct FeatureStream {
    private let program: AudioProgram
    private let blocks: Blocks
    private var pending: [Float] = []  // samples from the first block that the next one hears on
    private var samples = 0  // pushed so far
    private var done = 0  // blocks

    init(_ program: AudioProgram, _ blocks: Blocks) {
        (self.program, self.blocks) = (program, blocks)
    }

    /// Blocks before the next one that the pending samples begin with.
    private var before: Int { min(done, blocks.before) }

    /// The features (m, F) that these samples complete.
    mutating func push(_ samples: [Float]) throws -> [Float] {
        pending += samples
        self.samples += samples.count
        var features: [Float] = []
        while pending.count >= blocks.samples + blocks.step * before {
            features += try self.features(Array(pending[..<(blocks.samples + blocks.step * before)]), blocks.features)
            if before == blocks.before { pending.removeFirst(blocks.step) }
            done += 1
        }
        return features
    }

    /// Ends the audio: the features that are still missing. Throws an error of kind `audio` when there was none.
    mutating func flush() throws -> [Float] {
        guard samples > 0 else {
            throw FrameGenerationError(.audio, "the audio holds no samples; give at least one")
        }
        let left = blocks.total(samples) - done * blocks.features
        let features = try self.features(pending, left)
        return blocks.repeatsEnds ? features + features.suffix(program.spec.featureSize) : features
    }

    private func features(_ samples: [Float], _ count: Int) throws -> [Float] {
        let features = try program.features(samples, first: before * blocks.features, count: count)
        return blocks.repeatsEnds && done == 0 ? features.prefix(program.spec.featureSize) + features : features
    }
}

/// Windows of one audio, pushed piece by piece, each as soon as its last feature is there.
struct WindowStream {
    private var stream: FeatureStream
    private let spec: AudioSpec
    private var pending: [Float] = []  // features from `first` on
    private var first = 0
    private var frame = 0  // of the next window

    init(_ program: AudioProgram, _ blocks: Blocks) {
        stream = FeatureStream(program, blocks)
        spec = program.spec
    }

    /// The windows (16, F) that these samples complete.
    mutating func push(_ samples: [Float]) throws -> [[Float]] {
        take(try stream.push(samples))
    }

    /// Ends the audio: the windows that are missing to `count` in all. Beyond the end they fill with zeros.
    mutating func flush(_ count: Int) throws -> [[Float]] {
        let given = frame
        var windows = take(try stream.flush())
        while frame < count {
            windows.append(spec.window(of: pending[...], at: frame - first))
            frame += 1
        }
        return Array(windows.prefix(max(count - given, 0)))
    }

    private mutating func take(_ features: [Float]) -> [[Float]] {
        pending += features
        let size = spec.featureSize, complete = first + pending.count / size - spec.ahead
        var windows: [[Float]] = []
        while frame < complete {
            windows.append(spec.window(of: pending[...], at: frame - first))
            frame += 1
        }
        let passed = min(max(frame - spec.before - first, 0), pending.count / size)
        pending.removeFirst(passed * size)
        first += passed
        return windows
    }
}
