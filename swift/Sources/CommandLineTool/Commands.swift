import FrameGeneration

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#endif

/// What all commands that open an avatar take.
private let avatarNames = [
    "--avatar": "--avatar", "--blend": "--blend", "--silence-db": "--silence-db", "--speech-db": "--speech-db",
    "--threads": "--threads", "--cache-size": "--cache-size", "--onnxruntime": "--onnxruntime",
]
private let speechNames = [
    "--audio": "--audio", "-a": "--audio", "--features": "--features", "-f": "--features",
    "--start-frame": "--start-frame",
]
private let outputNames = [
    "--output": "--output", "-o": "--output", "--frames-dir": "--frames-dir", "--frame-format": "--frame-format",
    "--fps": "--fps", "--crf": "--crf", "--preset": "--preset",
]
private let switches: Set = ["--gate", "--no-gate", "--provenance", "--no-provenance", "--quiet", "-q"]

/// The avatar that is asked for, or the one that FRAMEGEN_AVATAR names, or the presenter where its folder is at hand.
private func avatarPath(_ options: Options) throws -> String {
    if let path = options["--avatar"] ?? environment("FRAMEGEN_AVATAR") { return path }
    let presenter = "src/frame_generation_pipeline/weights/presenter"
    for folder in [executableFolder() + "/..", "."] {
        let path = "\(folder)/\(presenter)"
        if access("\(path)/avatar.json", R_OK) == 0 { return path }
    }
    throw FrameGenerationError(.option, "nobody to speak; give --avatar may.avatar, or set FRAMEGEN_AVATAR to one")
}

private func playing(_ options: Options) throws -> Avatar.Options {
    var gate = Gate.asPackaged
    let silence = try options.number("--silence-db"), speech = try options.number("--speech-db")
    if silence != nil || speech != nil { gate = .fixed(silence: silence ?? -45, speech: speech ?? -40) }
    if options.has("--no-gate") {
        guard gate == .asPackaged else {
            throw FrameGenerationError(
                .option, "--silence-db and --speech-db set the gate that --no-gate turns off; leave one out")
        }
        gate = .off
    }
    let blend = try options.choice("--blend", Blend.self)
    if case .fixed = gate, blend == .reference {
        throw FrameGenerationError(
            .option, "blend reference, the original's, knows no gate; leave --silence-db and --speech-db out")
    }
    return Avatar.Options(
        blend: blend, gate: gate,
        threads: try options.integer("--threads", in: 1...1024),
        cacheSize: try options.integer("--cache-size", in: 0...1 << 40).map { $0 << 20 },
        onnxRuntime: options["--onnxruntime"])
}

private func speech(_ options: Options, _ spec: AudioSpec) throws -> Speech {
    let features = try options["--features"].map { try AudioFeatures(contentsOf: $0, spec: spec) }
    if let audio = options["--audio"] { return .audio(audio, features: features) }
    guard let features else {
        throw FrameGenerationError(.option, "nothing to say; give --audio, --features or both")
    }
    return .features(features)
}

func isQuiet(_ options: Options) -> Bool {
    options.has("--quiet") || options.has("-q")
}

func encoding(_ options: Options) throws -> Encoding {
    Encoding(
        rate: try options.number("--fps").map { try FrameRate($0) }, crf: try options.integer("--crf", in: 0...63),
        preset: options["--preset"] ?? "superfast", provenance: !options.has("--no-provenance"))
}

/// `generate`: a video of the avatar that says the audio, its frames as images, or both.
func generate(_ words: ArraySlice<String>) async throws {
    let names = [speechNames, outputNames, modelNames].reduce(avatarNames) { $0.merging($1) { $1 } }
    let options = try Options(words, names: names, switches: switches.union(modelSwitches))
    try refuseArguments(options)
    if try isModelled(options) { return try await generateByModel(options) }
    let format = try options.choice("--frame-format", ImageFormat.self) ?? .png
    guard options.has("--output") || options.has("--frames-dir") else {
        throw FrameGenerationError(.option, "no output; give -o result.mp4, --frames-dir or both")
    }
    let encoding = try encoding(options)
    let avatar = try Avatar(path: try avatarPath(options), options: try playing(options))
    let speech = try speech(options, avatar.manifest.generator.audio)
    let start = try options.integer("--start-frame", in: 0...Int.max) ?? 0
    let progress = isQuiet(options) ? nil : ProgressLine.show
    if let output = options["--output"] {
        try await avatar.generateVideo(
            speech, to: output, images: options["--frames-dir"].map { ($0, format) }, startFrame: start,
            encoding: encoding, progress: progress)
    } else if let folder = options["--frames-dir"] {
        try await avatar.generateImages(
            speech, to: folder, format: format, startFrame: start, rate: encoding.rate,
            provenance: encoding.provenance, progress: progress)
    }
    if !isQuiet(options) { print(options["--output"] ?? options["--frames-dir"] ?? "") }
}

/// `info`: what a package says of itself.
func info(_ words: ArraySlice<String>) throws {
    let options = try Options(words, names: ["--avatar": "--avatar"], switches: [])
    let described = try Avatar.describe(try options.arguments.first ?? avatarPath(options))
    let width = described.map(\.name.count).max() ?? 0
    for (name, value) in described {
        print(name + String(repeating: " ", count: width - name.count) + "  " + oneLine(value))
    }
}

/// `verify`: everything that can be checked of a package.
func verify(_ words: ArraySlice<String>) throws {
    let options = try Options(words, names: avatarNames, switches: switches)
    let path = try options.arguments.first ?? avatarPath(options)
    let progress: ((Int, Int) -> Void)? = isQuiet(options) ? nil : { ProgressLine.show($0, $1) }
    for line in try Avatar.verify(path, options: try playing(options), progress: progress) { print(oneLine(line)) }
}

/// `benchmark`: frames a second of whole videos, the first frame and the memory, in this process.
func benchmark(_ words: ArraySlice<String>) async throws {
    let names = avatarNames.merging(speechNames) { $1 }.merging(["--runs": "--runs"]) { $1 }
    let options = try Options(words, names: names, switches: switches)
    try refuseArguments(options)
    let runs = try options.integer("--runs", in: 1...1000) ?? 3
    let started = monotonicSeconds()
    let avatar = try Avatar(path: try avatarPath(options), options: try playing(options))
    let opened = monotonicSeconds() - started
    let speech = try speech(options, avatar.manifest.generator.audio)
    var rates: [Double] = []
    var first = 0.0, frames = 0
    let file = "/tmp/framegen-benchmark-\(getpid()).mp4"
    defer { unlink(file) }
    for run in 0..<runs {
        let begun = monotonicSeconds()
        let firstFrame = FirstTime()
        try await avatar.generateVideo(speech, to: file) { done, total in firstFrame.note(total) }
        rates.append(Double(firstFrame.total) / (monotonicSeconds() - begun))
        frames = firstFrame.total
        if run == 0 { first = firstFrame.seconds - started }
    }
    let median = rates.sorted()[runs / 2]
    print("frames               \(frames)")
    print(
        "frames a second      \(rounded(median, 2)) (median of \(runs), from the first template frame to the written file)"
    )
    print("opened               \(rounded(opened, 3)) s after the start")
    print("first frame          \(rounded(first, 3)) s after the start, encoded")
    print("peak memory          \(peakMemory() >> 20) MB, without ffmpeg")
}

private func refuseArguments(_ options: Options) throws {
    if let argument = options.arguments.first {
        throw FrameGenerationError(.option, "\(argument) is not expected; see framegen-swift --help")
    }
}
