import Foundation
import Testing

@testable import FrameGeneration

/// The calls of SyncTalk_2D's port, on a plain export and a template as its users have them.
@Suite struct FrameGeneratorTests {
    private static let model = "\(Conformance.folder)/plain/328-ave.onnx"
    private static let features = "\(Conformance.folder)/audio/ave-windows.bin"

    /// A copy of the template, to be damaged.
    private static func template() throws -> String {
        let folder = temporaryFolder() + "/May"
        try FileManager.default.copyItem(atPath: "\(Conformance.folder)/template", toPath: folder)
        return folder
    }

    @Test func savedFramesAreJPEGsThatReplaceThoseOfAnEarlierRun() throws {
        let template = try Self.template(), folder = "\(template)/frames"
        defer { try? FileManager.default.removeItem(atPath: template) }
        let generator = try FrameGenerator(modelPath: Self.model, mode: "ave")
        let seen = Locked<[[Int]]>([])
        let frames = try generator.generateFramesFromSequence(
            imgDir: "\(template)/full_body_img", lmsDir: "\(template)/landmarks",
            audioFeatures: try loadAudioFeatures(path: Self.features), startFrame: 0,
            progressCallback: { done, total in seen.withLock { $0.append([done, total]) } })
        #expect(seen.withLock { $0 } == [[1, 3], [2, 3], [3, 3]])
        #expect(frames.map(\.index) == [0, 1, 2])
        try generator.saveFrames(frames: frames, outputDir: folder)
        try generator.saveFrames(frames: Array(frames.prefix(1)), outputDir: folder, prefix: "other")
        try generator.saveFrames(frames: Array(frames.prefix(2)), outputDir: folder, prefix: "frame")
        #expect(
            try folderEntries(folder).sorted() == ["frame_00000.jpg", "frame_00001.jpg", "other_00000.jpg"])
        let saved = try readFile("\(folder)/frame_00001.jpg")
        #expect(String(decoding: saved, as: UTF8.self).contains(digitalSourceType))
        #expect(try readHeader(saved, "frame").width == frames[1].image.width)
        #expect(throws: FrameGenerationError.self) {
            try generator.saveFrames(frames: frames, outputDir: folder, prefix: "../frame")
        }
    }

    @Test(arguments: [
        ("nowhere.onnx", nil, FrameGenerationError.Kind.missingFile, "nowhere.onnx: no such ONNX file"),
        ("audio/ave.npy", nil, .model, "ave.npy: is no ONNX program; export it again"),
        ("avatars/ave-160/programs/face.onnx", nil, .model, "face.onnx: no generator; expected an image"),
        ("plain/328-ave.onnx", "wenet", .model, "this generator is for ave features, not 'wenet'"),
    ])
    func modelsThatAreNone(
        _ model: String, _ mode: String?, _ kind: FrameGenerationError.Kind, _ says: String
    ) throws {
        let error = #expect(throws: FrameGenerationError.self) {
            try FrameGenerator(modelPath: "\(Conformance.folder)/\(model)", mode: mode)
        }
        #expect(error?.kind == kind)
        #expect(error?.description.contains(says) == true, "\(error?.description ?? "")")
    }

    @Test(arguments: [
        ("landmarks/2.lms", "", "2.lms: no such landmark file"), ("full_body_img/2.jpg", "", "frames 2 are missing"),
        ("full_body_img/02.png", "a text", "frame 2 is there twice"),
        ("full_body_img/2.jpg", "a text", "neither a JPEG nor a PNG"),
        ("landmarks/2.lms", "1 2\n3 4\n", "2.lms: 2 points; expected 110 lines"),
        ("landmarks/2.lms", String(repeating: "50 50\n", count: 110), "2.lms: the face is 0 pixels wide"),
    ])
    func templatesThatAreNone(_ file: String, _ content: String, _ says: String) throws {
        let template = try Self.template()
        defer { try? FileManager.default.removeItem(atPath: template) }
        if content.isEmpty {
            removeFile("\(template)/\(file)")
        } else {
            try writeFile("\(template)/\(file)", Array(content.utf8))
        }
        let error = #expect(throws: FrameGenerationError.self) {
            try Template(images: "\(template)/full_body_img", landmarks: "\(template)/landmarks")
        }
        #expect(error?.kind == .template)
        #expect(error?.description.contains(says) == true, "\(error?.description ?? "")")
    }

    @Test func aFrameThatIsCutShortEndsTheCall() throws {
        let template = try Self.template(), path = "\(template)/full_body_img/2.jpg"
        defer { try? FileManager.default.removeItem(atPath: template) }
        let data = try readFile(path)
        try writeFile(path, Array(data.prefix(data.count / 2) + data.suffix(2)))
        let generator = try FrameGenerator(modelPath: Self.model)
        let error = #expect(throws: FrameGenerationError.self) {
            try generator.generateFramesFromSequence(
                imgDir: "\(template)/full_body_img", lmsDir: "\(template)/landmarks",
                audioFeatures: try loadAudioFeatures(path: Self.features))
        }
        #expect(error?.kind == .template)
        #expect(error?.path == path)
    }

    @Test func framesOfTheRecordingThatAreNotThereAreRefused() throws {
        let generator = try FrameGenerator(modelPath: Self.model), template = "\(Conformance.folder)/template"
        let error = #expect(throws: FrameGenerationError.self) {
            try generator.generateFramesFromSequence(
                imgDir: "\(template)/full_body_img", lmsDir: "\(template)/landmarks",
                audioFeatures: try loadAudioFeatures(path: Self.features), startFrame: 4)
        }
        #expect(error?.kind == .option)
    }
}
