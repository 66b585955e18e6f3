// Audio and video by AVFoundation, on Apple systems; written against Apple's documentation and not run yet.
#if canImport(AVFoundation)
    import AVFoundation
    import CoreMedia
    import CoreVideo

    /// Reads the first audio stream of a file as interleaved PCM. Throws `Refusal` where there is none.
    ///
    /// settings: beside the format, see `AVAssetReaderTrackOutput`.
    func openAudio(_ path: String, _ settings: (AudioStreamBasicDescription) -> [String: Any]) throws
        -> (reader: AVAssetReader, output: AVAssetReaderTrackOutput, format: AudioStreamBasicDescription)
    {
        let asset = AVURLAsset(url: URL(fileURLWithPath: path))
        guard let track = asset.tracks(withMediaType: .audio).first, let described = track.formatDescriptions.first,
            let format = CMAudioFormatDescriptionGetStreamBasicDescription(described as! CMAudioFormatDescription)
        else { throw undecodable("it has no audio stream") }
        let reader: AVAssetReader
        do {
            reader = try AVAssetReader(asset: asset)
        } catch {
            throw undecodable(error.localizedDescription)
        }
        let output = AVAssetReaderTrackOutput(
            track: track,
            outputSettings: settings(format.pointee).merging([AVFormatIDKey: kAudioFormatLinearPCM]) { $1 })
        reader.add(output)
        guard reader.startReading() else { throw undecodable(reader.error?.localizedDescription ?? "unknown") }
        return (reader, output, format.pointee)
    }

    /// A file's audio at its own rate, all channels, frame after frame. One thread reads at a time.
    final class InterleavedReader: @unchecked Sendable {
        let rate: Int
        let channels: Int
        let mask = 0  // AVFoundation gives the channels in the file's order; they are taken for the usual ones
        private let reader: AVAssetReader
        private let output: AVAssetReaderTrackOutput

        /// Throws `Refusal` for what is no audio.
        init(_ path: String) throws {
            let format: AudioStreamBasicDescription
            (reader, output, format) = try openAudio(path) { format in
                [
                    AVSampleRateKey: format.mSampleRate, AVNumberOfChannelsKey: format.mChannelsPerFrame,
                    AVLinearPCMBitDepthKey: 32, AVLinearPCMIsFloatKey: true, AVLinearPCMIsBigEndianKey: false,
                    AVLinearPCMIsNonInterleaved: false,
                ]
            }
            (rate, channels) = (Int(format.mSampleRate), Int(format.mChannelsPerFrame))
        }

        /// The next samples, or nil at the end.
        func next() throws -> [Float]? {
            guard let buffer = output.copyNextSampleBuffer(), let block = CMSampleBufferGetDataBuffer(buffer) else {
                guard reader.status == .completed else {
                    throw undecodable(reader.error?.localizedDescription ?? "its end is missing")
                }
                return nil
            }
            let size = CMBlockBufferGetDataLength(block)
            return [Float](unsafeUninitializedCapacity: size / 4) { samples, count in
                CMBlockBufferCopyDataBytes(
                    block, atOffset: 0, dataLength: size / 4 * 4, destination: samples.baseAddress!)
                count = size / 4
            }
        }
    }

    /// A file's audio, mixed, then resampled to 16 kHz by the system's best converter.
    final class MixedSource: SampleSource, @unchecked Sendable {  // one thread asks at a time
        private let path: String
        private let reader: InterleavedReader
        private let downmix: Downmix
        private let converter: AVAudioConverter
        private let source: AVAudioFormat
        private let target: AVAudioFormat
        private var left: Int
        private var problem: (any Error)?

        init(_ media: MediaInfo, _ downmix: Downmix) throws {
            reader = try InterleavedReader(media.path)
            (path, left) = (media.path, media.samplesAt16kHz)
            self.downmix = downmix
            guard let source = AVAudioFormat(standardFormatWithSampleRate: Double(media.rate), channels: 1),
                let target = AVAudioFormat(standardFormatWithSampleRate: Double(sampleRate), channels: 1),
                let converter = AVAudioConverter(from: source, to: target)
            else { throw undecodable("its rate cannot be converted") }
            converter.sampleRateConverterAlgorithm = AVSampleRateConverterAlgorithm_Mastering
            converter.sampleRateConverterQuality = AVAudioQuality.max.rawValue
            (self.source, self.target, self.converter) = (source, target, converter)
        }

        func next() throws -> [Float]? {
            guard left > 0 else { return nil }
            return try audioErrors(path) {
                guard let output = AVAudioPCMBuffer(pcmFormat: target, frameCapacity: 1 << 14) else { return nil }
                var failure: NSError?
                converter.convert(to: output, error: &failure) { [self] _, status in
                    do {
                        guard let piece = try reader.next() else {
                            status.pointee = .endOfStream
                            return nil
                        }
                        status.pointee = .haveData
                        return buffer(downmix.mix(piece, channels: reader.channels), source)
                    } catch {
                        problem = error
                        status.pointee = .endOfStream
                        return nil
                    }
                }
                if let problem { throw problem }
                if let failure { throw undecodable(failure.localizedDescription) }
                let count = min(Int(output.frameLength), left)
                guard count > 0, let values = output.floatChannelData else {
                    defer { left = 0 }
                    return [Float](repeating: 0, count: left)
                }
                left -= count
                return Array(UnsafeBufferPointer(start: values[0], count: count))
            }
        }
    }

    private func buffer(_ samples: [Float], _ format: AVAudioFormat) -> AVAudioPCMBuffer? {
        guard let buffer = AVAudioPCMBuffer(pcmFormat: format, frameCapacity: AVAudioFrameCount(samples.count)),
            let values = buffer.floatChannelData
        else { return nil }
        buffer.frameLength = AVAudioFrameCount(samples.count)
        samples.withUnsafeBufferPointer { values[0].update(from: $0.baseAddress!, count: samples.count) }
        return buffer
    }

    extension LiveSession {
        /// Samples of a microphone -> the frames that they complete; the buffer's format must be mono float32, 16 kHz.
        ///
        /// Throws an error of kind `audio` for another format.
        public func push(_ buffer: AVAudioPCMBuffer) async throws -> [Frame] {
            let format = buffer.format
            guard format.sampleRate == Double(sampleRate), format.channelCount == 1,
                let values = buffer.floatChannelData
            else {
                throw FrameGenerationError(.audio, "audio of \(format); expected mono float32 samples at 16 kHz")
            }
            return try await push(Array(UnsafeBufferPointer(start: values[0], count: Int(buffer.frameLength))))
        }
    }

    extension Image {
        /// The image as a pixel buffer of the format BGRA, which Core Animation and encoders take.
        public func pixelBuffer() throws -> CVPixelBuffer {
            var made: CVPixelBuffer?
            let attributes = [kCVPixelBufferIOSurfacePropertiesKey: [:] as CFDictionary] as CFDictionary
            let status = CVPixelBufferCreate(nil, width, height, kCVPixelFormatType_32BGRA, attributes, &made)
            guard status == kCVReturnSuccess, let made else {
                throw FrameGenerationError(.video, "no memory for a frame of \(width)x\(height) pixels")
            }
            CVPixelBufferLockBaseAddress(made, [])
            defer { CVPixelBufferUnlockBaseAddress(made, []) }
            guard let base = CVPixelBufferGetBaseAddress(made) else { return made }
            let stride = CVPixelBufferGetBytesPerRow(made)
            for row in 0..<height {
                let line = base.advanced(by: row * stride).assumingMemoryBound(to: UInt8.self)
                for column in 0..<width {
                    let from = (row * width + column) * 3
                    for channel in 0..<3 { line[4 * column + channel] = pixels[from + channel] }
                    line[4 * column + 3] = 255
                }
            }
            return made
        }
    }
#endif
