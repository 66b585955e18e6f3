// Sound and video by AVFoundation, on Apple systems; written against Apple's documentation and not run yet.
#if canImport(AVFoundation)
    import AVFoundation
    import CoreMedia
    import CoreVideo

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

        /// Throws an error of kind `audio`.
        init(_ path: String) throws {
            self.path = path
            let reader = try InterleavedReader(path)
            (rate, channels) = (reader.rate, reader.channels)
            var cancellation = Cancellation(.sum(channels: reader.channels, mask: 0), rate: reader.rate)
            var frames = 0
            while let piece = try reader.next() {
                cancellation.hear(piece)
                frames += piece.count / reader.channels
            }
            guard frames > 0 else { throw undecodable(path, "it has no samples") }
            self.frames = frames
            downmix = cancellation.downmix()
        }

        /// The samples, mixed, then resampled to 16 kHz.
        func samples(_ downmix: Downmix) throws -> any SampleSource {
            try ResampledSource(path, downmix, frames: (frames * sampleRate + rate - 1) / rate)
        }
    }

    /// A file's sound at its own rate, all channels, frame after frame. One thread reads at a time.
    private final class InterleavedReader: @unchecked Sendable {
        let rate: Int
        let channels: Int
        private let path: String
        private let file: AVAudioFile

        init(_ path: String) throws {
            self.path = path
            do {
                file = try AVAudioFile(
                    forReading: URL(fileURLWithPath: path), commonFormat: .pcmFormatFloat32, interleaved: true)
            } catch {
                throw undecodable(path, error.localizedDescription)
            }
            (rate, channels) = (Int(file.processingFormat.sampleRate), Int(file.processingFormat.channelCount))
            guard 1000...768_000 ~= rate, 1...8 ~= channels else {
                throw undecodable(path, "\(rate) samples a second in \(channels) channels")
            }
        }

        func next() throws -> [Float]? {
            guard file.framePosition < file.length,
                let buffer = AVAudioPCMBuffer(pcmFormat: file.processingFormat, frameCapacity: 1 << 14)
            else { return nil }
            do {
                try file.read(into: buffer)
            } catch {
                throw undecodable(path, error.localizedDescription)
            }
            guard buffer.frameLength > 0, let values = buffer.floatChannelData else { return nil }
            let samples = Array(UnsafeBufferPointer(start: values[0], count: Int(buffer.frameLength) * channels))
            guard samples.allSatisfy(\.isFinite) else {
                throw FrameGenerationError(
                    .audio, "holds samples that are not finite numbers; export it again", path: path)
            }
            return samples
        }
    }

    /// A file's sound as 16 kHz mono, `frames` samples of it, by the system's best converter.
    private final class ResampledSource: SampleSource, @unchecked Sendable {  // one thread asks at a time
        private let reader: InterleavedReader
        private let downmix: Downmix
        private let converter: AVAudioConverter
        private let source: AVAudioFormat
        private let target: AVAudioFormat
        private var left: Int
        private var problem: (any Error)?

        init(_ path: String, _ downmix: Downmix, frames: Int) throws {
            reader = try InterleavedReader(path)
            (self.downmix, left) = (downmix, frames)
            guard let source = AVAudioFormat(standardFormatWithSampleRate: Double(reader.rate), channels: 1),
                let target = AVAudioFormat(standardFormatWithSampleRate: Double(sampleRate), channels: 1),
                let converter = AVAudioConverter(from: source, to: target)
            else { throw undecodable(path, "its rate cannot be converted") }
            converter.sampleRateConverterAlgorithm = AVSampleRateConverterAlgorithm_Mastering
            converter.sampleRateConverterQuality = AVAudioQuality.max.rawValue
            (self.source, self.target, self.converter) = (source, target, converter)
        }

        func next() throws -> [Float]? {
            guard left > 0 else { return nil }
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
            if let failure { throw FrameGenerationError(.audio, failure.localizedDescription) }
            let count = min(Int(output.frameLength), left)
            guard count > 0, let values = output.floatChannelData else {
                defer { left = 0 }
                return [Float](repeating: 0, count: left)
            }
            left -= count
            return Array(UnsafeBufferPointer(start: values[0], count: count))
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
                throw FrameGenerationError(.audio, "sound of \(format); expected mono float32 samples at 16 kHz")
            }
            return try await push(Array(UnsafeBufferPointer(start: values[0], count: Int(buffer.frameLength))))
        }
    }

    extension Image {
        /// The picture as a pixel buffer of the format BGRA, which Core Animation and encoders take.
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
