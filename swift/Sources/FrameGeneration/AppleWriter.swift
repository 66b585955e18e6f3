// Video by AVFoundation, on Apple systems; written against Apple's documentation and not run yet.
#if canImport(AVFoundation)
    import AVFoundation
    import CoreMedia
    import CoreVideo

    /// A video by AVFoundation: H.264 and AAC in .mp4, .m4v and .mov.
    ///
    /// The audio begins at time 0 and is never cut to the video. Colours are BT.709. A file that was there stays until
    /// the new one is complete.
    final class VideoWriter: FrameSink, @unchecked Sendable {  // one thread writes at a time
        private let path: String
        private let temporary: String
        private let marksFile: Bool
        private let writer: AVAssetWriter
        private let video: AVAssetWriterInput
        private let adaptor: AVAssetWriterInputPixelBufferAdaptor
        private let rate: FrameRate
        private let audio: (input: AVAssetWriterInput, source: AVAssetReader, output: AVAssetReaderTrackOutput)?
        private var written = 0  // frames

        /// Throws errors of kind `output` and `option` before anything is made.
        init(
            _ path: String, width: Int, height: Int, rate: FrameRate, frames: Int, audio: String?, encoding: Encoding
        ) throws {
            let types: [String: AVFileType] = [".mp4": .mp4, ".m4v": .m4v, ".mov": .mov]
            guard let type = types[suffix(of: path)] else {
                throw FrameGenerationError(
                    .output, "unknown kind of video; end its name with .mp4, .m4v or .mov", path: path)
            }
            guard encoding.crf == nil else {
                throw FrameGenerationError(.option, "AVFoundation's encoder knows no crf; leave it out", path: path)
            }
            try prepareFolder(splitPath(path).folder)
            (self.path, self.rate) = (path, rate)
            temporary = temporaryName(beside: path)
            marksFile = encoding.provenance && type != .mov
            do {
                writer = try AVAssetWriter(outputURL: URL(fileURLWithPath: temporary), fileType: type)
            } catch {
                throw unwritable(path, error.localizedDescription)
            }
            writer.shouldOptimizeForNetworkUse = true
            let colours = [
                AVVideoColorPrimariesKey: AVVideoColorPrimaries_ITU_R_709_2,
                AVVideoTransferFunctionKey: AVVideoTransferFunction_ITU_R_709_2,
                AVVideoYCbCrMatrixKey: AVVideoYCbCrMatrix_ITU_R_709_2,
            ]
            video = AVAssetWriterInput(
                mediaType: .video,
                outputSettings: [
                    AVVideoCodecKey: AVVideoCodecType.h264, AVVideoWidthKey: width, AVVideoHeightKey: height,
                    AVVideoColorPropertiesKey: colours,
                ])
            adaptor = AVAssetWriterInputPixelBufferAdaptor(assetWriterInput: video, sourcePixelBufferAttributes: nil)
            writer.add(video)
            self.audio = try audio.map { path in
                let (source, output, _) = try audioErrors(path) { try openAudio(path) { _ in [:] } }
                let input = AVAssetWriterInput(
                    mediaType: .audio,
                    outputSettings: [
                        AVFormatIDKey: kAudioFormatMPEG4AAC, AVSampleRateKey: 48_000, AVNumberOfChannelsKey: 2,
                        AVEncoderBitRateKey: 192_000,
                    ])
                return (input, source, output)
            }
            if let input = self.audio?.input { writer.add(input) }
            if encoding.provenance, type == .mov {
                let item = AVMutableMetadataItem()
                item.identifier = AVMetadataItem.identifier(forKey: "XMP_", keySpace: .quickTimeUserData)
                item.value = xmpPacket as NSString
                writer.metadata = [item]
            }
            guard writer.startWriting() else { throw unwritten() }
            writer.startSession(atSourceTime: .zero)
        }

        func write(_ image: Image) throws {
            let time = CMTime(
                value: CMTimeValue(written * rate.denominator), timescale: CMTimeScale(rate.numerator))
            try addAudio(until: time)
            try wait(for: video)
            guard adaptor.append(try image.pixelBuffer(), withPresentationTime: time) else { throw unwritten() }
            written += 1
        }

        /// Interleaves the audio: its buffers that begin before `time`, or all that are left.
        private func addAudio(until time: CMTime?) throws {
            guard let audio else { return }
            while time == nil || audioEnd < time! {
                guard let buffer = audio.output.copyNextSampleBuffer() else { break }
                try wait(for: audio.input)
                guard audio.input.append(buffer) else { throw unwritten() }
                audioEnd = CMTimeAdd(CMSampleBufferGetPresentationTimeStamp(buffer), CMSampleBufferGetDuration(buffer))
            }
        }

        private var audioEnd = CMTime.zero

        private func wait(for input: AVAssetWriterInput) throws {
            while !input.isReadyForMoreMediaData {
                guard writer.status == .writing else { throw unwritten() }
                Thread.sleep(forTimeInterval: 0.002)
            }
        }

        func finish() throws {
            try addAudio(until: nil)
            video.markAsFinished()
            audio?.input.markAsFinished()
            let done = DispatchSemaphore(value: 0)
            writer.finishWriting { done.signal() }
            done.wait()
            guard writer.status == .completed else { throw unwritten() }
            if marksFile { try writeFile(temporary, provenanceBox(), appending: true) }
            try moveFile(temporary, to: path)
        }

        func discard() {
            writer.cancelWriting()
            removeFile(temporary)
        }

        private func unwritten() -> FrameGenerationError {
            unwritable(path, writer.error?.localizedDescription ?? "AVFoundation ended")
        }
    }
#endif
