/// How an audio program runs on audio that arrives in pieces: blocks whose place is fixed in the whole audio.
///
/// Block b is the features from `features` b on; it begins at sample `step` b and hears `before` blocks more.
struct Blocks: Sendable {
    let features: Int  // in a block
    let step: Int  // samples from one block to the next
    let before: Int  // whole blocks that are given to the program as left context
    let samples: Int  // from a block's start to the end of what its last feature hears
    let repeatsEnds: Bool  // the first and the last feature come twice
    let total: @Sendable (Int) -> Int  // features of audio of so many samples, without repeated ones

    /// Those of a type of feature, or nil where no audio program gives it.
    static func of(_ spec: AudioSpec) -> Blocks? {
        switch spec.name {
        case "ave":
            Blocks(features: 5, step: 3200, before: 1, samples: 5800, repeatsEnds: true) { samples in
                let columns = max(samples, 3000) / 200 + 1
                return Int(Double(columns - 16) / 80 * 25) + 2
            }
        case "whisper":
            Blocks(features: 10, step: 6400, before: 2, samples: 9640, repeatsEnds: false) { ($0 + 639) / 640 }
        case "streaming":
            Blocks(features: 1, step: 640, before: 30, samples: 1280, repeatsEnds: false) { ($0 + 639) / 640 }
        default: nil
        }
    }
}
