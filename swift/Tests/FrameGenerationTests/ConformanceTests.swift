import Testing

@testable import FrameGeneration

/// What every host must give, `conformance/`, is what this one gives.
@Suite struct ConformanceTests {
    @Test(arguments: [
        "ave-160", "ave-328", "hubert-160", "wenet-160", "whisper-160", "streaming-160", "ave-160-version-1",
    ])
    func everyAvatarIsValid(_ name: String) throws {
        #expect(try Avatar.verify("\(Conformance.folder)/avatars/\(name)").count >= 4)
    }

    @Test(arguments: Conformance.cases("features"))
    func features(_ test: Case) throws {
        let spec = try #require(test.string("type").flatMap(AudioSpec.named))
        let path =
            test.path("avatar").map { $0 + "/programs/audio.onnx" } ?? "\(Conformance.root)/\(test.string("program")!)"
        let program = AudioProgram(try OnnxSession(try readFile(path)), spec)
        var stream = FeatureStream(program, try #require(Blocks.of(spec)))
        let samples = try AudioFile(test.path("audio")!, weighted: true).samples()
        var values: [Float] = []
        while let piece = try samples.next() { values += try stream.push(piece) }
        values += try stream.flush()
        let expected = floats(try readFile(test.path("expected")!))
        #expect(values.count == expected.count)
        #expect(Double(farthest(values, expected)) <= test.number("tolerance")!)
    }

    @Test(arguments: Conformance.cases("gate"))
    func gate(_ test: Case) throws {
        let spec = try #require(AudioSpec.named(test.string("type")!))
        let listens = test.integer("version")! > 2
        var rests = RestStream(listens ? .relative : .usualLevels, spec)
        let samples = try AudioFile(test.path("audio")!, weighted: listens).samples()
        var shares: [Float] = []
        while let piece = try samples.next() { shares += rests.push(piece) }
        let expected = test.numbers("shares").map { Float($0) }
        shares += rests.flush()
        shares += rests.missing(max(expected.count - shares.count, 0))
        #expect(Array(shares.prefix(expected.count)) == expected)
    }

    @Test(arguments: Conformance.cases("windows"))
    func windows(_ test: Case) throws {
        let avatar = try Conformance.avatar(test.string("avatar")!)
        let plan = try avatar.plan(try test.speech(avatar.manifest.generator.audio))
        let source = try plan.windows()
        var windows: [[Float]] = []
        while let window = try source.next() { windows.append(window) }
        #expect(windows.count == test.integer("count"))
        #expect(plan.count == test.integer("count"))
        let found = test.numbers("frames").flatMap { windows[Int($0)] }
        let expected = floats(try readFile(test.path("expected")!))
        #expect(Double(farthest(found, expected)) <= test.number("tolerance")!)
    }

    @Test(arguments: Conformance.cases("frames"))
    func frames(_ test: Case) async throws {
        let avatar = try Conformance.avatar(test.string("avatar")!, blend: test.string("blend").flatMap(Blend.init))
        let speech = try test.speech(avatar.manifest.generator.audio)
        var images: [Image] = []
        for try await frame in avatar.frames(of: speech, startFrame: test.integer("start_frame") ?? 0) {
            #expect(frame.index == images.count)
            images.append(frame.image)
        }
        try check(images, test)
    }

    @Test(arguments: Conformance.cases("plain"))
    func plain(_ test: Case) async throws {
        let generator = try FrameGenerator(modelPath: test.path("model")!, mode: test.string("mode"))
        let template = test.path("template")!, folder = temporaryFolder()
        defer { removeFolder(folder) }
        let blend = try #require(test.string("blend").flatMap(Blend.init)), start = test.integer("start_frame") ?? 0
        try await generator.generate(
            AudioFeatures(contentsOf: test.path("features")!, spec: generator.audio),
            imgDir: "\(template)/full_body_img", lmsDir: "\(template)/landmarks", to: folder, format: .png,
            startFrame: start, blend: blend)
        let files = try folderEntries(folder).sorted().map { "\(folder)/\($0)" }
        let images = try files.map { file in
            let data = try readFile(file), (width, height, _) = try readHeader(data, file)
            return try decodeImage(data, file, .png, width: width, height: height)
        }
        try check(images, test)
        guard blend == .reference else { return }
        let rows = try loadAudioFeatures(path: test.path("features")!)
        let frames = try generator.generateFramesFromSequence(
            imgDir: "\(template)/full_body_img", lmsDir: "\(template)/landmarks", audioFeatures: rows, startFrame: start
        )
        #expect(frames.map(\.image) == images)
    }

    /// The frames are as many as the case says, and those that it has are near enough.
    private func check(_ images: [Image], _ test: Case) throws {
        #expect(images.count == test.integer("count"))
        let limits = test.part("tolerance")
        for (index, file) in test.texts("frames") {
            let image = images[Int(index)!]
            let data = try readFile("\(Conformance.folder)/\(file)")
            let expected = try decodeImage(data, file, .png, width: image.width, height: image.height)
            let apart = zip(image.pixels, expected.pixels).map { abs(Int($0) - Int($1)) }
            let far = Double(apart.count { $0 > limits.integer("levels")! }) / Double(apart.count)
            #expect(far <= limits.number("far")!)
            let error = Double(apart.reduce(0) { $0 + $1 * $1 }) / Double(apart.count)
            #expect(error <= 255 * 255 * tenTo(-limits.number("psnr")! / 10))
        }
    }
}

/// The largest difference of two arrays' values; infinite where their lengths differ.
func farthest(_ one: [Float], _ other: [Float]) -> Float {
    one.count == other.count ? zip(one, other).reduce(0) { max($0, abs($1.0 - $1.1)) } : .infinity
}
