/// Audio as mono samples at 16 kHz, float32 in -1 to 1, piece by piece.
protocol SampleSource: Sendable {
    /// The next samples, at least one, or nil after the last. One thread asks at a time.
    func next() throws -> [Float]?
}

/// Samples that are in memory.
final class SampleArray: SampleSource {
    private let left: Locked<[Float]?>

    init(_ samples: [Float]) {
        left = Locked(samples.isEmpty ? nil : samples)
    }

    func next() -> [Float]? {
        left.withLock { left in
            defer { left = nil }
            return left
        }
    }
}

/// A file's audio: how long it is, and how it is read.
struct AudioFile: Sendable {
    let path: String
    /// Seconds; the samples over the source's rate.
    let duration: Double
    private let wave: WaveHeader?
    private let media: MediaInfo?
    private let downmix: Downmix

    /// Looks at the whole file `path`. weighted: whether channels become one by where their speakers stand, or by their
    /// mean as up to version 2. Throws an error of kind `missingFile` or `audio`.
    init(_ path: String, weighted: Bool) throws {
        switch PathKind.of(path) {
        case nil:
            throw FrameGenerationError(
                .missingFile, "no such file; give an audio file or a video with an audio track", path: path)
        case .file: break
        default:
            throw FrameGenerationError(
                .audio, "is no file; give an audio file or a video with an audio track", path: path)
        }
        self.path = path
        wave = try audioErrors(path) {
            let file = try ReadableFile(path)
            try JoinedWav.refuse(file)
            return try WaveHeader(file)
        }
        if let wave {
            media = nil
            duration = Double(wave.frames) / Double(sampleRate)
            downmix = weighted ? try Self.downmix(path, wave) : .mean
        } else {
            let media = try MediaInfo(path)
            self.media = media
            duration = Double(media.frames) / Double(media.rate)
            downmix = weighted ? media.downmix : .mean
        }
    }

    private static func downmix(_ path: String, _ wave: WaveHeader) throws -> Downmix {
        let sum = Downmix.sum(channels: wave.channels, mask: wave.mask)
        guard wave.channels > 1 else { return sum }
        var cancellation = Cancellation(sum, rate: sampleRate)
        let source = try audioErrors(path) { WaveSource(try ReadableFile(path), wave, sum, path) }
        while let piece = try source.interleaved() { cancellation.push(piece) }
        return cancellation.downmix()
    }

    /// The samples from the beginning on.
    func samples() throws -> any SampleSource {
        if let media { return try media.samples(downmix) }
        guard let wave else { return SampleArray([]) }
        return try audioErrors(path) { WaveSource(try ReadableFile(path), wave, downmix, path) }
    }
}

/// Turns what the system refuses and what a file should not hold into an error of kind `audio` naming `path`.
func audioErrors<Result>(_ path: String, _ body: () throws -> Result) throws -> Result {
    do {
        return try body()
    } catch let refusal as Refusal {
        throw FrameGenerationError(.audio, refusal.reason, path: path)
    } catch let error as SystemError {
        throw FrameGenerationError(.audio, "cannot be read (\(error.reason)); check the file's rights", path: path)
    }
}

/// Where the samples of a WAV file of 16 kHz are, and how they are written.
struct WaveHeader: Sendable {
    let start: Int  // bytes from the file's beginning
    let frames: Int
    let channels: Int
    let width: Int  // bytes of a sample
    let isFloat: Bool
    let mask: Int  // which speakers the channels are, 0 where it is not said

    /// Nil where the file is no WAV of 16 kHz with plain samples: whatever decodes other audio decodes it.
    ///
    /// Throws `Refusal` where it is one and has no samples or too many channels, and `SystemError`.
    init?(_ file: ReadableFile) throws {
        let head = try file.read(at: 0, count: 12)
        guard head.count == 12, head.starts(with: "RIFF".utf8), head[8...].elementsEqual("WAVE".utf8) else {
            return nil
        }
        var at = 12
        var format: (channels: Int, width: Int, isFloat: Bool, mask: Int)?
        while at + 8 <= file.size {
            let chunk = try file.read(at: at, count: 8)
            let size = little(chunk[4...])
            if chunk.starts(with: "fmt ".utf8) {
                guard let found = Self.format(try file.read(at: at + 8, count: min(size, 40))) else { return nil }
                format = found
            } else if chunk.starts(with: "data".utf8) {
                guard let format else { return nil }
                // Who writes to a pipe does not know how much there will be.
                let open = size == 0 || size == 0xFFFF_FFFF
                let bytes = open ? file.size - at - 8 : min(size, file.size - at - 8)
                (start, channels, width) = (at + 8, format.channels, format.width)
                (isFloat, mask) = (format.isFloat, format.mask)
                frames = bytes / (channels * width)
                guard frames > 0 else {
                    throw Refusal("no audio could be decoded, it is empty or damaged; give an audio file")
                }
                guard channels <= 8 else {
                    throw Refusal("has \(channels) channels, expected 1 to 8; mix it down first")
                }
                return
            }
            at += 8 + size + size % 2
        }
        return nil
    }

    private static func format(_ chunk: [UInt8]) -> (channels: Int, width: Int, isFloat: Bool, mask: Int)? {
        guard chunk.count >= 16, little(chunk[4..<8]) == sampleRate else { return nil }
        var tag = little(chunk[..<2])
        var mask = 0
        if tag == 0xFFFE, chunk.count >= 40 { (mask, tag) = (little(chunk[20..<24]), little(chunk[24..<26])) }
        let channels = little(chunk[2..<4]), bits = little(chunk[14..<16])
        let known = tag == 1 && [8, 16, 24, 32].contains(bits) || tag == 3 && [32, 64].contains(bits)
        guard known, channels > 0, little(chunk[12..<14]) == channels * bits / 8 else { return nil }
        return (channels, bits / 8, tag == 3, mask)
    }
}

/// A little-endian number.
private func little(_ bytes: ArraySlice<UInt8>) -> Int {
    bytes.reversed().reduce(0) { $0 << 8 | Int($1) }
}

/// The samples of a WAV file of 16 kHz.
final class WaveSource: SampleSource {
    private static let piece = 1 << 14  // samples

    private let file: ReadableFile
    private let header: WaveHeader
    private let downmix: Downmix
    private let path: String
    private let done = Locked(0)  // samples

    init(_ file: ReadableFile, _ header: WaveHeader, _ downmix: Downmix, _ path: String) {
        (self.file, self.header, self.downmix, self.path) = (file, header, downmix, path)
    }

    func next() throws -> [Float]? {
        try interleaved().map { downmix.mix($0, channels: header.channels) }
    }

    /// The next samples of all channels, frame after frame.
    func interleaved() throws -> [Float]? {
        try done.withLock { done in
            let count = min(header.frames - done, Self.piece)
            guard count > 0 else { return nil }
            let stride = header.channels * header.width
            let bytes = try audioErrors(path) { try file.read(at: header.start + done * stride, count: count * stride) }
            guard bytes.count == count * stride else {
                throw FrameGenerationError(.audio, "became shorter while it was read", path: path)
            }
            done += count
            let samples = scaled(bytes)
            guard samples.allSatisfy(\.isFinite) else {
                throw FrameGenerationError(
                    .audio, "holds samples that are not finite numbers; export it again", path: path)
            }
            return samples
        }
    }

    /// Float32 values of the samples, full scale being -1 to 1.
    private func scaled(_ bytes: [UInt8]) -> [Float] {
        bytes.withUnsafeBytes { bytes in
            (0..<bytes.count / header.width).map { index in
                let at = index * header.width
                switch (header.isFloat, header.width) {
                case (true, 4): return Float(bitPattern: load(bytes, at, UInt32.self))
                case (true, _): return Float(Double(bitPattern: load(bytes, at, UInt64.self)))
                case (false, 1): return (Float(bytes[at]) - 128) / 128
                case (false, 2): return Float(Int16(bitPattern: load(bytes, at, UInt16.self))) / 32_768
                case (false, 3):
                    let value = UInt32(bytes[at]) << 8 | UInt32(bytes[at + 1]) << 16 | UInt32(bytes[at + 2]) << 24
                    return Float(Int32(bitPattern: value)) / 2_147_483_648
                default: return Float(Int32(bitPattern: load(bytes, at, UInt32.self))) / 2_147_483_648
                }
            }
        }
    }

    private func load<Value: FixedWidthInteger>(_ bytes: UnsafeRawBufferPointer, _ at: Int, _: Value.Type) -> Value {
        Value(littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: Value.self))
    }
}
