import Foundation
import Testing

@testable import FrameGeneration

/// Packages that every host must refuse, at the stage that `conformance/hostile.json` names.
@Suite struct HostileTests {
    @Test(arguments: Conformance.cases("cases", in: "hostile.json"))
    func hostile(_ test: Case) throws {
        let folder = temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var path = folder + "/may"
        try FileManager.default.copyItem(atPath: "\(Conformance.folder)/\(try editedAvatar())", toPath: path)
        for name in test.strings("remove") { removeFile("\(path)/\(name)") }
        for (name, data) in test.texts("write") { try writeFile("\(path)/\(name)", decoded(data)) }
        for (name, parts) in test.parts("repeat") {
            let piece = decoded(try #require(parts.string("piece"))), times = try #require(parts.integer("times"))
            let repeated = [[UInt8]](repeating: piece, count: times).joined()
            let start = decoded(parts.string("start") ?? ""), end = decoded(parts.string("end") ?? "")
            try writeFile("\(path)/\(name)", start + repeated + end)
        }
        for (name, target) in test.texts("link") {
            try FileManager.default.createSymbolicLink(atPath: "\(path)/\(name)", withDestinationPath: target)
        }
        for name in test.strings("folder") { try prepareFolder("\(path)/\(name)") }
        if let archive = test.string("archive") {
            path = folder + "/may.avatar"
            try writeFile(path, decoded(archive))
        }
        let (stage, error) = try refusal(path)
        #expect(error.kind == .package)
        #expect(error.path == path)
        let expected = try #require(test.string("stage"))
        #expect(stage.contains(expected), "\(error)")
    }

    @Test func thePackageThatIsEditedIsValid() throws {
        _ = try Avatar.verify("\(Conformance.folder)/\(try editedAvatar())")
    }

    private func editedAvatar() throws -> String {
        try #require(Case(try JSON.parse(readFile("\(Conformance.folder)/hostile.json"))).string("avatar"))
    }

    private func decoded(_ text: String) -> [UInt8] {
        Array(Data(base64Encoded: text) ?? Data())
    }

    /// The stage, or the stages that one step of ours has together, that refuse the package, and why.
    private func refusal(_ path: String) throws -> (stage: String, error: FrameGenerationError) {
        let package: Package
        do {
            package = try Package(path)
        } catch let error as FrameGenerationError {
            return ("storage manifest listing", error)
        }
        do {
            for name in package.manifest.paths { _ = try package.read(name) }
        } catch let error as FrameGenerationError {
            return ("hash", error)
        }
        do {
            try Avatar.runPrograms(package)
        } catch let error as FrameGenerationError {
            return ("programs", error)
        }
        do {
            _ = try package.rest()
        } catch let error as FrameGenerationError {
            return ("rest", error)
        }
        let error = #expect(throws: FrameGenerationError.self) { try Avatar.verify(path) }
        return ("images", try #require(error))
    }
}

func temporaryFolder() -> String {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("framegen-\(UUID().uuidString)").path
    try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    return path
}
