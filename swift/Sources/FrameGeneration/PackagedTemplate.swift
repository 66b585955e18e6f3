/// One frame of the recording, with the face's box and which of the box's pixels must stay as they are.
struct TemplateFrame: Sendable {
    var image: Image
    let box: CropBox
    let keep: [UInt8]?  // (size, size), 1 where a pixel stays; nil where there is no parsing image
}

/// A recording's frames, read one by one when they are asked for; any number of threads may read.
protocol FrameSequence: Sendable {
    var count: Int { get }
    var width: Int { get }
    var height: Int { get }

    /// Decodes frame `index`, counted from 0.
    func read(_ index: Int) throws -> TemplateFrame
}

extension FrameSequence {
    /// Which frame the `i`-th output shows: 1, 2, ..., n-1, n-2, ..., 0, 1, ..., entered `start` frames later.
    func index(_ i: Int, start: Int) -> Int {
        guard count > 1 else { return 0 }
        let turn = count - 1
        return turn - abs(turn - (i + 1 + start) % (2 * turn))
    }
}

/// The frames of a package; one is in memory at a time.
struct PackagedTemplate: FrameSequence {
    let package: Package

    var count: Int { package.manifest.frame.count }
    var width: Int { package.manifest.frame.width }
    var height: Int { package.manifest.frame.height }

    /// Throws an error of kind `package` when the files are not those listed, or no images of their size.
    func read(_ index: Int) throws -> TemplateFrame {
        let manifest = package.manifest, box = manifest.boxes[index]
        let image = try readImage(framePath(index, manifest.frame.format), manifest.frame.format)
        let keep = manifest.parsing ? keptPixels(box.cut(try readImage(parsingPath(index), .png))) : nil
        return TemplateFrame(image: image, box: box, keep: keep)
    }

    private func readImage(_ name: String, _ format: ImageFormat) throws -> Image {
        let data = try package.read(name)
        return try refusing(package.path) {
            let stated = try readHeader(data, name)
            guard stated.format == format else { throw Refusal("\(name) is no \(format.rawValue) image") }
            guard stated.width == width, stated.height == height else {
                throw Refusal("\(name) is \(stated.width)x\(stated.height) pixels; expected \(width)x\(height)")
            }
            return try decodeImage(data, name, format, width: width, height: height)
        }
    }
}

/// Where a parsing image is red (0, 0, 255) or white in BGR: 1 for such a pixel, otherwise 0.
func keptPixels(_ parsing: Image) -> [UInt8] {
    parsing.pixels.withUnsafeBufferPointer { pixels in
        (0..<parsing.width * parsing.height).map { pixel in
            let blue = pixels[3 * pixel], green = pixels[3 * pixel + 1], red = pixels[3 * pixel + 2]
            return red == 255 && blue == green && (blue == 0 || blue == 255) ? 1 : 0
        }
    }
}
