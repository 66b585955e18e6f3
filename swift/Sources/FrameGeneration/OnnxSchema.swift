/// The part of onnx.proto that programs of packages may use, and the check that their bytes are what protobuf writes.
///
/// Numbers and types are those of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto. What is refused wherever it
/// stands (functions, training steps, graphs in operators, sparse tensors) is bytes here, which nobody looks into.
enum OnnxSchema {
    /// What a field holds; `list` where it may come more than once, `packed` where a list's numbers are one text of bytes.
    enum Kind: Sendable {
        case number, number32, float, bytes
        case message(String)
        indirect case list(Kind)
        indirect case packed(Kind)
        case double
    }

    private static let pairs = Kind.list(.message("StringStringEntryProto"))

    /// Of each message its fields by number.
    private static let messages: [String: [UInt64: Kind]] = [
        "ModelProto": [
            1: .number, 2: .bytes, 3: .bytes, 4: .bytes, 5: .number, 6: .bytes, 7: .message("GraphProto"),
            8: .list(.message("OperatorSetIdProto")), 14: pairs, 20: .list(.bytes), 25: .list(.bytes),
        ],
        "OperatorSetIdProto": [1: .bytes, 2: .number],
        "StringStringEntryProto": [1: .bytes, 2: .bytes],
        "GraphProto": [
            1: .list(.message("NodeProto")), 2: .bytes, 5: .list(.message("TensorProto")), 10: .bytes,
            11: .list(.message("ValueInfoProto")), 12: .list(.message("ValueInfoProto")),
            13: .list(.message("ValueInfoProto")), 14: .list(.message("TensorAnnotation")), 15: .list(.bytes),
            16: pairs,
        ],
        "TensorAnnotation": [1: .bytes, 2: pairs],
        "NodeProto": [
            1: .list(.bytes), 2: .list(.bytes), 3: .bytes, 4: .bytes, 5: .list(.message("AttributeProto")), 6: .bytes,
            7: .bytes, 9: pairs,
        ],
        "AttributeProto": [
            1: .bytes, 2: .float, 3: .number, 4: .bytes, 5: .message("TensorProto"), 6: .bytes, 7: .list(.float),
            8: .list(.number), 9: .list(.bytes), 10: .list(.message("TensorProto")), 11: .list(.bytes), 13: .bytes,
            20: .number32, 22: .bytes, 23: .list(.bytes),
        ],
        "TensorProto": [
            1: .list(.number), 2: .number32, 4: .packed(.float), 5: .packed(.number32), 6: .list(.bytes),
            7: .packed(.number), 8: .bytes, 9: .bytes, 10: .packed(.double), 11: .packed(.number), 12: .bytes,
            13: pairs,
            14: .number32, 16: pairs,
        ],
        "ValueInfoProto": [1: .bytes, 2: .message("TypeProto"), 3: .bytes, 4: pairs],
        "TypeProto": [1: .message("Tensor"), 6: .bytes],
        "Tensor": [1: .number32, 2: .message("TensorShapeProto")],
        "TensorShapeProto": [1: .list(.message("Dimension"))],
        "Dimension": [1: .number, 2: .bytes, 3: .bytes],
    ]

    /// Refuses bytes that are not what protobuf writes for such a message: unknown fields, fields twice that are no
    /// lists, another order, groups, other types.
    static func check(_ bytes: ArraySlice<UInt8>, as name: String = "ModelProto") throws {
        let known = messages[name] ?? [:]
        var last: UInt64 = 0
        var members = 0  // of a dimension's value, of which there is one
        for field in try ProtocolMessage(bytes).fields() {
            guard let kind = known[field.number], field.number >= last else { throw differing }
            var isList = false
            if case .list = kind { isList = true }
            guard isList || field.number > last else { throw differing }
            last = field.number
            if name == "Dimension", field.number <= 2 { members += 1 }
            guard members <= 1 else { throw differing }
            try check(field, kind)
        }
    }

    private static var differing: Refusal { Refusal("is no ONNX program as protobuf writes it") }

    private static func check(_ field: ProtocolMessage.Field, _ kind: Kind) throws {
        switch (kind, field.wire) {
        case (.list(let element), _): try check(field, element)
        case (.number, 0), (.float, 5), (.double, 1), (.bytes, 2): break
        case (.number32, 0): try checkNumber32(field.value)
        case (.message(let name), 2): try check(field.content, as: name)
        case (.packed(let element), 2): try checkPacked(field.content, element)
        default: throw differing
        }
    }

    /// A negative number of 32 bits is written with 64.
    private static func checkNumber32(_ value: UInt64) throws {
        guard Int32(exactly: Int64(bitPattern: value)) != nil else { throw differing }
    }

    private static func checkPacked(_ content: ArraySlice<UInt8>, _ element: Kind) throws {
        guard !content.isEmpty else { throw differing }
        switch element {
        case .float:
            guard content.count % 4 == 0 else { throw differing }
        case .double:
            guard content.count % 8 == 0 else { throw differing }
        default:
            var at = content.startIndex
            while at < content.endIndex {
                let value = try ProtocolMessage(content).integer(&at)
                if case .number32 = element { try checkNumber32(value) }
            }
        }
    }
}
