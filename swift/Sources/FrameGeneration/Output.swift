#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// What every output shares: a folder that can be written to, and a final name that only a complete file gets.

/// Creates `folder` with its parents where missing. Throws an error of kind `output` where nothing can be written in it.
func prepareFolder(_ folder: String) throws {
    var path = folder.hasPrefix("/") ? "" : "."
    for part in folder.split(separator: "/") {
        path += "/\(part)"
        _ = mkdir(path, 0o777)
    }
    guard PathKind.of(folder) == .folder, access(folder, W_OK) == 0 else {
        let reason = PathKind.of(folder) == .folder ? "its rights forbid it" : "there is none and it cannot be made"
        throw FrameGenerationError(
            .output, "expected a folder to write in (\(reason)); choose another folder", path: folder)
    }
}

/// The folder and the name in it of a path.
func splitPath(_ path: String) -> (folder: String, name: String) {
    guard let slash = path.lastIndex(of: "/") else { return (".", path) }
    let folder = String(path[..<slash])
    return (folder.isEmpty ? "/" : folder, String(path[path.index(after: slash)...]))
}

/// The end of a path from its last dot on, in lower case; empty where its name has none.
func suffix(of path: String) -> String {
    let name = splitPath(path).name
    guard let dot = name.lastIndex(of: "."), dot != name.startIndex else { return "" }
    return name[dot...].lowercased()
}

/// An unused hidden name in the folder of `path`, with its suffix, so that it can be renamed to `path` in one step.
func temporaryName(beside path: String) -> String {
    let (folder, name) = splitPath(path), end = suffix(of: path)
    let random = String(UInt32.random(in: .min ... .max), radix: 16)
    return joined(folder, ".\(name.dropLast(end.count)).\(random)\(end)")
}

/// Writes a whole file; on failure nothing stays. Throws an error of kind `output`.
func writeFile(_ path: String, _ data: [UInt8], appending: Bool = false) throws {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | (appending ? O_APPEND : O_TRUNC), 0o666)
    guard descriptor >= 0 else { throw unwritable(path) }
    defer { close(descriptor) }
    try data.withUnsafeBytes { bytes in
        var done = 0
        while done < bytes.count {
            let written = write(descriptor, bytes.baseAddress! + done, bytes.count - done)
            if written < 0 && errno == EINTR { continue }
            guard written > 0 else {
                let error = unwritable(path)
                unlink(path)
                throw error
            }
            done += written
        }
    }
}

/// Gives `temporary` the name `path`. Throws an error of kind `output`.
func moveFile(_ temporary: String, to path: String) throws {
    guard rename(temporary, path) == 0 else { throw unwritable(path) }
}

func removeFile(_ path: String) {
    unlink(path)
}

func removeFolder(_ path: String) {
    for name in (try? folderEntries(path)) ?? [] { unlink(joined(path, name)) }
    rmdir(path)
}

/// What the system, or an encoder, says against an output.
func unwritable(_ path: String, _ reason: String = SystemError().reason) -> FrameGenerationError {
    FrameGenerationError(.output, "cannot be written (\(reason)); free space or choose another", path: path)
}
