#if canImport(UIKit)
    import UIKit

    /// A frame as these calls give it.
    public typealias GeneratedFrame = UIImage
#else
    /// A frame as these calls give it; where UIKit is, a `UIImage`.
    public typealias GeneratedFrame = Frame
#endif

/// The calls of SyncTalk_2D's Swift port: a generator as one ONNX file and a template's folders in, frames out.
///
///     let generator = try FrameGenerator(modelPath: "unet_328.onnx", mode: "ave")
///     let features = try loadAudioFeatures(path: "aud.bin")
///     let frames = try generator.generateFramesFromSequence(
///         imgDir: "May/full_body_img", lmsDir: "May/landmarks", audioFeatures: features)
///     try generator.saveFrames(frames: frames, outputDir: "frames")
///
/// They hold all frames in memory; `generate` streams them into files. It may be used from any number of threads.
public final class FrameGenerator: Sendable {
    /// The type of features that the generator takes.
    public let audio: AudioSpec
    private let path: String
    private let generator: NetworkGenerator
    private let workers: Workers

    /// Opens a generator that was exported as its network alone; where Core ML is, also the folder of its packages.
    ///
    /// mode: `ave`, `hubert`, `wenet`, `whisper` or `streaming`; nil for what the model says. threads: frames that are made at once, by
    /// default as many as there are cores. onnxRuntime: see `Runtime.open`. Throws an error of kind `missingFile`,
    /// `model` or `option`.
    public init(modelPath: String, mode: String? = nil, threads: Int? = nil, onnxRuntime: String? = nil) throws {
        guard threads ?? 1 > 0 else { throw FrameGenerationError(.option, "threads must be a positive number") }
        try Runtime.open(onnxRuntime)
        let network = try Self.network(modelPath, mode)
        (path, audio) = (modelPath, network.spec.audio)
        generator = try NetworkGenerator(network)
        workers = Workers(threads ?? availableCores())
    }

    private static func network(_ path: String, _ mode: String?) throws -> any Network {
        #if canImport(CoreML)
            if PathKind.of(path) == .folder { return try CoreMLNetwork(contentsOf: path, mode: mode) }
        #endif
        return try OnnxNetwork(contentsOf: path, mode: mode)
    }

    /// A frame for each row of features: F values of one feature, or 16 F of a whole window.
    ///
    /// The images of `imgDir` (0.jpg and so on), whose landmarks are in `lmsDir` (0.lms and so on), are gone through
    /// forth and back as SyncTalk_2D does, entered `startFrame` frames later, and the face is written back as it does.
    /// progressCallback: called in this thread with the frames done and the frames in all. Throws an error of kind
    /// `missingFile`, `template`, `features`, `option` or `model`.
    public func generateFramesFromSequence(
        imgDir: String, lmsDir: String, audioFeatures: [[Float]], startFrame: Int = 0,
        progressCallback: ((Int, Int) -> Void)? = nil
    ) throws -> [GeneratedFrame] {
        let features = try AudioFeatures(rows: audioFeatures, spec: audio)
        let engine = try engine(imgDir, lmsDir, .reference), fps = Double(audio.fps)
        try engine.checkStart(startFrame)
        let frames = try workers.map(features.count, progress: progressCallback) { index in
            let image = try engine.image(features.window(index), index, start: startFrame)
            return Frame(index: index, time: Double(index) / fps, image: image)
        }
        return try frames.map(Self.given)
    }

    /// Writes frames as JPEG of quality 95, `prefix_00000.jpg` and so on, into the folder `outputDir`; they appear when all
    /// are written, and replace those of an earlier run. Throws an error of kind `output` or `option`.
    public func saveFrames(frames: [GeneratedFrame], outputDir: String, prefix: String = "frame") throws {
        guard !prefix.contains("/") else {
            throw FrameGenerationError(.option, "the prefix \(shown(prefix)) would lead to another folder")
        }
        let folder = try FramesFolder(outputDir, .jpg, prefix: prefix, provenance: true)
        do {
            for frame in frames { try folder.write(encoded: Self.jpeg(frame)) }
            try folder.finish()
        } catch {
            folder.discard()
            throw error
        }
    }

    /// Writes the frames of features into files while they are made: images `frame_00000.jpg` and so on in `folder`, and
    /// where `video` is given also a video with the audio of a file. See `Avatar.generateVideo`.
    public func generate(
        _ features: AudioFeatures, imgDir: String, lmsDir: String, to folder: String, format: ImageFormat = .jpg,
        video: (path: String, audio: String)? = nil, startFrame: Int = 0, blend: Blend = .reference,
        encoding: Encoding = Encoding(), progress: Avatar.Progress? = nil
    ) async throws {
        let engine = try engine(imgDir, lmsDir, blend)
        try engine.checkStart(startFrame)
        let speech = video.map { Speech.audio($0.audio, features: features) } ?? .features(features)
        let plan = try await workers.run { [audio] in
            try SpeechPlan(speech, spec: audio, encoder: nil, silence: nil, weighted: false)
        }
        try await engine.write(
            plan, video: video.map { ($0.path, $0.audio) }, images: (folder, format, "frame"),
            startFrame: startFrame, encoding: encoding, progress: progress)
    }

    private func engine(_ images: String, _ landmarks: String, _ blend: Blend) throws -> Engine {
        let template = try Template(images: images, landmarks: landmarks)
        // The state of one program is its input, which is made again as fast as it is found.
        let states = FaceStates(generator, frames: template.count, budget: 0)
        return Engine(
            template: template, generator: generator, states: states, blend: blend, workers: workers, path: path,
            kind: .model)
    }

    #if canImport(UIKit)
        private static func given(_ frame: Frame) throws -> UIImage {
            guard let image = frame.image.cgImage else {
                throw FrameGenerationError(.video, "no memory for a frame")
            }
            return UIImage(cgImage: image)
        }

        private static func jpeg(_ frame: UIImage) throws -> [UInt8] {
            guard let data = frame.jpegData(compressionQuality: 0.95) else {
                throw FrameGenerationError(.output, "an image cannot be encoded")
            }
            return [UInt8](data)
        }
    #else
        private static func given(_ frame: Frame) throws -> Frame { frame }

        private static func jpeg(_ frame: Frame) throws -> [UInt8] {
            try frame.image.encoded(.jpg)
        }
    #endif
}
