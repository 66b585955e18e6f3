import Foundation
import Testing

@testable import FrameGeneration

func tenTo(_ exponent: Double) -> Double { pow(10, exponent) }

/// Readers of small things: digests, JSON, feature files, landmarks, WAV headers, rates.
@Suite struct ReadingTests {
    @Test func digestsAreThoseOfTheStandards() {
        #expect(sha256(Array("abc".utf8)) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(sha256([]) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        let million = [UInt8](repeating: UInt8(ascii: "a"), count: 1_000_000)
        #expect(sha256(million) == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
        #expect(crc32(Array("123456789".utf8)) == 0xCBF4_3926)
    }

    @Test func jsonHasItsValues() throws {
        let text = #" {"a": [1, -2.5e1, true, null], "b\n\u00e9\ud83d\ude00": "\"\\\/"} "#
        let expected = JSON.object([
            "a": .array([.integer(1), .number(-25), .bool(true), .null]), "b\né😀": .string("\"\\/"),
        ])
        #expect(try JSON.parse(Array(text.utf8)) == expected)
    }

    @Test(arguments: [
        "", "{", "[1,]", "{\"a\":1,\"a\":2}", "{\"a\" 1}", "01", "+1", "1.", "NaN", "\"\u{1}\"", "\"\\ud800\"",
        "\"\\x\"",
        "1 2", "tru", "\u{FEFF}1", String(repeating: "[", count: 100_000),
    ])
    func otherJSONIsRefused(_ text: String) {
        #expect(throws: Refusal.self) { try JSON.parse(Array(text.utf8)) }
    }

    @Test func jsonIsUTF8() {
        #expect(throws: Refusal.self) { try JSON.parse([0x22, 0xFF, 0x22]) }
    }

    @Test func featureFilesAgreeWithEachOther() throws {
        let spec = try #require(AudioSpec.named("ave"))
        let folder = temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let values = (0..<2 * 512).map { Float($0) / 7 }
        let raw = values.flatMap { value in
            (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * UInt32($0))) }
        }
        try writeFile(folder + "/a.bin", raw)
        let description = #"{"num_frames": 2, "feature_size": 512, "shape": [2, 512]}"#
        try writeFile(folder + "/a.bin.json", Array(description.utf8))
        let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 512), }"
        let npy = [0x93] + Array("NUMPY\u{1}\0".utf8) + [UInt8(header.utf8.count), 0] + Array(header.utf8) + raw
        try writeFile(folder + "/a.npy", npy)
        #expect(try AudioFeatures(contentsOf: folder + "/a.bin", spec: spec).values == values)
        #expect(try AudioFeatures(contentsOf: folder + "/a.npy", spec: spec).values == values)
        try writeFile(folder + "/a.npy", npy.dropLast())
        for (file, wanted) in [("/a.npy", spec), ("/a.bin", try #require(AudioSpec.named("hubert")))] {
            let error = #expect(throws: FrameGenerationError.self) {
                try AudioFeatures(contentsOf: folder + file, spec: wanted)
            }
            #expect(error?.kind == .features)
            #expect(error?.path == folder + file)
        }
    }

    @Test func wholeWindowsAreHeardAsTheyAre() throws {
        let spec = try #require(AudioSpec.named("ave")), path = "\(Conformance.folder)/audio/ave"
        let windows = try AudioFeatures(contentsOf: "\(path)-windows.bin", spec: spec)
        let features = try AudioFeatures(contentsOf: "\(path).npy", spec: spec)
        #expect(windows.count == 3)
        for index in 0..<3 { #expect(windows.window(index) == features.window(index + 2)) }
        #expect(windows.window(3) == [Float](repeating: 0, count: windowLength * 512))
        let rows = try loadAudioFeatures(path: "\(path)-windows.bin")
        #expect(rows.map(\.count) == [8192, 8192, 8192])
        #expect(try AudioFeatures(rows: rows, spec: spec).window(1) == windows.window(1))
        #expect(try AudioFeatures(rows: rows, spec: #require(AudioSpec.named("wenet"))).count == 3)  // features there
    }

    @Test(arguments: [
        ([], "shape (0, 0)"), ([[1, 2]], "expected ave features (N, 512)"),
        ([[1], [1, 2]], "row 1 of the features has 2"),
        ([[Float](repeating: .nan, count: 512)], "not finite"),
    ])
    func otherRowsAreRefused(_ rows: [[Float]], _ says: String) throws {
        let spec = try #require(AudioSpec.named("ave"))
        let error = #expect(throws: FrameGenerationError.self) { try AudioFeatures(rows: rows, spec: spec) }
        #expect(error?.description.contains(says) == true)
    }

    @Test func templateFramesGoForthAndBack() {
        struct Four: FrameSequence {
            let count = 4, width = 1, height = 1
            func read(_ index: Int) throws -> TemplateFrame { throw Refusal("no images") }
        }
        #expect((0..<8).map { Four().index($0, start: 0) } == [1, 2, 3, 2, 1, 0, 1, 2])
        #expect((0..<3).map { Four().index($0, start: 2) } == [3, 2, 1])
    }

    @Test func boxesBeyondTheImageRepeatItsEdge() {
        let image = Image(width: 2, height: 2, pixels: [1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4])
        let box = CropBox(x: -1, y: 0, size: 3)
        let crop = box.cut(image)
        #expect(stride(from: 0, to: 27, by: 3).map { crop.pixels[$0] } == [1, 1, 2, 3, 3, 4, 3, 3, 4])
        var pasted = Image(width: 2, height: 2)
        box.paste(crop, into: &pasted)
        #expect(pasted == image)
    }

    @Test func ratesAreFractions() throws {
        #expect(try FrameRate(25) == FrameRate(25.0))
        let film = try FrameRate(29.97)
        #expect(film.numerator == 2997 && film.denominator == 100)
        let ntsc = try FrameRate(30_000 / 1001.0)
        #expect(ntsc.numerator == 30_000 && ntsc.denominator == 1001)
        #expect(try FrameRate(50).frames(after: 3, at: 25) == 6)
        #expect(throws: FrameGenerationError.self) { try FrameRate(0) }
        #expect(throws: FrameGenerationError.self) { try FrameRate(.nan) }
    }

    @Test func channelsThatCancelGiveWayToOne() {
        let sum = Downmix.sum(channels: 2, mask: 0)
        #expect(sum == .sum([0.5, 0.5]))
        #expect(sum.mix([1, 0, 0.5, 0.5], channels: 2) == [0.5, 0.5])
        let tone = (0..<16_000).map { index in Float(index % 50) / 50 - 0.5 }
        var cancellation = Cancellation(sum, rate: 16_000)
        cancellation.push(tone.flatMap { [$0, -$0] })
        #expect(cancellation.downmix() == .channel(0))
        var alike = Cancellation(sum, rate: 16_000)
        alike.push(tone.flatMap { [$0, $0] })
        #expect(alike.downmix() == sum)
    }

    @Test func joinedWAVsAreRefused() throws {
        func wav(_ samples: Int, stated: Int? = nil) -> [UInt8] {
            let size = UInt32(truncatingIfNeeded: stated ?? 2 * samples)
            let format: [UInt8] = [16, 0, 0, 0, 1, 0, 1, 0, 0x80, 0x3E, 0, 0, 0, 0x7D, 0, 0, 2, 0, 16, 0]
            return Array("RIFF".utf8) + [255, 255, 255, 255] + Array("WAVEfmt ".utf8) + format + Array("data".utf8)
                + (0..<4).map { UInt8(truncatingIfNeeded: size >> (8 * UInt32($0))) }
                + [UInt8](repeating: 7, count: 2 * samples)
        }
        let whole = wav(1600)
        let list = Array("LIST".utf8) + [4, 0, 0, 0] + Array("INFO".utf8)
        let path = temporaryFolder() + "/a.wav"
        defer { try? FileManager.default.removeItem(atPath: path) }
        for good in [whole, Array(whole.dropLast(1000)), whole + list, whole + [0, 0, 0], wav(1600, stated: -1)] {
            try writeFile(path, good)
            #expect(try AudioFile(path, weighted: true).duration > 0.05)
        }
        for joined in [
            whole + whole, whole + list + whole, wav(600_000, stated: -1) + wav(9, stated: 0), wav(1600, stated: 200),
        ] {
            try writeFile(path, joined)
            let error = #expect(throws: FrameGenerationError.self) { try AudioFile(path, weighted: true) }
            #expect(error?.message.contains("more audio than its header states") == true)
        }
    }
}
