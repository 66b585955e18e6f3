/// Makes whole files of a speech: a video, a folder of images, or both.
extension Avatar {
    /// Called after each frame with the frames done and the frames in all.
    public typealias Progress = @Sendable (Int, Int) -> Void

    /// Makes the video `path` (.mp4, .m4v, .mov, .mkv, .webm), video and audio of one length; needs `ffmpeg`
    /// on Linux; on Apple systems AVFoundation makes .mp4, .m4v and .mov.
    ///
    /// images: also a folder for the frames as images, and their format. Nothing stands under its final name
    /// until it is complete. Cancelling the task removes what is not.
    public func generateVideo(
        _ speech: Speech, to path: String, images: (folder: String, format: ImageFormat)? = nil,
        startFrame: Int = 0, encoding: Encoding = Encoding(), progress: Progress? = nil
    ) async throws {
        let plan = try await engine.workers.run { [self] in try self.plan(speech) }
        try await engine.write(
            plan, video: (path, speech.audioPath), images: images.map { ($0.folder, $0.format, "frame") },
            startFrame: startFrame, encoding: encoding, progress: progress)
    }

    /// Writes the frames as images `frame_00000.png` on into `folder`; see `generateVideo`.
    public func generateImages(
        _ speech: Speech, to folder: String, format: ImageFormat = .png, startFrame: Int = 0,
        rate: FrameRate? = nil, provenance: Bool = true, progress: Progress? = nil
    ) async throws {
        let plan = try await engine.workers.run { [self] in try self.plan(speech) }
        try await engine.write(
            plan, video: nil, images: (folder, format, "frame"), startFrame: startFrame,
            encoding: Encoding(rate: rate, provenance: provenance), progress: progress)
    }
}

extension Engine {
    /// Writes the frames of a speech as the video `video`, with the audio of a file, as images with a prefix, or both.
    func write(
        _ plan: SpeechPlan, video: (path: String, audio: String?)?,
        images: (folder: String, format: ImageFormat, prefix: String)?, startFrame: Int, encoding: Encoding,
        progress: Avatar.Progress?
    ) async throws {
        var sinks: [any FrameSink] = []
        do {
            if let (path, audio) = video {
                let rate = try encoding.rate ?? FrameRate(Double(plan.spec.fps))
                sinks.append(
                    try VideoWriter(
                        path, width: template.width, height: template.height, rate: rate,
                        frames: rate.frames(after: plan.count, at: plan.spec.fps), audio: audio, encoding: encoding))
            }
            if let (folder, format, prefix) = images {
                sinks.append(try FramesFolder(folder, format, prefix: prefix, provenance: encoding.provenance))
            }
            try await write(plan, startFrame, encoding.rate, sinks, progress)
        } catch {
            for sink in sinks { sink.discard() }
            throw error
        }
    }

    private func write(
        _ plan: SpeechPlan, _ startFrame: Int, _ rate: FrameRate?, _ sinks: [any FrameSink],
        _ progress: Avatar.Progress?
    ) async throws {
        // Frames are encoded in a thread of their own while the next ones are made; one waits at most.
        let encoder = Workers(1)
        var encoding: Task<Void, any Error>?
        var written = 0
        do {
            for try await frame in Frames(engine: self, startFrame: startFrame, plan: { plan }) {
                try await encoding?.value
                let copies = (rate?.frames(after: frame.index + 1, at: plan.spec.fps) ?? frame.index + 1) - written
                written += copies
                encoding = Task {
                    try await encoder.run {
                        for sink in sinks { for _ in 0..<copies { try sink.write(frame.image) } }
                    }
                    progress?(frame.index + 1, plan.count)
                }
            }
            try await encoding?.value
            try await encoder.run { for sink in sinks { try sink.finish() } }
        } catch {
            _ = await encoding?.result  // nobody writes any more
            throw error
        }
    }
}
