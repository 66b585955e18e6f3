#if os(Linux)
    /// Sound of every kind by the program `ffmpeg`, opened so that nothing else is read on a file's behalf.

    // No playlists and the like, which lead to other files or to the network, and no devices.
    private let formats = """
        aac,ac3,adts,aiff,amr,ape,asf,au,avi,caf,dsf,dts,eac3,flac,flv,gsm,latm,loas,matroska,webm,mov,mp4,m4a,3gp,3g2,mj2,\
        mp2,mp3,mpc,mpc8,mpeg,mpegts,mxf,nut,ogg,oma,opus,rm,shn,tta,voc,w64,wav,wv,xwma
        """

    /// ffmpeg's options that open the file `path`.
    func inputOptions(_ path: String) -> [String] {
        ["-format_whitelist", formats, "-protocol_whitelist", "file,pipe", "-i", "file:\(path)"]
    }

    /// Starts ffmpeg. Throws an error of kind `option` where it is missing.
    func startFFmpeg(_ arguments: [String], _ pipe: Subprocess.Pipe, for path: String) throws -> Subprocess {
        let missing = FrameGenerationError(
            .option, "needs ffmpeg, which is not in the PATH; install it (apt-get install ffmpeg)", path: path)
        guard isInstalled("ffmpeg") else { throw missing }
        do {
            return try Subprocess("ffmpeg", ["-hide_banner", "-nostdin", "-v", "error"] + arguments, pipe)
        } catch let error as SystemError {
            throw FrameGenerationError(.option, "ffmpeg does not start (\(error.reason))", path: path)
        }
    }

    private func undecodable(_ path: String, _ reason: String) -> FrameGenerationError {
        FrameGenerationError(.audio, "cannot be decoded (\(reason)); give a sound audio or video file", path: path)
    }

    /// The first audio stream of a file, decoded once from end to end; memory does not grow with the length.
    struct MediaInfo: Sendable {
        let path: String
        let rate: Int  // Hz
        let channels: Int
        let frames: Int  // samples of each channel
        let downmix: Downmix

        /// Throws an error of kind `audio`, or `option` without ffmpeg.
        init(_ path: String) throws {
            self.path = path
            let arguments = ["-guess_layout_max", "0"] + inputOptions(path)
            let output = ["-map", "0:a:0", "-vn", "-c:a", "pcm_f32le", "-f", "wav", "pipe:1"]
            let ffmpeg = try startFFmpeg(arguments + output, .fromOutput, for: path)
            (rate, channels, frames, downmix) = try audioErrors(path) {
                var head = try ffmpeg.read(1 << 12)
                guard head.count >= 44, let data = firstIndex(of: Array("data".utf8), in: head) else {
                    throw undecodable(path, ffmpeg.finish() ?? "it has no audio stream")
                }
                let channels = number(head, 22, 2), rate = number(head, 24, 4)
                guard 1000...768_000 ~= rate else {
                    throw Refusal("has \(rate) samples a second; expected 1000 to 768000")
                }
                guard 1...8 ~= channels else {
                    throw Refusal("has \(channels) channels, expected 1 to 8; mix it down first")
                }
                let mask = number(head, 20, 2) == 0xFFFE ? number(head, 40, 4) : 0
                let sum = Downmix.sum(channels: channels, mask: mask)
                var cancellation = Cancellation(sum, rate: rate)
                var frames = 0
                head.removeFirst(data + 8)
                var bytes = head
                repeat {
                    let whole = bytes.count / (4 * channels) * 4 * channels
                    let samples = floats(bytes[..<whole])
                    guard samples.allSatisfy(\.isFinite) else {
                        throw Refusal("holds samples that are not finite numbers; export it again")
                    }
                    cancellation.hear(samples)
                    frames += samples.count / channels
                    let piece = try ffmpeg.read(1 << 16)
                    if piece.isEmpty { break }
                    bytes = bytes[whole...] + piece
                } while true
                if let reason = ffmpeg.finish() { throw undecodable(path, reason) }
                guard frames > 0 else { throw undecodable(path, "it has no samples") }
                return (rate, channels, frames, cancellation.downmix())
            }
        }

        /// The samples, mixed, then resampled to 16 kHz by soxr.
        func samples(_ downmix: Downmix) throws -> any SampleSource {
            let mix = channels > 1 ? "\(downmix.filter(channels: channels))," : ""
            let resample = rate == sampleRate ? "" : ",aresample=\(sampleRate):resampler=soxr:precision=20"
            let filters = "aformat=sample_fmts=fltp,\(mix)aformat=sample_fmts=fltp\(resample)"
            let arguments = ["-guess_layout_max", "0"] + inputOptions(path)
            let output = ["-map", "0:a:0", "-vn", "-af", filters, "-c:a", "pcm_f32le", "-f", "f32le", "pipe:1"]
            let ffmpeg = try startFFmpeg(arguments + output, .fromOutput, for: path)
            // As many samples as the length rounded up; soxr rounds it to the nearest.
            return MediaSource(path, ffmpeg, (frames * sampleRate + rate - 1) / rate)
        }
    }

    private func number(_ bytes: [UInt8], _ at: Int, _ size: Int) -> Int {
        (0..<size).reduce(0) { $0 | Int(bytes[at + $1]) << (8 * $1) }
    }

    private func firstIndex(of word: [UInt8], in bytes: [UInt8]) -> Int? {
        (0..<bytes.count - word.count).first { bytes[$0..<$0 + word.count].elementsEqual(word) }
    }

    /// Samples that ffmpeg gives, `count` of them.
    final class MediaSource: SampleSource {
        private let path: String
        private let state: Locked<(ffmpeg: Subprocess, left: Int)?>

        init(_ path: String, _ ffmpeg: Subprocess, _ count: Int) {
            self.path = path
            state = Locked((ffmpeg, count))
        }

        func next() throws -> [Float]? {
            try state.withLock { state in
                guard let (ffmpeg, left) = state else { return nil }
                let samples = floats(try audioErrors(path) { try ffmpeg.read(1 << 16) }).prefix(left)
                if samples.isEmpty {
                    state = nil
                    if left > 0, let reason = ffmpeg.finish() { throw undecodable(path, reason) }
                    return left > 0 ? [Float](repeating: 0, count: left) : nil
                }
                state = (ffmpeg, left - samples.count)
                return Array(samples)
            }
        }
    }
#endif
