/// A JSON value. Numbers that are written as whole ones and fit are integers; a field comes once in an object.
indirect enum JSON: Equatable, Sendable {
    case null
    case bool(Bool)
    case integer(Int)
    case number(Double)
    case string(String)
    case array([JSON])
    case object([String: JSON])

    /// What a message calls the value.
    var described: String {
        switch self {
        case .null: "null"
        case .bool(let value): "\(value)"
        case .integer(let value): "\(value)"
        case .number(let value): "\(value)"
        case .string(let value): shown(value)
        case .array(let values): "a list of \(values.count)"
        case .object(let fields): "an object with " + fields.keys.sorted().prefix(20).map(shown).joined(separator: ", ")
        }
    }

    /// The value of UTF-8 JSON by RFC 8259. Throws `Refusal` for everything else, for a field that comes twice in an
    /// object, and for more than 64 levels of nesting.
    static func parse(_ data: [UInt8]) throws -> JSON {
        guard String(validating: data, as: UTF8.self) != nil else { throw Refusal("is no UTF-8 text") }
        return try data.withUnsafeBufferPointer { bytes in
            var parser = JSONParser(bytes: bytes)
            return try parser.whole()
        }
    }
}

private struct JSONParser {
    static let deepest = 64

    let bytes: UnsafeBufferPointer<UInt8>
    var at = 0

    init(bytes: UnsafeBufferPointer<UInt8>) {
        self.bytes = bytes
    }

    mutating func whole() throws -> JSON {
        let value = try self.value(depth: 0)
        skipSpace()
        guard at == bytes.count else { throw problem("more than one value") }
        return value
    }

    private func problem(_ what: String) -> Refusal {
        Refusal("is no JSON that can be read (\(what) at byte \(at))")
    }

    private var next: UInt8? { at < bytes.count ? bytes[at] : nil }

    private mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { at += 1 }
    }

    private mutating func take(_ expected: UInt8) -> Bool {
        guard next == expected else { return false }
        at += 1
        return true
    }

    private mutating func value(depth: Int) throws -> JSON {
        guard depth < Self.deepest else { throw problem("nested too deep") }
        skipSpace()
        switch next {
        case UInt8(ascii: "{"): return try object(depth: depth)
        case UInt8(ascii: "["): return try array(depth: depth)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try literal("true", .bool(true))
        case UInt8(ascii: "f"): return try literal("false", .bool(false))
        case UInt8(ascii: "n"): return try literal("null", .null)
        default: return try number()
        }
    }

    private mutating func literal(_ text: StaticString, _ value: JSON) throws -> JSON {
        for index in 0..<text.utf8CodeUnitCount where !take(text.utf8Start[index]) { throw problem("an unknown word") }
        return value
    }

    private mutating func object(depth: Int) throws -> JSON {
        at += 1
        var fields: [String: JSON] = [:]
        skipSpace()
        if take(UInt8(ascii: "}")) { return .object(fields) }
        repeat {
            skipSpace()
            guard next == UInt8(ascii: "\"") else { throw problem("no name of a field") }
            let name = try string()
            skipSpace()
            guard take(UInt8(ascii: ":")) else { throw problem("no colon") }
            let content = try value(depth: depth + 1)
            guard fields.updateValue(content, forKey: name) == nil else { throw problem("a field twice") }
            skipSpace()
        } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "}")) else { throw problem("no end of an object") }
        return .object(fields)
    }

    private mutating func array(depth: Int) throws -> JSON {
        at += 1
        var values: [JSON] = []
        skipSpace()
        if take(UInt8(ascii: "]")) { return .array(values) }
        repeat {
            values.append(try value(depth: depth + 1))
            skipSpace()
        } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "]")) else { throw problem("no end of a list") }
        return .array(values)
    }

    private mutating func number() throws -> JSON {
        let start = at
        _ = take(UInt8(ascii: "-"))
        if !take(UInt8(ascii: "0")) { try digits() }
        var whole = true
        if take(UInt8(ascii: ".")) {
            whole = false
            try digits()
        }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            whole = false
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            try digits()
        }
        let text = String(decoding: UnsafeBufferPointer(rebasing: bytes[start..<at]), as: UTF8.self)
        if whole, let integer = Int(text) { return .integer(integer) }
        return .number(Double(text) ?? .infinity)
    }

    private mutating func digits() throws {
        let start = at
        while let byte = next, UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte { at += 1 }
        guard at > start else { throw problem("no value") }
    }

    private mutating func string() throws -> String {
        at += 1
        let start = at
        var text: [UInt8]?  // once there is an escape
        var copied = at
        while let byte = next, byte != UInt8(ascii: "\"") {
            guard byte >= 0x20 else { throw problem("a control character in text") }
            guard byte == UInt8(ascii: "\\") else {
                at += 1
                continue
            }
            text = (text ?? []) + bytes[copied..<at]
            at += 1
            text?.append(contentsOf: try escape().utf8)
            copied = at
        }
        guard next != nil else { throw problem("no end of a text") }
        let rest = UnsafeBufferPointer(rebasing: bytes[(text == nil ? start : copied)..<at])
        at += 1
        guard let text else { return String(decoding: rest, as: UTF8.self) }
        return String(decoding: text + rest, as: UTF8.self)
    }

    private mutating func escape() throws -> String {
        guard let byte = next else { throw problem("no end of a text") }
        at += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return String(UnicodeScalar(byte))
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): break
        default: throw problem("an unknown escape")
        }
        var code = try hexadecimal()
        if 0xD800..<0xDC00 ~= code {  // the first half of a pair
            guard take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) else { throw problem("half a character") }
            let low = try hexadecimal()
            guard 0xDC00..<0xE000 ~= low else { throw problem("half a character") }
            code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
        }
        guard let scalar = UnicodeScalar(code) else { throw problem("half a character") }
        return String(scalar)
    }

    private mutating func hexadecimal() throws -> UInt32 {
        guard at + 4 <= bytes.count else { throw problem("no end of a text") }
        var code: UInt32 = 0
        for byte in bytes[at..<at + 4] {
            guard let digit = Character(UnicodeScalar(byte)).hexDigitValue, byte < 0x80 else {
                throw problem("an unknown escape")
            }
            code = code << 4 | UInt32(digit)
        }
        at += 4
        return code
    }
}
