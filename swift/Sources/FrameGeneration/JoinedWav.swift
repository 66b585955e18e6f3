/// WAV files that hold more than their header states, as those do that were written one after another into one file, or
/// whose header knows the first piece alone.
enum JoinedWav {
    /// From this size on, and at 0, a header does not know how long its audio is.
    private static let unstated = 0xFFFF_FF00
    private static let header = 12, chunkHeader = 8  // bytes
    private static let block = 1 << 20  // bytes that are searched at once

    /// Throws `Refusal` where the file is such a one, and `SystemError`.
    static func refuse(_ file: ReadableFile) throws {
        if try isWav(file, 0), try holdsMore(file) {
            throw Refusal(
                "holds more audio than its header states, as WAV files do that were joined or streamed; write it as one"
                    + " whole file, or use framegen, which reads it to the end")
        }
    }

    private static func holdsMore(_ file: ReadableFile) throws -> Bool {
        var at = header
        while at + chunkHeader <= file.size {
            let (name, size) = try chunk(file, at)
            if name.elementsEqual("data".utf8) { return try holdsMore(file, begin: at + chunkHeader, stated: size) }
            at += chunkHeader + size + size % 2
        }
        return false
    }

    private static func holdsMore(_ file: ReadableFile, begin: Int, stated: Int) throws -> Bool {
        let end = begin + stated
        if stated == 0 || stated >= unstated || end > file.size { return try search(file, from: begin) }
        let behind = end + stated % 2
        if try isWav(file, end) || isWav(file, behind) { return true }
        var at = behind
        while at + chunkHeader <= file.size {  // what is said of the audio comes behind it
            let (name, size) = try chunk(file, at)
            let next = at + chunkHeader + size
            guard name.allSatisfy({ (32..<127).contains($0) }), next <= file.size else { break }
            at = next + next % 2
            if try isWav(file, at) { return true }
        }
        return at == behind && file.size - end >= chunkHeader
    }

    private static func chunk(_ file: ReadableFile, _ at: Int) throws -> (name: ArraySlice<UInt8>, size: Int) {
        let head = try file.read(at: at, count: chunkHeader)
        return (head[..<4], head[4...].reversed().reduce(0) { $0 << 8 | Int($1) })
    }

    private static func isWav(_ file: ReadableFile, _ at: Int) throws -> Bool {
        try at + header <= file.size && isWav(file.read(at: at, count: header), 0)
    }

    private static func isWav(_ data: [UInt8], _ at: Int) -> Bool {
        data.count - at >= header && data[at..<at + 4].elementsEqual("RIFF".utf8)
            && data[at + 8..<at + header].elementsEqual("WAVE".utf8)
    }

    private static func search(_ file: ReadableFile, from begin: Int) throws -> Bool {
        for start in stride(from: begin, to: file.size, by: block) {
            let data = try file.read(at: start, count: min(block + header, file.size - start))
            for (at, byte) in data.enumerated() where byte == UInt8(ascii: "R") && isWav(data, at) { return true }
        }
        return false
    }
}
