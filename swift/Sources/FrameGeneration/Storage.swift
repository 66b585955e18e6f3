/// Where a file's bytes are: the whole of a file in a folder, or a part of an archive.
struct FileRange: Sendable {
    let path: String
    let start: Int
    let size: Int

    /// The bytes, never more than `size` even if the file grows. Throws `SystemError`.
    func read() throws -> [UInt8] {
        try ReadableFile(path).read(at: start, count: size)
    }
}

/// Two images for each of 100,000 frames, and some more.
let mostFiles = 250_000

/// Every file of the folder or archive `path` by its name, with `/` between a folder and a file.
///
/// Throws `Refusal` for links, special files, folders in folders or without files, and in archives for names that come
/// twice, compressed or encrypted entries and what is not an archive at all; `SystemError` for what cannot be read.
func findFiles(_ path: String) throws -> [String: FileRange] {
    var files: [String: FileRange] = [:]
    func add(_ name: String, _ file: FileRange) throws {
        guard files.updateValue(file, forKey: name) == nil else { throw Refusal("holds \(shown(name)) twice") }
        guard files.count <= mostFiles else { throw Refusal("holds more than \(mostFiles) files") }
    }
    if PathKind.of(path) == .folder {
        try walk(path, prefix: "", add: add)
    } else {
        try readArchive(path, add: add)
    }
    return files
}

private func walk(_ folder: String, prefix: String, add: (String, FileRange) throws -> Void) throws {
    let entries = try folderEntries(folder)
    for entry in entries {
        let name = prefix + entry, path = joined(folder, entry)
        switch PathKind.of(path, follow: false) {
        case .folder:
            guard prefix.isEmpty else {
                throw Refusal("\(shown(name)) is a folder; expected files in \(shown(prefix))")
            }
            try walk(path, prefix: "\(name)/", add: add)
        case .file:
            try add(name, FileRange(path: path, start: 0, size: try ReadableFile(path).size))
        default:
            throw Refusal("\(shown(name)) is a link or no file; expected the file itself")
        }
    }
    if entries.isEmpty { throw Refusal("\(shown(prefix.isEmpty ? "." : prefix)) is an empty folder") }
}
