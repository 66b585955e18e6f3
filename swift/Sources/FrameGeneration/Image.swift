/// Pixels in memory, 8 bits each in the order blue, green, red, row by row from the top left without gaps.
public struct Image: Sendable, Equatable {
    /// Pixels.
    public let width: Int
    /// Pixels.
    public let height: Int
    /// `height * width * 3` bytes.
    public internal(set) var pixels: [UInt8]

    /// A black image.
    init(width: Int, height: Int) {
        self.init(width: width, height: height, pixels: [UInt8](repeating: 0, count: width * height * 3))
    }

    /// An image of given pixels, `height * width * 3` bytes.
    public init(width: Int, height: Int, pixels: [UInt8]) {
        precondition(pixels.count == width * height * 3, "an image has three bytes for each pixel")
        self.width = width
        self.height = height
        self.pixels = pixels
    }

    /// Copies `count` bytes of `other` from `start` on to the place `offset`.
    mutating func replace(at offset: Int, with other: Image, from start: Int, count: Int) {
        precondition(offset + count <= pixels.count && start + count <= other.pixels.count)
        other.pixels.withUnsafeBytes { source in
            pixels.withUnsafeMutableBytes { target in
                target.baseAddress!.advanced(by: offset).copyMemory(
                    from: source.baseAddress!.advanced(by: start), byteCount: count)
            }
        }
    }

    /// One pixel.
    subscript(x: Int, y: Int) -> (blue: UInt8, green: UInt8, red: UInt8) {
        let at = (y * width + x) * 3
        return (pixels[at], pixels[at + 1], pixels[at + 2])
    }
}

/// A frame of the avatar, ready to be shown. It owns its pixels: it may be kept as long as needed.
public struct Frame: Sendable {
    /// Which frame of the speech this is, from 0 on.
    public let index: Int
    /// When it is shown, in seconds from the beginning of the speech.
    public let time: Double
    public let image: Image
}
