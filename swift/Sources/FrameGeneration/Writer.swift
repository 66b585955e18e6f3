/// How a video is encoded: quality and speed of the encoder, with FFmpeg's names.
public struct Encoding: Sendable {
    /// Frames a second; by default those of the features (25, for `wenet` 20). Frames are repeated or left out.
    public var rate: FrameRate?
    /// Constant rate factor, lower is better; by default 20, for webm 32.
    public var crf: Int?
    /// From `ultrafast` to `veryslow`.
    public var preset: String
    /// Say in the file that it is generated.
    public var provenance: Bool

    public init(rate: FrameRate? = nil, crf: Int? = nil, preset: String = "superfast", provenance: Bool = true) {
        (self.rate, self.crf, self.preset, self.provenance) = (rate, crf, preset, provenance)
    }
}

#if os(Linux)
    /// A video by the program `ffmpeg`: H.264 and AAC in .mp4, .m4v, .mov and .mkv, VP9 and Opus in .webm.
    ///
    /// Frames go through a pipe. The audio begins at time 0 and is never cut to the video; where it ends first, silence
    /// follows to the end of the image. Colours are BT.709, limited range. A file that was there stays until the new
    /// one is complete.
    final class VideoWriter: FrameSink {
        private static let containers = [
            ".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska", ".webm": "webm",
        ]
        private static let presets = [  // and what libvpx calls the same trade: deadline, cpu-used
            "ultrafast": ("realtime", 8), "superfast": ("realtime", 7), "veryfast": ("realtime", 6),
            "faster": ("good", 5),
            "fast": ("good", 4), "medium": ("good", 3), "slow": ("good", 2), "slower": ("good", 1),
            "veryslow": ("good", 0),
        ]

        private let path: String
        private let temporary: String
        private let width: Int
        private let height: Int
        private let marksFile: Bool
        private let ffmpeg: Subprocess

        /// frames: how many will be written. Throws errors of kind `output` and `option` before anything is made.
        init(
            _ path: String, width: Int, height: Int, rate: FrameRate, frames: Int, audio: String?, encoding: Encoding
        ) throws {
            guard let container = Self.containers[suffix(of: path)] else {
                throw FrameGenerationError(
                    .output, "unknown kind of video; end its name with .mp4, .m4v, .mov, .mkv or .webm", path: path)
            }
            guard PathKind.of(path) != .folder else {
                throw FrameGenerationError(.output, "is a folder; choose another name", path: path)
            }
            try prepareFolder(splitPath(path).folder)
            (self.path, self.width, self.height) = (path, width, height)
            temporary = temporaryName(beside: path)
            marksFile = encoding.provenance && container == "mp4"
            let input = [
                "-f", "rawvideo", "-pix_fmt", "bgr24", "-video_size", "\(width + width % 2)x\(height + height % 2)",
                "-framerate", "\(rate.numerator)/\(rate.denominator)", "-i", "pipe:0",
            ]
            let seconds = Double(frames * rate.denominator) / Double(rate.numerator)
            let audioInput = audio.map(inputOptions) ?? []
            let maps = ["-map", "0:v:0"] + (audio == nil ? [] : ["-map", "1:a:0", "-af", "apad=whole_dur=\(seconds)"])
            let codecs = try Self.codecs(container, encoding, audio: audio != nil)
            let metadata = encoding.provenance ? Self.metadata(container) : []
            ffmpeg = try startFFmpeg(
                input + audioInput + maps + codecs + ["-map_metadata", "-1"] + metadata
                    + ["-f", container, "-y", "file:\(temporary)"], .toInput, for: path)
        }

        private static func codecs(_ container: String, _ encoding: Encoding, audio: Bool) throws -> [String] {
            let isWebm = container == "webm", most = isWebm ? 63 : 51
            let crf = encoding.crf ?? (isWebm ? 32 : 20)
            guard 0...most ~= crf else {
                throw FrameGenerationError(.option, "crf \(crf) is impossible; give 0 (best) to \(most) (smallest)")
            }
            guard let (deadline, speed) = presets[encoding.preset] else {
                throw FrameGenerationError(
                    .option, "unknown preset \(shown(encoding.preset)); use ultrafast to veryslow")
            }
            let colours = [
                "-vf", "scale=out_color_matrix=bt709:out_range=limited:flags=area+accurate_rnd,format=yuv420p",
                "-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv",
            ]
            let threads = [
                "-threads:v", "\(max(1, availableCores() / 2))", "-fflags", "+bitexact", "-flags", "+bitexact",
            ]
            let video =
                isWebm
                ? ["-c:v", "libvpx-vp9", "-b:v", "0", "-row-mt", "1", "-deadline", deadline, "-cpu-used", "\(speed)"]
                : ["-c:v", "libx264", "-preset", encoding.preset]
            let audio = audio ? ["-c:a", isWebm ? "libopus" : "aac", "-b:a", isWebm ? "128k" : "192k"] : []
            let index = ["mp4", "mov"].contains(container) ? ["-movflags", "+faststart"] : []
            return colours + video + ["-crf", "\(crf)"] + audio + threads + index
        }

        private static func metadata(_ container: String) -> [String] {
            switch container {
            case "mp4": []  // a box at the file's end
            case "mov": ["-metadata", "xmp=\(xmpPacket)"]
            default: ["-metadata", "\(digitalSourceTag)=\(digitalSourceType)"]
            }
        }

        func write(_ image: Image) throws {
            guard image.width == width, image.height == height else {
                throw FrameGenerationError(
                    .video, "a frame of \(image.width)x\(image.height) pixels; expected \(width)x\(height)", path: path)
            }
            do {
                try ffmpeg.write(image.madeEven().pixels)
            } catch is SystemError {
                throw unwritable(path, ffmpeg.finish() ?? "ffmpeg ended")
            }
        }

        func finish() throws {
            if let reason = ffmpeg.finish() { throw unwritable(path, reason) }
            if marksFile { try writeFile(temporary, provenanceBox(), appending: true) }
            try moveFile(temporary, to: path)
        }

        func discard() {
            ffmpeg.stop()
            removeFile(temporary)
        }
    }

    extension Image {
        /// The image with even sides, by repeating its last column or row: a chroma sample covers two pixels.
        fileprivate func madeEven() -> Image {
            guard width % 2 + height % 2 > 0 else { return self }
            let wide = width + width % 2, high = height + height % 2
            var even = Image(width: wide, height: high)
            for row in 0..<high {
                let line = min(row, height - 1) * width * 3
                even.replace(at: row * wide * 3, with: self, from: line, count: width * 3)
                if wide > width {
                    even.replace(at: (row * wide + width) * 3, with: self, from: line + (width - 1) * 3, count: 3)
                }
            }
            return even
        }
    }
#endif
