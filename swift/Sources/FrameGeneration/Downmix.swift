/// How the channels of audio become one; see docs/avatar.md, "Samples".
enum Downmix: Sendable, Equatable {
    /// Their sum by weights; products and sums are rounded to float32 one by one.
    case sum([Float])
    /// One of them alone, where the sum cancels.
    case channel(Int)
    /// Their plain mean, as up to version 2.
    case mean

    private static let front = Float(0.5), centre = Float(0.5).squareRoot(), around = Float(0.125).squareRoot()
    /// Speakers in the order of the bits of a WAV file's channel mask.
    private static let speakers = [
        "FL", "FR", "FC", "LFE", "BL", "BR", "FLC", "FRC", "BC", "SL", "SR", "TC", "TFL", "TFC", "TFR", "TBL", "TBC",
        "TBR",
    ]
    /// Those of as many channels where the file does not say.
    private static let usual = [
        "", "FC", "FL FR", "FL FR FC", "FL FR FC BC", "FL FR FC BL BR", "FL FR FC LFE BL BR", "FL FR FC LFE BC SL SR",
        "FL FR FC LFE BL BR SL SR",
    ]

    /// The sum of so many channels, 1 to 8, whose speakers the channel mask of a WAV file states.
    static func sum(channels: Int, mask: Int) -> Downmix {
        var names = speakers.indices.filter { mask >> $0 & 1 == 1 }.map { speakers[$0] }
        if names.count != channels || mask >> speakers.count != 0 {
            names = usual[channels].split(separator: " ").map(String.init)
        }
        return .sum(
            names.map { name in
                switch name {
                case "FL", "FR", "FLC", "FRC": front
                case "FC": centre
                case "LFE": 0
                default: around
                }
            })
    }

    /// One channel's samples of interleaved ones.
    func mix(_ samples: [Float], channels: Int) -> [Float] {
        guard channels > 1 else { return samples }
        let frames = samples.count / channels
        switch self {
        case .channel(let index):
            return (0..<frames).map { samples[$0 * channels + index] }
        case .mean:
            return (0..<frames).map { frame in
                samples[frame * channels..<(frame + 1) * channels].reduce(0, +) / Float(channels)
            }
        case .sum(let weights):
            return (0..<frames).map { frame in
                var sum: Float = 0
                for (channel, weight) in weights.enumerated() where weight != 0 {
                    sum += weight * samples[frame * channels + channel]
                }
                return sum
            }
        }
    }

    /// The same as a filter of FFmpeg.
    func filter(channels: Int) -> String {
        switch self {
        case .channel(let index): return "pan=mono|c0=c\(index)"
        case .mean:
            return Downmix.sum(Array(repeating: 1 / Float(channels), count: channels)).filter(channels: channels)
        case .sum(let weights):
            let parts = weights.enumerated().filter { $0.element != 0 }.map { "\($0.element)*c\($0.offset)" }
            return "pan=mono|c0=\(parts.isEmpty ? "0*c0" : parts.joined(separator: "+"))"
        }
    }
}

/// Tells from a whole file, piece by piece, whether the weighted sum of its channels cancels.
struct Cancellation {
    private static let cancels = 16.0  // times the energy of the sum, 12 dB, that one channel has where it does

    private let sum: Downmix
    private let weights: [Float]
    private let size: Int  // samples of a block, whose energies are added up
    private var energies: [Double]
    private var mixed = 0.0
    private var pending: [Float] = []  // interleaved

    init(_ sum: Downmix, rate: Int) {
        self.sum = sum
        if case .sum(let weights) = sum { self.weights = weights } else { weights = [] }
        size = max(1, rate / 25)
        energies = Array(repeating: 0, count: weights.count)
    }

    mutating func push(_ samples: [Float]) {
        guard weights.count > 1 else { return }
        pending += samples
        let block = size * weights.count
        var at = 0
        while at + block <= pending.count {
            add(Array(pending[at..<at + block]))
            at += block
        }
        pending.removeFirst(at)
    }

    /// How the file's channels become one; all of it must have been pushed.
    mutating func downmix() -> Downmix {
        if !pending.isEmpty { add(pending) }
        pending = []
        let audible = zip(energies, weights).map { $1 == 0 ? 0 : $0 }
        guard audible.count > 1, let most = audible.max(), Self.cancels * mixed < most else { return sum }
        return .channel(audible.firstIndex(of: most) ?? 0)
    }

    private mutating func add(_ block: [Float]) {
        let channels = weights.count
        for channel in 0..<channels {
            energies[channel] += energy(stride(from: channel, to: block.count, by: channels).map { block[$0] })
        }
        mixed += energy(sum.mix(block, channels: channels))
    }
}
