import FrameGeneration

/// The words of a command line: options with a value, switches, and the rest.
struct Options {
    private var values: [String: String] = [:]
    private var switches: Set<String> = []
    private(set) var arguments: [String] = []

    /// names: what takes a value, by all its spellings, to the one that `subscript` knows; switches: what takes none.
    init(_ words: some Sequence<String>, names: [String: String], switches known: Set<String>) throws {
        var words = words.makeIterator()
        while let word = words.next() {
            guard word.hasPrefix("-"), word.count > 1 else {
                arguments.append(word)
                continue
            }
            let parts = word.split(separator: "=", maxSplits: 1)
            if let name = names[String(parts[0])] {
                guard let value = parts.count == 2 ? String(parts[1]) : words.next() else {
                    throw FrameGenerationError(.option, "\(word) needs a value; see --help")
                }
                guard values.updateValue(value, forKey: name) == nil else {
                    throw FrameGenerationError(.option, "\(word) is given twice")
                }
            } else if known.contains(word) {
                switches.insert(word)
            } else {
                throw FrameGenerationError(.option, "\(word) is unknown; see framegen-swift --help")
            }
        }
    }

    subscript(_ name: String) -> String? { values[name] }

    func has(_ name: String) -> Bool { switches.contains(name) || values[name] != nil }

    func integer(_ name: String, in range: ClosedRange<Int>) throws -> Int? {
        guard let text = values[name] else { return nil }
        guard let number = Int(text), range ~= number else {
            let expected =
                range.upperBound == .max ? "\(range.lowerBound) or more" : "\(range.lowerBound) to \(range.upperBound)"
            throw FrameGenerationError(.option, "\(name) is \(text); expected a whole number, \(expected)")
        }
        return number
    }

    func number(_ name: String) throws -> Double? {
        guard let text = values[name] else { return nil }
        guard let number = Double(text) else {
            throw FrameGenerationError(.option, "\(name) is \(text); expected a number")
        }
        return number
    }

    func choice<Choice: RawRepresentable & CaseIterable>(_ name: String, _: Choice.Type) throws -> Choice?
    where Choice.RawValue == String {
        guard let text = values[name] else { return nil }
        guard let choice = Choice(rawValue: text) else {
            let known = Choice.allCases.map(\.rawValue).joined(separator: " or ")
            throw FrameGenerationError(.option, "\(name) is \(text); expected \(known)")
        }
        return choice
    }
}
