/// The first audio stream of a file, decoded once from end to end; memory does not grow with the length.
///
/// What decodes it is the program `ffmpeg` on Linux, and AVFoundation on Apple systems: each has an `InterleavedReader`,
/// which gives all channels as they are, and a `MixedSource`, which gives them mixed and at 16 kHz.
struct MediaInfo: Sendable {
    let path: String
    let rate: Int  // Hz
    let channels: Int
    let frames: Int  // samples of each channel
    let downmix: Downmix

    /// Throws an error of kind `audio`, or `option` without ffmpeg.
    init(_ path: String) throws {
        self.path = path
        (rate, channels, frames, downmix) = try audioErrors(path) {
            let reader = try InterleavedReader(path)
            let rate = reader.rate, channels = reader.channels
            guard 1000...768_000 ~= rate else {
                throw Refusal("has \(rate) samples a second; expected 1000 to 768000")
            }
            guard 1...8 ~= channels else {
                throw Refusal("has \(channels) channels, expected 1 to 8; mix it down first")
            }
            var cancellation = Cancellation(Downmix.sum(channels: channels, mask: reader.mask), rate: rate)
            var frames = 0
            while let piece = try reader.next() {
                guard piece.allSatisfy(\.isFinite) else {
                    throw Refusal("holds samples that are not finite numbers; export it again")
                }
                cancellation.push(piece)
                frames += piece.count / channels
            }
            guard frames > 0 else { throw undecodable("it has no samples") }
            return (rate, channels, frames, cancellation.downmix())
        }
    }

    /// Samples at 16 kHz: the length at the file's own rate, rounded up.
    var samplesAt16kHz: Int { (frames * sampleRate + rate - 1) / rate }

    /// The samples, mixed, then resampled to 16 kHz.
    func samples(_ downmix: Downmix) throws -> any SampleSource {
        try audioErrors(path) { try MixedSource(self, downmix) }
    }
}

/// What is wrong with audio that cannot be decoded.
func undecodable(_ reason: String) -> Refusal {
    Refusal("cannot be decoded (\(reason)); give an intact audio or video file")
}
