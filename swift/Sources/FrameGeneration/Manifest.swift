let manifestName = "avatar.json"
let landmarksName = "landmarks.bin"
let previewName = "preview.jpg"
let restName = "rest.bin"
let landmarkBytes = 110 * 2 * 2  // a frame; x and y of 110 points, int16
let previewSide = 512  // pixels at most

/// The template's frames: size in pixels, how many, and `jpg` or `png`.
public struct Images: Sendable, Hashable {
    public let width: Int
    public let height: Int
    public let count: Int
    public let format: ImageFormat
}

/// An image file's format; the raw value is its suffix.
public enum ImageFormat: String, Sendable, CaseIterable {
    case jpg, png
}

/// What a file must be: its bytes, and their SHA-256 in lower-case hexadecimal.
struct FileEntry: Sendable {
    let size: Int
    let sha256: String
}

/// The fields of `avatar.json`, which docs/avatar.md describes.
public struct Manifest: Sendable {
    public let version: Int
    public let name: String
    /// SPDX identifier or text; may be empty and have line breaks.
    public let licence: String
    public let credits: [String]
    public let generator: GeneratorSpec
    public let frame: Images
    /// The face's box in each frame.
    public let boxes: [CropBox]
    /// Whether parsing images mark pixels that stay as they are.
    public let parsing: Bool
    /// Of `audio`, `face` and `render`, in that order; `audio` may be absent.
    public let programs: [String]
    public let precision: String
    /// How faces are written back by default.
    public let blend: Blend
    /// Whether there are features of a mouth at rest.
    public let rest: Bool
    let files: [String: FileEntry]

    /// Frames a second, those of the audio features.
    public var fps: Int { generator.audio.fps }

    /// Whether the render program takes the blend.
    var hasBlends: Bool { version > 1 }

    /// Whether the gate is relative to the level of the speech, and channels have weights.
    var listens: Bool { version > 2 }

    /// Size of the window (16, F) of float32 at which the mouth rests.
    var restBytes: Int { windowLength * generator.audio.featureSize * 4 }

    /// Every file that the package has beside `avatar.json`, and no other.
    var paths: Set<String> {
        var paths: Set = [landmarksName, previewName]
        if rest { paths.insert(restName) }
        paths.formUnion(programs.map(programPath))
        for index in 0..<frame.count {
            paths.insert(framePath(index, frame.format))
            if parsing { paths.insert(parsingPath(index)) }
        }
        return paths
    }
}

/// Where the program `audio`, `face` or `render` is.
func programPath(_ role: String) -> String {
    "programs/\(role).onnx"
}

/// Where frame `index` is.
func framePath(_ index: Int, _ format: ImageFormat) -> String {
    "frames/\(fiveDigits(index)).\(format.rawValue)"
}

/// Where the parsing image of frame `index` is.
func parsingPath(_ index: Int) -> String {
    "parsing/\(fiveDigits(index)).png"
}

/// A number with leading zeros to five digits.
func fiveDigits(_ number: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, 5 - digits.count)) + digits
}
