import FrameGeneration

/// Options of people of SyncTalk_2D's ports: a generator as one ONNX file, a template's folder and a file of features.
let modelNames = [
    "--model": "--model", "-m": "--model", "--template": "--template", "-t": "--template", "--mode": "--mode",
    "--start": "--start",
    "--video-path": "--video-path", "--audio-file": "--audio-file",
]
let modelSwitches: Set = ["--video"]
private let packageNames = [  // what these options do not go together with
    "--avatar", "--features", "--frames-dir", "--start-frame", "--gate", "--no-gate", "--silence-db", "--speech-db",
    "--cache-size",
]

/// Whether a model is asked for. Options of packages beside one, and options that lack others, are an error.
func isModelled(_ options: Options) throws -> Bool {
    let models = (Set(modelNames.values).sorted() + modelSwitches).filter(options.has)
    let packages = packageNames.filter(options.has)
    guard !models.isEmpty else { return false }
    guard packages.isEmpty else {
        throw FrameGenerationError(
            .option,
            "\(models.joined(separator: ", ")) and \(packages.joined(separator: ", ")) do not go together: give a --model"
                + " with its --template, or an --avatar")
    }
    guard options.has("--model"), options.has("--template"), options.has("--audio") else {
        throw FrameGenerationError(
            .option, "a model needs --model unet_328.onnx, --audio features.bin and --template dataset/May")
    }
    guard options.has("--video") == options.has("--audio-file") else {
        throw FrameGenerationError(
            .option,
            options.has("--video")
                ? "--video needs --audio-file, the video's audio"
                : "--audio-file is for videos; add --video, or leave it out")
    }
    guard options.has("--video") || !options.has("--video-path") else {
        throw FrameGenerationError(.option, "--video-path is for videos; add --video, or leave it out")
    }
    return true
}

/// The frames of a model as images, and where it is asked for also a video.
func generateByModel(_ options: Options) async throws {
    let format = try options.choice("--frame-format", ImageFormat.self) ?? .jpg
    let blend = try options.choice("--blend", Blend.self) ?? .reference
    let start = try options.integer("--start", in: 0...Int.max) ?? 0
    let encoding = try encoding(options)
    let template = options["--template"] ?? "", folder = options["--output"] ?? "output/frames"
    let generator = try FrameGenerator(
        modelPath: options["--model"] ?? "", mode: options["--mode"],
        threads: try options.integer("--threads", in: 1...1024), onnxRuntime: options["--onnxruntime"])
    let features = try AudioFeatures(contentsOf: options["--audio"] ?? "", spec: generator.audio)
    let video = options["--audio-file"].map { (options["--video-path"] ?? "output/result.mp4", $0) }
    try await generator.generate(
        features, imgDir: "\(template)/full_body_img", lmsDir: "\(template)/landmarks", to: folder, format: format,
        video: video, startFrame: start, blend: blend, encoding: encoding,
        progress: isQuiet(options) ? nil : ProgressLine.show)
    if !isQuiet(options) { print(video?.0 ?? folder) }
}
