/// What an ONNX file takes and gives, read from its bytes before any runtime sees it, and what no program may hold.
///
/// ONNX files are protocol buffers; of these only the few fields are read that decide. Numbers of fields and of types
/// are those of onnx.proto (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto).

/// An element type that programs take and give; the raw value is ONNX's number.
enum ElementType: Int, Sendable {
    case float32 = 1, uint8 = 2, int64 = 7, float16 = 10

    var size: Int {
        switch self {
        case .uint8: 1
        case .float16: 2
        case .float32: 4
        case .int64: 8
        }
    }
}

/// Element type and shape of what a program takes or gives; a length is nil where it is free.
struct ProgramValue: Equatable, Sendable {
    let type: ElementType
    let shape: [Int?]

    /// Bytes, with free lengths taken as 1; nil where that is beyond what a number holds.
    var size: Int? {
        shape.reduce(type.size) { size, length in
            let (product, overflow) = (size ?? 0).multipliedReportingOverflow(by: length ?? 1)
            return size == nil || overflow ? nil : product
        }
    }

    var described: String {
        "\(type) (\(shape.map { $0.map { "\($0)" } ?? "None" }.joined(separator: ", ")))"
    }
}

/// What a program takes and gives, by name.
struct Signature: Equatable, Sendable {
    var inputs: [String: ProgramValue] = [:]
    var outputs: [String: ProgramValue] = [:]

    /// Those of the ONNX file `data`.
    ///
    /// anyDomain: whether there may be operators that are not ONNX's own. Throws `Refusal` for what is not ONNX, and for
    /// programs with control flow, with such operators, or with weights in other files.
    init(program data: [UInt8], anyDomain: Bool = false) throws {
        let orderedFormat = Array("ORTM".utf8)  // by which ONNX Runtime knows its own format; a file can be both
        if data.count >= 8, data[4..<8].elementsEqual(orderedFormat) { throw noProgram() }
        try OnnxSchema.check(data[...])
        var graphs = 0
        for field in try ProtocolMessage(data[...]).parts() {
            switch field.number {
            case 7:
                graphs += 1
                try readGraph(ProtocolMessage(field.content), anyDomain)
            case 8:
                let domain = try ProtocolMessage(field.content).last(1)
                guard anyDomain || isStandard(domain) else { throw foreign(domain) }
            case 20, 25:
                throw Refusal("defines functions or training steps; expected one plain graph")
            default: break
            }
        }
        guard graphs == 1 else { throw noProgram() }
    }

    private mutating func readGraph(_ graph: ProtocolMessage, _ anyDomain: Bool) throws {
        for field in try graph.parts() {
            switch field.number {
            case 1: try checkNode(ProtocolMessage(field.content), anyDomain)
            case 5: try checkTensor(ProtocolMessage(field.content))
            case 15: throw Refusal("has sparse weights; expected plain ones")
            case 11: try Self.add(ProtocolMessage(field.content), to: &inputs)
            case 12: try Self.add(ProtocolMessage(field.content), to: &outputs)
            default: break
            }
        }
    }

    private static func add(_ info: ProtocolMessage, to values: inout [String: ProgramValue]) throws {
        let tensor = ProtocolMessage(try ProtocolMessage(try info.last(2)).last(1))
        var lengths: [Int?] = []
        for field in try ProtocolMessage(try tensor.last(2)).parts() where field.number == 1 {
            lengths.append(try ProtocolMessage(field.content).lastNumber(1).map { Int(exactly: $0) ?? .max })
        }
        let name = try text(try info.last(1))
        guard let element = try tensor.lastNumber(1).flatMap({ Int(exactly: $0) }),
            let type = ElementType(rawValue: element)
        else { throw Refusal("takes or gives \(shown(name)) of another type than float32, uint8, int64, float16") }
        guard values.updateValue(ProgramValue(type: type, shape: lengths), forKey: name) == nil else {
            throw Refusal("has \(shown(name)) twice")
        }
    }
}

private func noProgram() -> Refusal {
    Refusal("is no ONNX program")
}

private func text(_ bytes: ArraySlice<UInt8>) throws -> String {
    guard let text = String(validating: bytes, as: UTF8.self) else { throw noProgram() }
    return text
}

private func foreign(_ domain: ArraySlice<UInt8>) -> Refusal {
    Refusal("uses operators of \(shown(String(decoding: domain, as: UTF8.self))); expected ONNX's own alone")
}

private func isStandard(_ domain: ArraySlice<UInt8>) -> Bool {
    domain.isEmpty || domain.elementsEqual("ai.onnx".utf8)
}

private let controlFlow: Set = ["If", "Loop", "Scan", "SequenceMap"]

private func checkNode(_ node: ProtocolMessage, _ anyDomain: Bool) throws {
    let domain = try node.last(7), kind = try text(try node.last(4))
    guard anyDomain || isStandard(domain) else { throw foreign(domain) }
    guard !controlFlow.contains(kind) else { throw Refusal("has control flow (\(kind)); expected one plain graph") }
    for attribute in try node.parts() where attribute.number == 5 {
        for part in try ProtocolMessage(attribute.content).parts() {
            switch part.number {
            case 6, 11, 22, 23:
                throw Refusal("has a graph or sparse weights inside of \(shown(kind)); expected plain operators")
            case 5, 10:
                try checkTensor(ProtocolMessage(part.content))
            case 2, 7:  // f, floats
                guard isFinite(part.content, .float32) else {
                    throw Refusal("has an attribute of \(shown(kind)) that is no finite number")
                }
            default: break
            }
        }
    }
}

private func checkTensor(_ tensor: ProtocolMessage) throws {
    for field in try tensor.fields() where field.number == 13 || field.number == 14 {  // external_data, data_location
        guard field.value == 0, field.content.isEmpty else {
            throw Refusal("has weights in another file; expected all inside of the program")
        }
    }
    guard try isFinite(tensor) else {
        throw Refusal("has weights \(shown(try text(tensor.last(8)))) with values that are not finite numbers")
    }
}

/// One of ONNX's float types, by its number: a value has so many bytes, and NaN and infinity have all bits of `exponent`.
private enum FloatKind: UInt64 {
    case float32 = 1, float16 = 10, float64 = 11, bfloat16 = 16

    var size: Int { self == .float64 ? 8 : self == .float32 ? 4 : 2 }

    var exponent: UInt64 {
        switch self {
        case .float32: 0x7F80_0000
        case .float16: 0x7C00
        case .float64: 0x7FF0_0000_0000_0000
        case .bfloat16: 0x7F80
        }
    }

    func isFinite(_ bits: UInt64) -> Bool { bits & exponent != exponent }
}

/// Whether none of these little-endian values is NaN or infinite.
private func isFinite(_ values: ArraySlice<UInt8>, _ kind: FloatKind) -> Bool {
    values.withUnsafeBytes { bytes in
        switch kind.size {
        case 2: isFinite(bytes, UInt16(kind.exponent))
        case 4: isFinite(bytes, UInt32(kind.exponent))
        default: isFinite(bytes, kind.exponent)
        }
    }
}

/// All values are looked at, whatever is found: so the processor takes many at once.
private func isFinite<Bits: FixedWidthInteger & UnsignedInteger>(_ bytes: UnsafeRawBufferPointer, _ exponent: Bits)
    -> Bool
{
    var found = false
    for at in stride(from: 0, through: bytes.count - exponent.bitWidth / 8, by: exponent.bitWidth / 8) {
        let bits = Bits(littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: Bits.self))
        found = bits & exponent == exponent || found
    }
    return !found
}

/// Whether no value of a tensor is NaN or infinite; other than the float types have no such values.
private func isFinite(_ tensor: ProtocolMessage) throws -> Bool {
    guard let kind = try tensor.lastNumber(2).flatMap(FloatKind.init) else { return true }
    let integers = ProtocolMessage(try tensor.last(5))  // of 16 bits each, one integer a value
    var at = integers.bytes.startIndex
    while at < integers.bytes.endIndex {
        guard kind.isFinite(try integers.integer(&at)) else { return false }
    }
    return try isFinite(tensor.last(9), kind) && isFinite(tensor.last(4), .float32)
        && isFinite(tensor.last(10), .float64)
}

/// A protocol buffer: a sequence of numbered fields, each a number or bytes.
struct ProtocolMessage {
    struct Field {
        let number: UInt64
        let wire: UInt64  // how it is written: 0 a number, 1 eight bytes, 2 so many as stated, 5 four bytes
        let value: UInt64
        let content: ArraySlice<UInt8>
    }

    let bytes: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
    }

    /// All fields. Throws `Refusal` where the bytes are no message.
    func fields() throws -> [Field] {
        var fields: [Field] = []
        var at = bytes.startIndex
        while at < bytes.endIndex {
            let key = try integer(&at)
            guard key <= UInt32.max, key >> 3 != 0 else { throw noProgram() }
            let length: UInt64
            switch key & 7 {
            case 0:
                fields.append(Field(number: key >> 3, wire: 0, value: try integer(&at), content: []))
                continue
            case 1: length = 8
            case 2: length = try integer(&at)
            case 5: length = 4
            default: throw noProgram()
            }
            guard length <= bytes.endIndex - at else { throw noProgram() }
            let content = bytes[at..<at + Int(length)]
            fields.append(Field(number: key >> 3, wire: key & 7, value: 0, content: content))
            at += content.count
        }
        return fields
    }

    /// The fields that hold text or messages.
    func parts() throws -> [Field] {
        try fields().filter { $0.wire != 0 }
    }

    /// The last text or message that is field `number`, empty where there is none.
    func last(_ number: UInt64) throws -> ArraySlice<UInt8> {
        try parts().last { $0.number == number }?.content ?? []
    }

    /// The last field `number`, where that is a number.
    func lastNumber(_ number: UInt64) throws -> UInt64? {
        guard let field = try fields().last(where: { $0.number == number }), field.wire == 0 else { return nil }
        return field.value
    }

    /// A variable-length integer, in the shortest form that it has.
    func integer(_ at: inout Int) throws -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: 0 as UInt64, to: 70, by: 7) {
            guard at < bytes.endIndex else { throw noProgram() }
            let byte = bytes[at]
            at += 1
            guard shift < 63 || byte <= 1 else { throw noProgram() }
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 {
                guard shift == 0 || byte != 0 else { throw noProgram() }
                return value
            }
        }
        throw noProgram()
    }
}
