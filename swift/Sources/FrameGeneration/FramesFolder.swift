/// Where frames go, a video or a folder of images. One thread writes at a time.
protocol FrameSink: Sendable {
    /// Takes the next frame.
    func write(_ image: Image) throws
    /// Puts everything under its final name.
    func finish() throws
    /// Removes what is not complete.
    func discard()
}

/// Images `frame_00000.png` on in a folder, which holds the frames of one complete run at any time.
///
/// They are written into a hidden folder inside of it and moved out at the end; only then the frames of an earlier run
/// disappear, in either format. Other files stay.
final class FramesFolder: FrameSink {
    private let folder: String
    private let partial: String
    private let format: ImageFormat
    private let prefix: String
    private let provenance: Bool
    private let written = Locked(0)

    /// Throws an error of kind `output` where the folder cannot be written to.
    init(_ folder: String, _ format: ImageFormat, prefix: String = "frame", provenance: Bool) throws {
        try prepareFolder(folder)
        (self.folder, self.format, self.prefix, self.provenance) = (folder, format, prefix, provenance)
        partial = temporaryName(beside: joined(folder, "frames"))
        try prepareFolder(partial)
    }

    func write(_ image: Image) throws {
        try write(encoded: try image.encoded(format))
    }

    /// Takes the next frame as a file's content in the folder's format.
    func write(encoded data: [UInt8]) throws {
        let number = written.withLock { $0 }
        try writeFile(joined(partial, name(number)), provenance ? markedImage(data) : data)
        written.withLock { $0 += 1 }
    }

    func finish() throws {
        let count = written.withLock { $0 }
        let names = Set((0..<count).map(name))
        for name in names { try moveFile(joined(partial, name), to: joined(folder, name)) }
        removeFolder(partial)
        for name in (try? folderEntries(folder)) ?? [] where isOurs(name) && !names.contains(name) {
            removeFile(joined(folder, name))
        }
    }

    func discard() {
        removeFolder(partial)
    }

    private func name(_ index: Int) -> String {
        "\(prefix)_\(fiveDigits(index)).\(format.rawValue)"
    }

    private func isOurs(_ name: String) -> Bool {
        guard name.hasPrefix("\(prefix)_"), name.hasSuffix(".png") || name.hasSuffix(".jpg") else { return false }
        let digits = name.dropFirst(prefix.count + 1).dropLast(4)
        return digits.count >= 5 && digits.allSatisfy { $0.isASCII && $0.isNumber }
    }
}
