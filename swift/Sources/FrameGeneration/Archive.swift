/// Reading a zip archive without trusting it (PKWARE's APPNOTE.TXT 6.3.10). Entries are stored as they are, so each is a
/// range of the archive: no entry unpacks to more than its size.

private let mostDirectory = 32 << 20  // bytes of an archive's directory, which is read as a whole
private let endSize = 22  // bytes of the record at the archive's end
private let localHeaderSize = 30

/// Gives `add` every entry of the archive `path`. Throws `Refusal`, `SystemError`, and what `add` throws.
func readArchive(_ path: String, add: (String, FileRange) throws -> Void) throws {
    let file = try ReadableFile(path)
    let directory = try findDirectory(file)
    guard directory.size <= mostDirectory else {
        throw Refusal("its archive's directory takes \(directory.size) bytes; at most \(mostDirectory) are expected")
    }
    let bytes = Bytes(try file.read(at: directory.start, count: directory.size))
    var at = 0, count = 0, stored = 0
    var entries: [(name: String, header: Int, size: Int)] = []
    while at < bytes.count {
        let entry = try Entry(bytes, at: at)
        at += entry.length
        count += 1
        stored = stored.addingReportingOverflow(entry.compressedSize).partialValue
        guard stored >= 0, stored <= file.size else {
            throw Refusal("has an archive's directory that states more bytes than there are")
        }
        try entry.check()
        entries.append((entry.name, entry.headerOffset, entry.size))
        guard count <= mostFiles else { throw Refusal("holds more than \(mostFiles) files") }
    }
    guard count == directory.count else { throw damaged() }
    for entry in entries { try add(entry.name, try place(entry, file, path)) }
}

private func damaged() -> Refusal {
    Refusal("is no readable archive")
}

/// Little-endian numbers in bytes; what is beyond their end is a `Refusal`.
private struct Bytes {
    let values: [UInt8]
    var count: Int { values.count }

    init(_ values: [UInt8]) {
        self.values = values
    }

    func number(_ at: Int, _ size: Int) throws -> Int {
        guard at >= 0, at <= count - size else { throw damaged() }
        let value = (0..<size).reduce(0 as UInt64) { $0 | UInt64(values[at + $1]) << (8 * UInt64($1)) }
        guard value <= Int.max else { throw damaged() }
        return Int(value)
    }

    func begins(_ signature: [UInt8], at: Int) -> Bool {
        at >= 0 && at <= count - signature.count && values[at..<at + signature.count].elementsEqual(signature)
    }
}

/// Where the directory is. Nothing may be before or after the archive, nor a comment: readers would find different ones.
private func findDirectory(_ file: ReadableFile) throws -> (start: Int, size: Int, count: Int) {
    guard file.size >= endSize else { throw damaged() }
    let end = Bytes(try file.read(at: file.size - endSize, count: endSize))
    guard end.begins([0x50, 0x4B, 5, 6], at: 0), try end.number(20, 2) == 0 else { throw damaged() }
    let end64 = try findEnd64(file, before: file.size - endSize)
    let (start, size, count, stop): (Int, Int, Int, Int)
    if let end64 {
        (start, size, count, stop) = end64
    } else {
        guard try end.number(4, 4) == 0, try end.number(8, 2) == end.number(10, 2) else {
            throw damaged()  // one of several disks
        }
        (start, size, count) = (try end.number(16, 4), try end.number(12, 4), try end.number(10, 2))
        stop = file.size - endSize
    }
    guard start <= stop, size == stop - start else { throw damaged() }
    return (start, size, count)
}

/// The record for large archives, where its locator stands before the usual one.
private func findEnd64(_ file: ReadableFile, before end: Int) throws -> (start: Int, size: Int, count: Int, stop: Int)?
{
    guard end >= 20 else { return nil }
    let locator = Bytes(try file.read(at: end - 20, count: 20))
    guard locator.begins([0x50, 0x4B, 6, 7], at: 0) else { return nil }
    let at = try locator.number(8, 8)
    guard at == end - 20 - 56 else { throw damaged() }
    let record = Bytes(try file.read(at: at, count: 56))
    guard record.begins([0x50, 0x4B, 6, 6], at: 0), try record.number(16, 8) == 0,
        try record.number(24, 8) == record.number(32, 8)
    else { throw damaged() }
    return (try record.number(48, 8), try record.number(40, 8), try record.number(32, 8), at)
}

/// An entry of the directory.
private struct Entry {
    static let size = 46

    let name: String
    let length: Int  // in the directory
    let flags: Int
    let method: Int
    let attributes: Int
    private(set) var compressedSize: Int
    private(set) var size: Int
    private(set) var headerOffset: Int

    init(_ bytes: Bytes, at: Int) throws {
        guard bytes.begins([0x50, 0x4B, 1, 2], at: at) else { throw damaged() }
        flags = try bytes.number(at + 8, 2)
        method = try bytes.number(at + 10, 2)
        attributes = try bytes.number(at + 38, 4)
        compressedSize = try bytes.number(at + 20, 4)
        size = try bytes.number(at + 24, 4)
        headerOffset = try bytes.number(at + 42, 4)
        let nameLength = try bytes.number(at + 28, 2), extraLength = try bytes.number(at + 30, 2)
        length = Self.size + nameLength + extraLength + (try bytes.number(at + 32, 2))
        guard at + length <= bytes.count else { throw damaged() }
        name = String(decoding: bytes.values[at + Self.size..<at + Self.size + nameLength], as: UTF8.self)
        try readExtra(bytes, from: at + Self.size + nameLength, length: extraLength)
    }

    /// Sizes that do not fit into 32 bits stand in the extra field 1, in this order.
    private mutating func readExtra(_ bytes: Bytes, from start: Int, length: Int) throws {
        var at = start
        while at + 4 <= start + length {
            let kind = try bytes.number(at, 2), stop = at + 4 + (try bytes.number(at + 2, 2))
            guard stop <= start + length else { throw damaged() }
            if kind == 1 {
                var next = at + 4
                for field in [\Entry.size, \Entry.compressedSize, \Entry.headerOffset]
                where self[keyPath: field] == 0xFFFF_FFFF {
                    guard next + 8 <= stop else { throw damaged() }
                    self[keyPath: field] = try bytes.number(next, 8)
                    next += 8
                }
            }
            at = stop
        }
    }

    /// Refuses what is no plain file.
    func check() throws {
        guard flags & 1 == 0 else { throw Refusal("\(shown(name)) is encrypted") }
        guard method == 0, compressedSize == size else {
            throw Refusal("\(shown(name)) is compressed; expected entries that are stored as they are (zip -0)")
        }
        let kind = attributes >> 16 & 0o170000  // of Unix; 0 where another system wrote it
        guard kind == 0 || kind == 0o100000, attributes & 0x10 == 0 else {
            throw Refusal("\(shown(name)) is a link, a folder or no file; expected files alone")
        }
    }
}

/// Where the entry's data are, by its own header.
private func place(_ entry: (name: String, header: Int, size: Int), _ file: ReadableFile, _ path: String) throws
    -> FileRange
{
    if entry.header <= file.size - localHeaderSize {
        let header = Bytes(try file.read(at: entry.header, count: localHeaderSize))
        let start = entry.header + localHeaderSize + (try header.number(26, 2)) + (try header.number(28, 2))
        if header.begins([0x50, 0x4B, 3, 4], at: 0), start <= file.size, entry.size <= file.size - start {
            return FileRange(path: path, start: start, size: entry.size)
        }
    }
    throw Refusal("\(shown(entry.name)) is not where the archive's directory says")
}
