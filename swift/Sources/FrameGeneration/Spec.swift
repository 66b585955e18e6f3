/// Hz; every audio feature is computed at this rate.
public let sampleRate = 16_000
/// Features in the window that the generator sees.
let windowLength = 16

/// One type of audio feature.
public struct AudioSpec: Sendable, Hashable {
    /// `ave`, `hubert`, `wenet`, `whisper` or `streaming`.
    public let name: String
    /// Features, and so video frames, a second.
    public let fps: Int
    /// The shape of one feature as the original programs store it.
    public let featureShape: [Int]
    /// Channels, height and width in which a window of 16 features enters the network, row-major.
    public let windowShape: [Int]
    /// Features of a window before its frame; the others are from the frame on.
    let before: Int

    /// Values in one feature (F).
    public var featureSize: Int { featureShape.reduce(1, *) }
    /// Frames from a frame to that of its window's last feature.
    var ahead: Int { windowLength - before - 1 }

    /// Every type that there is.
    public static let all = [
        AudioSpec(name: "ave", fps: 25, featureShape: [512], windowShape: [32, 16, 16], before: 8),
        AudioSpec(name: "hubert", fps: 25, featureShape: [2, 1024], windowShape: [32, 32, 32], before: 8),
        AudioSpec(name: "wenet", fps: 20, featureShape: [8192], windowShape: [256, 16, 32], before: 8),
        AudioSpec(name: "whisper", fps: 25, featureShape: [256], windowShape: [16, 16, 16], before: 8),
        AudioSpec(name: "streaming", fps: 25, featureShape: [240], windowShape: [16, 15, 16], before: 12),
    ]

    /// The type that is called `name`, or nil.
    public static func named(_ name: String) -> AudioSpec? {
        all.first { $0.name == name }
    }
}

/// How a face crop becomes network input: what the original calls it, and the side of the network's input in pixels.
struct FaceSpec: Sendable, Hashable {
    let name: String
    let size: Int
    /// Pixels around it that the crop has beside it on each side.
    let margin: Int

    /// Side of the resized crop: the network's region with its rim.
    var cropSize: Int { size + 2 * margin }

    static let all = [
        FaceSpec(name: "328", size: 320, margin: 4), FaceSpec(name: "160", size: 160, margin: 4),
        FaceSpec(name: "mobile", size: 256, margin: 36),
    ]
}

/// One generator: its face geometry, its audio feature and the width of its first level.
public struct GeneratorSpec: Sendable, Hashable {
    let face: FaceSpec
    public let audio: AudioSpec
    /// Channels at the first level; 32 is the original's.
    public let width: Int

    /// The short name that people say: `328-ave`, `160-hubert`, `328-ave-light`, `mobile-whisper`.
    public var name: String {
        let usual = face.name == "mobile" ? [16: ""] : [32: "", 16: "-light"]
        let suffix = usual[width] ?? "-width\(width)"
        return "\(face.name)-\(audio.name)\(suffix)"
    }
}

/// How a face is written back into its frame; the raw value is what packages and options call it.
public enum Blend: String, Sendable, CaseIterable {
    /// The original's hard paste.
    case reference
    /// Without an edge to be seen.
    case feathered

    /// What the render program takes.
    var number: UInt8 { self == .reference ? 0 : 1 }
}
