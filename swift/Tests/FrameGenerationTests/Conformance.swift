import Foundation
import Testing

@testable import FrameGeneration

/// The cases of `conformance/`, which every host reads.
enum Conformance {
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().path
    static let folder = root + "/conformance"

    static func cases(_ kind: String, in file: String = "cases.json") -> [Case] {
        guard case .object(let kinds)? = try? JSON.parse(readFile("\(folder)/\(file)")),
            case .array(let cases)? = kinds[kind]
        else { return [] }
        return cases.map(Case.init)
    }

    /// Opens a package whose programs need ONNX Runtime, which `make test` names in the environment.
    static func avatar(_ path: String, blend: Blend? = nil) throws -> Avatar {
        try Avatar(path: "\(folder)/\(path)", options: Avatar.Options(blend: blend))
    }
}

/// One of the cases: fields by name.
struct Case: Sendable, CustomTestStringConvertible {
    private let fields: [String: JSON]

    init(_ value: JSON) {
        if case .object(let fields) = value { self.fields = fields } else { fields = [:] }
    }

    var testDescription: String { string("name") ?? "a case" }

    func string(_ name: String) -> String? {
        if case .string(let text)? = fields[name] { text } else { nil }
    }

    /// The file that a field names.
    func path(_ name: String) -> String? {
        string(name).map { "\(Conformance.folder)/\($0)" }
    }

    func integer(_ name: String) -> Int? {
        if case .integer(let number)? = fields[name] { number } else { nil }
    }

    func number(_ name: String) -> Double? {
        switch fields[name] {
        case .integer(let number)?: Double(number)
        case .number(let number)?: number
        default: nil
        }
    }

    func numbers(_ name: String) -> [Double] {
        guard case .array(let values)? = fields[name] else { return [] }
        return values.compactMap { Case(.object(["value": $0])).number("value") }
    }

    func strings(_ name: String) -> [String] {
        guard case .array(let values)? = fields[name] else { return [] }
        return values.compactMap { Case(.object(["value": $0])).string("value") }
    }

    /// An object of texts.
    func texts(_ name: String) -> [String: String] {
        guard case .object(let values)? = fields[name] else { return [:] }
        return values.compactMapValues { Case(.object(["value": $0])).string("value") }
    }

    /// An object of objects.
    func parts(_ name: String) -> [String: Case] {
        guard case .object(let values)? = fields[name] else { return [:] }
        return values.mapValues(Case.init)
    }

    func part(_ name: String) -> Case {
        Case(fields[name] ?? .null)
    }

    /// What is said: features, audio or both.
    func speech(_ spec: AudioSpec) throws -> Speech {
        let features = try path("features").map { try AudioFeatures(contentsOf: $0, spec: spec) }
        if let audio = path("audio") { return .audio(audio, features: features) }
        return .features(try #require(features))
    }
}
