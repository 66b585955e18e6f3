/// What is to be said: audio, ready-made features, or both.
public struct Speech: Sendable {
    enum Audio: Sendable {
        case none
        case file(String)
        case samples([Float])
    }

    let audio: Audio
    let features: AudioFeatures?

    /// The audio of a file: a 16 kHz WAV is read as it is; other kinds need `ffmpeg` on Linux.
    public static func audio(_ path: String, features: AudioFeatures? = nil) -> Speech {
        Speech(audio: .file(path), features: features)
    }

    /// Mono samples at 16 kHz, -1 to 1.
    public static func samples(_ samples: [Float], features: AudioFeatures? = nil) -> Speech {
        Speech(audio: .samples(samples), features: features)
    }

    /// Features alone; a frame for each.
    public static func features(_ features: AudioFeatures) -> Speech {
        Speech(audio: .none, features: features)
    }

    var hasAudio: Bool {
        if case .none = audio { false } else { true }
    }

    /// The path of the audio's file, where there is one.
    var audioPath: String? {
        if case .file(let path) = audio { path } else { nil }
    }
}

/// A speech, checked: how many frames it has, and where the window of each comes from.
struct SpeechPlan: Sendable {
    let count: Int
    let spec: AudioSpec
    fileprivate let speech: Speech
    fileprivate let file: AudioFile?
    fileprivate let encoder: AudioProgram?
    fileprivate let silence: Silence?

    /// Throws an error of kind `missingFile`, `audio` or `features`, or `option` where there is nothing to compute
    /// windows from.
    init(_ speech: Speech, spec: AudioSpec, encoder: AudioProgram?, silence: Silence?, weighted: Bool) throws {
        (self.speech, self.spec, self.encoder, self.silence) = (speech, spec, encoder, silence)
        guard speech.features == nil || speech.features?.spec == spec else {
            throw FrameGenerationError(
                .features, "are \(speech.features?.spec.name ?? "") features, the generator wants \(spec.name)")
        }
        let audio: Double
        switch speech.audio {
        case .none: (file, audio) = (nil, 0)
        case .file(let path):
            let opened = try AudioFile(path, weighted: weighted)
            (file, audio) = (opened, opened.duration)
        case .samples(let samples):
            (file, audio) = (nil, Double(samples.count) / Double(sampleRate))
            guard !samples.isEmpty, samples.allSatisfy(\.isFinite) else {
                throw FrameGenerationError(.audio, "the audio holds no samples, or some that are not finite")
            }
        }
        guard speech.features != nil || encoder != nil else {
            throw FrameGenerationError(
                .option, "this avatar has no audio program; give features (--features)", path: speech.audioPath)
        }
        guard speech.features != nil || audio > 0 else {
            throw FrameGenerationError(.option, "nothing to say; give audio, audio features or both")
        }
        let features = Double(speech.features?.count ?? 0) / Double(spec.fps)
        count = frameCount(seconds: max(audio, features), spec)
    }

    /// The windows of all frames, from the first one on.
    func windows() throws -> Windows {
        let samples: (any SampleSource)?
        switch speech.audio {
        case .none: samples = nil
        case .file: samples = try file?.samples()
        case .samples(let values): samples = SampleArray(values)
        }
        return Windows(self, samples)
    }
}

/// Frames of so much audio: as long as it, to within half a frame, and at least one.
func frameCount(seconds: Double, _ spec: AudioSpec) -> Int {
    max(1, Int((seconds * Double(spec.fps)).rounded(.toNearestOrEven)))
}

/// What tells silence, `relative` or `fixed`, and the window at which the mouth rests there.
struct Silence: Sendable {
    let gate: Gate
    let rest: [Float]
}

/// Shares of rest, known before their frames' windows are complete.
struct Rests {
    private var stream: RestStream
    private let rest: [Float]
    private var shares: [Float] = []

    init(_ silence: Silence, _ spec: AudioSpec) {
        (stream, rest) = (RestStream(silence.gate, spec), silence.rest)
    }

    mutating func push(_ samples: [Float]) {
        shares += stream.push(samples)
    }

    mutating func flush(_ frames: Int) {
        shares += stream.flush()
        shares += stream.missing(max(frames - shares.count, 0))
    }

    /// The next frame's window, of which a share is rest.
    mutating func apply(_ window: [Float]) -> [Float] {
        shares.isEmpty ? window : rested(window, rest, shares.removeFirst())
    }

    /// Whether the next frame's share is known.
    var isReady: Bool { !shares.isEmpty }
}

/// The windows (16, F) of a speech, one frame after the other. One thread asks at a time.
final class Windows: @unchecked Sendable {
    private let plan: SpeechPlan
    private var samples: (any SampleSource)?
    private var stream: WindowStream?
    private var rests: Rests?
    private var ready: [[Float]] = []
    private var given = 0

    init(_ plan: SpeechPlan, _ samples: (any SampleSource)?) {
        (self.plan, self.samples) = (plan, samples)
        if plan.speech.features == nil, let encoder = plan.encoder, let blocks = Blocks.of(plan.spec) {
            stream = WindowStream(encoder, blocks)
        }
        if samples != nil, let silence = plan.silence { rests = Rests(silence, plan.spec) }
    }

    /// The next frame's window, or nil after the last.
    func next() throws -> [Float]? {
        guard given < plan.count else { return nil }
        while samples != nil, needsAudio { try readAudio() }
        let window: [Float]
        if let features = plan.speech.features {
            window = features.window(given)
        } else {
            guard !ready.isEmpty else { return nil }
            window = ready.removeFirst()
        }
        given += 1
        return rests?.apply(window) ?? window
    }

    private var needsAudio: Bool {
        stream != nil && ready.isEmpty || rests.map { !$0.isReady } ?? false
    }

    private func readAudio() throws {
        if let piece = try samples?.next() {
            ready += try stream?.push(piece) ?? []
            rests?.push(piece)
        } else {
            samples = nil
            ready += try stream?.flush(plan.count) ?? []
            rests?.flush(plan.count - given)
        }
    }
}
