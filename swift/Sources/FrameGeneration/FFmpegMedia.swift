#if os(Linux)
    /// Audio of every kind by the program `ffmpeg`, opened so that nothing else is read on a file's behalf.

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
        guard isInstalled("ffmpeg") else {
            throw FrameGenerationError(
                .option, "needs ffmpeg, which is not in the PATH; install it (apt-get install ffmpeg)", path: path)
        }
        do {
            return try Subprocess("ffmpeg", ["-hide_banner", "-nostdin", "-v", "error"] + arguments, pipe)
        } catch let error as SystemError {
            throw FrameGenerationError(.option, "ffmpeg does not start (\(error.reason))", path: path)
        }
    }

    /// The first audio stream of a file as float32, by `filters`, in the container `format`, on ffmpeg's output.
    private func decode(_ path: String, filters: String?, format: String) throws -> Subprocess {
        let input = ["-guess_layout_max", "0"] + inputOptions(path) + ["-map", "0:a:0", "-vn"]
        let output = ["-c:a", "pcm_f32le", "-f", format, "pipe:1"]
        return try startFFmpeg(input + (filters.map { ["-af", $0] } ?? []) + output, .fromOutput, for: path)
    }

    /// A file's audio at its own rate, all channels, frame after frame. One thread reads at a time.
    final class InterleavedReader {
        let rate: Int
        let channels: Int
        let mask: Int  // which speakers the channels are, 0 where it is not said
        private let ffmpeg: Subprocess
        private var pending: [UInt8]

        /// Throws `Refusal` for what is no audio, and an error of kind `option` without ffmpeg.
        init(_ path: String) throws {
            ffmpeg = try decode(path, filters: nil, format: "wav")
            let head = try ffmpeg.read(1 << 12)
            guard head.count >= 44, let data = firstIndex(of: Array("data".utf8), in: head) else {
                throw undecodable(ffmpeg.finish() ?? "it has no audio stream")
            }
            (channels, rate) = (number(head, 22, 2), number(head, 24, 4))
            mask = number(head, 20, 2) == 0xFFFE ? number(head, 40, 4) : 0
            pending = Array(head[(data + 8)...])
        }

        /// The next samples, or nil at the end.
        func next() throws -> [Float]? {
            while true {
                let whole = pending.count / (4 * channels) * 4 * channels
                if whole > 0 {
                    defer { pending.removeFirst(whole) }
                    return floats(pending[..<whole])
                }
                let piece = try ffmpeg.read(1 << 16)
                guard !piece.isEmpty else {
                    if let reason = ffmpeg.finish() { throw undecodable(reason) }
                    return nil
                }
                pending += piece
            }
        }
    }

    private func number(_ bytes: [UInt8], _ at: Int, _ size: Int) -> Int {
        (0..<size).reduce(0) { $0 | Int(bytes[at + $1]) << (8 * $1) }
    }

    private func firstIndex(of word: [UInt8], in bytes: [UInt8]) -> Int? {
        (0..<bytes.count - word.count).first { bytes[$0..<$0 + word.count].elementsEqual(word) }
    }

    /// A file's audio, mixed, then resampled to 16 kHz by soxr.
    final class MixedSource: SampleSource {
        private let path: String
        private let state: Locked<(ffmpeg: Subprocess, left: Int)?>

        init(_ media: MediaInfo, _ downmix: Downmix) throws {
            let mix = media.channels > 1 ? "\(downmix.filter(channels: media.channels))," : ""
            let resample = media.rate == sampleRate ? "" : ",aresample=\(sampleRate):resampler=soxr:precision=20"
            let filters = "aformat=sample_fmts=fltp,\(mix)aformat=sample_fmts=fltp\(resample)"
            path = media.path
            // soxr rounds the length to the nearest.
            state = Locked((try decode(media.path, filters: filters, format: "f32le"), media.samplesAt16kHz))
        }

        func next() throws -> [Float]? {
            try state.withLock { state in
                guard let (ffmpeg, left) = state else { return nil }
                return try audioErrors(path) {
                    let samples = floats(try ffmpeg.read(1 << 16)).prefix(left)
                    if samples.isEmpty {
                        state = nil
                        if left > 0, let reason = ffmpeg.finish() { throw undecodable(reason) }
                        return left > 0 ? [Float](repeating: 0, count: left) : nil
                    }
                    state = (ffmpeg, left - samples.count)
                    return Array(samples)
                }
            }
        }
    }
#endif
