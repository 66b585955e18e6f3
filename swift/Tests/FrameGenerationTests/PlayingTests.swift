import Foundation
import Testing

@testable import FrameGeneration

/// Live speech, cancelling, and files that come out.
@Suite struct PlayingTests {
    private static func samples() throws -> [Float] {
        let source = try AudioFile("\(Conformance.folder)/audio/syllables.wav", weighted: true).samples()
        var samples: [Float] = []
        while let piece = try source.next() { samples += piece }
        return samples
    }

    private static func frames(_ avatar: Avatar, _ speech: Speech) async throws -> [Frame] {
        var frames: [Frame] = []
        for try await frame in avatar.frames(of: speech) { frames.append(frame) }
        return frames
    }

    @Test(arguments: ["avatars/ave-160", "avatars/streaming-160", "../src/frame_generation_pipeline/weights/presenter"])
    func liveFramesAreThoseOfTheWholeSpeech(_ path: String) async throws {
        let avatar = try Conformance.avatar(path), samples = try Self.samples()
        let whole = try await Self.frames(avatar, .samples(samples))
        let session = try avatar.live()
        var live: [Frame] = []
        for start in stride(from: 0, to: samples.count, by: 1777) {
            live += try await session.push(Array(samples[start..<min(start + 1777, samples.count)]))
        }
        #expect(live.count < whole.count)
        live += try await session.finish()
        #expect(live.map(\.image) == whole.map(\.image))
        #expect(live.map(\.index) == whole.map(\.index))
    }

    @Test func framesOfStreamingFeaturesComeWithTheLastOfTheirSamples() async throws {
        let session = try Conformance.avatar("avatars/streaming-160").live(), samples = try Self.samples()
        var pushed = 0
        for frame in 0..<4 {
            let needed = 640 * frame + 3200
            let early = try await session.push(Array(samples[pushed..<needed - 1]))
            let frames = try await session.push([samples[needed - 1]])
            #expect(early.isEmpty)
            #expect(frames.map(\.index) == [frame])
            pushed = needed
        }
    }

    @Test func anInterruptedSpeechIsForgotten() async throws {
        let avatar = try Conformance.avatar("avatars/ave-160"), samples = try Self.samples()
        let session = try avatar.live()
        let before = try await session.push(Array(samples.prefix(16_000)))
        await session.interrupt()
        let idle = try await session.idleFrame()
        #expect(idle.index == before.count)
        let after = try await session.push(samples) + session.finish()
        #expect(
            after.count
                == FrameGeneration.frameCount(seconds: Double(samples.count) / 16_000, avatar.manifest.generator.audio))
        #expect(after.first?.index == before.count + 1)
        await #expect(throws: FrameGenerationError.self) { try await session.finish() }
    }

    @Test func manyTasksShareOneAvatar() async throws {
        let avatar = try Conformance.avatar("avatars/ave-160"), samples = Array(try Self.samples().prefix(16_000))
        let expected = try await Self.frames(avatar, .samples(samples)).map(\.image)
        try await withThrowingTaskGroup(of: [Image].self) { group in
            for _ in 0..<4 { group.addTask { try await Self.frames(avatar, .samples(samples)).map(\.image) } }
            for try await images in group { #expect(images == expected) }
        }
    }

    @Test func cancellingEndsTheFramesAndLeavesNoFile() async throws {
        let folder = temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let avatar = try Conformance.avatar("avatars/ave-160")
        let long = Speech.samples([Float](repeating: 0.1, count: 16_000 * 600))
        let work = Task { try await avatar.generateImages(long, to: folder) }
        try await Task.sleep(nanoseconds: 300_000_000)
        work.cancel()
        await #expect(throws: CancellationError.self) { try await work.value }
        #expect(try folderEntries(folder) == [])
    }

    @Test func imagesReplaceThoseOfAnEarlierRun() async throws {
        let folder = temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        for name in ["frame_00000.jpg", "frame_99999.png", "other.png"] { try writeFile("\(folder)/\(name)", [1]) }
        let avatar = try Conformance.avatar("avatars/ave-160")
        try await avatar.generateImages(.samples([Float](repeating: 0, count: 1280)), to: folder)
        #expect(try folderEntries(folder).sorted() == ["frame_00000.png", "frame_00001.png", "other.png"])
        let image = try readFile("\(folder)/frame_00000.png")
        #expect(String(decoding: image, as: UTF8.self).contains(digitalSourceType))
        let (width, height, _) = try readHeader(image, "frame_00000.png")
        let decoded = try decodeImage(image, "frame_00000.png", .png, width: width, height: height)
        let frames = try await Self.frames(avatar, .samples([Float](repeating: 0, count: 1280)))
        #expect(decoded == frames[0].image)
    }

    #if os(Linux)
        @Test func videosAreCompleteAndMarked() async throws {
            guard isInstalled("ffmpeg") else { return }
            let folder = temporaryFolder()
            defer { try? FileManager.default.removeItem(atPath: folder) }
            let avatar = try Conformance.avatar("avatars/ave-160")
            for name in ["a.mp4", "a.mkv", "a.webm"] {
                try await avatar.generateVideo(
                    .audio("\(Conformance.folder)/audio/short.wav"), to: "\(folder)/\(name)",
                    encoding: Encoding(rate: try FrameRate(50)))
                let video = try readFile("\(folder)/\(name)")
                #expect(String(decoding: video, as: UTF8.self).contains(digitalSourceType), "\(name)")
            }
            #expect(try folderEntries(folder).sorted() == ["a.mkv", "a.mp4", "a.webm"])
            await #expect(throws: FrameGenerationError.self) {
                try await avatar.generateVideo(
                    .audio("\(Conformance.folder)/audio/short.wav"), to: "\(folder)/a.txt")
            }
        }

        @Test func aPlaylistLeadsToNoOtherFile() throws {
            guard isInstalled("ffmpeg") else { return }
            let folder = temporaryFolder()
            defer { try? FileManager.default.removeItem(atPath: folder) }
            let list = "ffconcat version 1.0\nfile \(Conformance.folder)/audio/syllables.wav\n"
            try writeFile(folder + "/speech.wav", Array(list.utf8))
            let error = #expect(throws: FrameGenerationError.self) {
                try AudioFile(folder + "/speech.wav", weighted: true)
            }
            #expect(error?.kind == .audio)
        }
    #endif
}
