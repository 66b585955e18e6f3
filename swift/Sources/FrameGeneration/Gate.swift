#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// What tells whether somebody speaks. Where nobody does, the mouth rests; see docs/avatar.md, "Silence".
public enum Gate: Sendable, Hashable {
    /// What the package means: fixed levels up to version 2, `relative` from then on.
    case asPackaged
    /// Speech stands out from the room's noise and is not far below its own level.
    case relative
    /// Speech begins where the level reaches `speech` and ends where it falls below `silence`, in dB of full scale.
    case fixed(silence: Double, speech: Double)
    /// The mouth moves in silence too.
    case off

    /// Silence below -45 dB, speech from -40 dB on.
    public static let usualLevels = Gate.fixed(silence: -45, speech: -40)

    /// Throws an error of kind `option` for impossible levels.
    func check() throws {
        guard case .fixed(let silence, let speech) = self else { return }
        guard RestStream.lowest < silence, silence <= speech, speech <= 0 else {
            throw FrameGenerationError(
                .option,
                "silence below \(silence) dB and speech above \(speech) dB; expected the first to be the lower one, "
                    + "and both between \(RestStream.lowest) and 0")
        }
    }
}

/// Is given frame after frame of audio, and tells whether somebody speaks in it.
enum SpeechDetector {
    case relative(RelativeDetector)
    case fixed(silence: Double, speech: Double, speaks: Bool)

    /// gate: `relative` or `fixed`.
    init(_ gate: Gate) {
        if case .fixed(let silence, let speech) = gate {
            self = .fixed(silence: silence, speech: speech, speaks: false)
        } else {
            self = .relative(RelativeDetector())
        }
    }

    mutating func push(_ samples: ArraySlice<Float>) -> Bool {
        switch self {
        case .relative(var detector):
            let speaks = detector.push(samples)
            self = .relative(detector)
            return speaks
        case .fixed(let silence, let speech, let spoke):
            let speaks = level(samples) >= (spoke ? silence : speech)
            self = .fixed(silence: silence, speech: speech, speaks: speaks)
            return speaks
        }
    }
}

/// docs/avatar.md, "Silence", step by step: single multiplications and comparisons of energies in float64.
struct RelativeDetector {
    private static let usualThreshold = 429_497.0  // -40 dB
    private static let noRoom = 16.0, unknownRoom = 2_710.0  // -84 and -62 dB
    private static let floorFrames = 100, floorRank = 3

    private var floors: [Double] = []
    private var speech = 0.0  // the speech's own energy; 0 until somebody speaks
    private var speaks = false  // in the last frame

    mutating func push(_ samples: ArraySlice<Float>) -> Bool {
        let power = energy(samples)
        if floors.count == Self.floorFrames { floors.removeFirst() }
        floors.append(power >= Self.noRoom ? power : Self.unknownRoom)
        let threshold = self.threshold
        speaks = power >= (speaks ? threshold * 0.3125 : threshold)
        if speaks {
            speech = speech == 0 ? min(power, Self.usualThreshold) : speech * (power > speech ? 1.125 : 0.96875)
        }
        return speaks
    }

    private var threshold: Double {
        guard floors.count >= Self.floorRank else { return Self.usualThreshold }
        let room = floors.sorted()[Self.floorRank - 1]
        let threshold = min(max(16 * room, speech / 128), Self.usualThreshold)
        return floors.count < Self.floorFrames ? threshold : max(threshold, 8 * room)
    }
}

/// How much of each frame is rest, from audio in pieces: 0 where somebody speaks, 1 where nobody does, and steps of a
/// fade between them.
///
/// Frame i rests when nobody speaks in ten frames, the last of which is that of its window's last feature; its share is the
/// mean over the last four frames.
struct RestStream {
    static let lowest = -200.0  // dB; what digital silence is said to have
    private static let shortestSilence = 10  // frames; longer than a window reaches beyond its own
    static let fade = 4  // frames; from speech to rest and back

    private var detector: SpeechDetector
    private let size: Int  // samples of a frame
    private let ahead: Int  // frames that a window reaches beyond its own
    private var pending: [Float] = []
    private var quiet: Int  // frames without speech at the end; before the first there is silence
    private var pushed = 0  // frames
    private var rests: [Bool] = []  // of the last frames, at most `fade`

    /// gate: `relative` or `fixed`.
    init(_ gate: Gate, _ spec: AudioSpec) {
        (detector, size, ahead) = (SpeechDetector(gate), sampleRate / spec.fps, spec.ahead)
        quiet = Self.shortestSilence - 1 - ahead
    }

    /// The shares of the frames that are known by these samples.
    mutating func push(_ samples: [Float]) -> [Float] {
        pending += samples
        var shares: [Float] = []
        var at = 0
        while at + size <= pending.count {
            if let share = add(detector.push(pending[at..<at + size])) { shares.append(share) }
            at += size
        }
        pending.removeFirst(at)
        return shares
    }

    /// Ends the audio: what a last frame tells that it only begins.
    mutating func flush() -> [Float] {
        guard !pending.isEmpty, let share = add(detector.push(pending[...])) else { return [] }
        return [share]
    }

    /// The shares of the next `count` frames, to the end of the audio and beyond it; there nobody speaks.
    mutating func missing(_ count: Int) -> [Float] {
        Array((0..<count + ahead).compactMap { _ in add(false) }.prefix(count))
    }

    private mutating func add(_ speaks: Bool) -> Float? {
        quiet = speaks ? 0 : quiet + 1
        pushed += 1
        if pushed <= ahead { return nil }
        let resting = quiet >= Self.shortestSilence
        if rests.isEmpty { rests = Array(repeating: resting, count: Self.fade - 1) }
        rests = (rests + [resting]).suffix(Self.fade)
        return Float(rests.count { $0 }) / Float(Self.fade)
    }
}

/// The window (16, F) of a frame of which `share` is rest; in float32, each product and sum rounded on its own.
func rested(_ window: [Float], _ rest: [Float], _ share: Float) -> [Float] {
    share == 0 ? window : zip(window, rest).map { spoken, resting in (1 - share) * spoken + share * resting }
}

/// The variance in steps of 1 / 65536, squared: exact sums of integers, and one division. At most 32,768 samples.
func energy(_ samples: some Collection<Float>) -> Double {
    var total = 0, squares = 0
    for sample in samples {
        let steps = Int((min(max(sample, -1), 1) * 65_536).rounded(.toNearestOrEven))
        total += steps
        squares += steps * steps
    }
    let count = samples.count
    return Double(count * squares - total * total) / Double(count * count)
}

/// 20 log10 of the standard deviation, in double precision, or `lowest`.
private func level(_ samples: ArraySlice<Float>) -> Double {
    let values = samples.map(Double.init), count = Double(values.count)
    let mean = pairwiseSum(values[...]) / count
    let deviation = (pairwiseSum(values.map { ($0 - mean) * ($0 - mean) }[...]) / count).squareRoot()
    return deviation > 1e-10 ? 20 * log10(deviation) : RestStream.lowest
}

/// The sum in the order in which NumPy adds, so that it has NumPy's bits: eight sums of up to 128 values, then in pairs.
private func pairwiseSum(_ values: ArraySlice<Double>) -> Double {
    let count = values.count, start = values.startIndex
    if count < 8 { return values.reduce(-0.0, +) }
    if count > 128 {
        let half = count / 2 - count / 2 % 8
        return pairwiseSum(values[..<(start + half)]) + pairwiseSum(values[(start + half)...])
    }
    var sums = Array(values[start..<start + 8])
    let whole = count - count % 8
    for index in stride(from: 8, to: whole, by: 8) {
        for lane in 0..<8 { sums[lane] += values[start + index + lane] }
    }
    let sum = ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]))
    return values[(start + whole)...].reduce(sum, +)
}
