/// Width and height of a JPEG or PNG image without decoding it, and whether it is complete to its last byte.

private let pngSignature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
private let mostPixels = 1 << 27  // of an image, 16384x8192
private let mostSegments = 10_000  // of a JPEG before its size
private let mostScans = 64  // of a JPEG; progressive ones have ten or so, and decoders go through the image for each

/// Size in pixels and format of the image `data`.
///
/// Throws `Refusal` when it is neither JPEG nor PNG, states an impossible size or is cut off.
func readHeader(_ data: [UInt8], _ name: String) throws -> (width: Int, height: Int, format: ImageFormat) {
    let damaged = Refusal("\(name): a damaged image")
    let isPNG = data.starts(with: pngSignature)
    let size: (width: Int, height: Int)?
    if isPNG {
        size = pngSize(data)
    } else if data.starts(with: [0xFF, 0xD8]) {
        size = jpegSize(data)
    } else {
        throw Refusal("\(name): neither a JPEG nor a PNG image")
    }
    guard let (width, height) = size else { throw damaged }
    guard width > 0, height > 0, width <= mostPixels / height else {
        throw Refusal("\(name): states \(width)x\(height) pixels; expected an image of at most \(mostPixels)")
    }
    if isPNG {
        guard data.count >= 12, data[(data.count - 8)..<(data.count - 4)].elementsEqual("IEND".utf8) else {
            throw Refusal("\(name): a damaged image, its end is missing")
        }
        try checkChunks(data, name)
    } else {
        let tail = data.suffix(64)
        guard zip(tail, tail.dropFirst()).contains(where: { $0 == 0xFF && $1 == 0xD9 }) else {
            throw Refusal("\(name): a damaged image, its end is missing")
        }
        guard jpegScans(data) <= mostScans else {
            throw Refusal("\(name): is encoded in more than \(mostScans) scans")
        }
    }
    return (width, height, isPNG ? .png : .jpg)
}

/// How many scans a JPEG has up to its end, none of them in what its segments hold; it stops counting above `mostScans`.
private func jpegScans(_ data: [UInt8]) -> Int {
    data.withUnsafeBufferPointer { data in
        var at = 2, scans = 0
        while at < data.count, scans <= mostScans {
            guard data[at] == 0xFF else {
                at += 1
                continue
            }
            while at < data.count, data[at] == 0xFF { at += 1 }  // fill bytes may precede a marker
            guard at < data.count, data[at] != 0xD9 else { break }
            let marker = data[at]
            at += 1
            if marker <= 1 || 0xD0...0xD8 ~= marker { continue }  // without a segment
            if marker == 0xDA { scans += 1 }
            guard at + 2 <= data.count else { break }
            at += Int(data[at]) << 8 | Int(data[at + 1])
        }
        return scans
    }
}

/// Each chunk of a PNG is as long as it says, to the last one.
private func checkChunks(_ data: [UInt8], _ name: String) throws {
    var at = pngSignature.count
    while at < data.count {
        guard data.count - at >= 12, let length = number(data, at, 4), length <= data.count - at - 12 else {
            throw Refusal("\(name): a damaged image, it is cut off after \(data.count) bytes")
        }
        if data[(at + 4)..<(at + 8)].elementsEqual("IEND".utf8) { return }
        at += 12 + length
    }
}

private func number(_ data: [UInt8], _ at: Int, _ size: Int) -> Int? {
    guard at >= 0, at <= data.count - size else { return nil }
    return data[at..<at + size].reduce(0) { $0 << 8 | Int($1) }
}

private func pngSize(_ data: [UInt8]) -> (width: Int, height: Int)? {
    guard data.count >= 24, data[12..<16].elementsEqual("IHDR".utf8) else { return nil }
    guard let width = number(data, 16, 4), let height = number(data, 20, 4) else { return nil }
    return (width, height)
}

private func jpegSize(_ data: [UInt8]) -> (width: Int, height: Int)? {
    var at = 2
    for _ in 0..<mostSegments {
        guard let marker = number(data, at, 2) else { return nil }
        if marker == 0xFFFF {  // fill bytes may precede a marker
            at += 1
            continue
        }
        guard marker >> 8 == 0xFF, let length = number(data, at + 2, 2) else { return nil }
        // Start-of-frame markers (ITU-T T.81, table B.1): they alone carry the size.
        if 0xC0...0xCF ~= marker & 0xFF, ![0xC4, 0xC8, 0xCC].contains(marker & 0xFF) {
            guard let height = number(data, at + 5, 2), let width = number(data, at + 7, 2) else { return nil }
            return (width, height)
        }
        at += 2 + length
    }
    return nil
}
