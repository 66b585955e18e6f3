import COnnxRuntime

/// A tensor that a program takes or gave, row-major.
///
/// The memory of one that a program gave is ONNX Runtime's and goes with the last copy of the value.
struct Tensor: Sendable {
    let type: ElementType
    let shape: [Int]
    private let memory: Memory

    init(_ values: [Float], _ shape: [Int]) {
        (type, self.shape, memory) = (.float32, shape, .floats(values))
    }

    init(_ values: [UInt8], _ shape: [Int]) {
        (type, self.shape, memory) = (.uint8, shape, .bytes(values))
    }

    init(_ value: Int) {
        (type, shape, memory) = (.int64, [], .integers([Int64(value)]))
    }

    init(_ image: Image) {
        self.init(image.pixels, [image.height, image.width, 3])
    }

    fileprivate init(_ output: Output, _ type: ElementType) {
        let tensor = output.tensor
        shape = Swift.withUnsafeBytes(of: tensor.shape) {
            $0.bindMemory(to: Int64.self).prefix(Int(tensor.rank)).map(Int.init)
        }
        (self.type, memory) = (type, .output(output))
    }

    /// Bytes that it takes.
    var size: Int { shape.reduce(type.size, *) }

    func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        switch memory {
        case .floats(let values): try values.withUnsafeBytes(body)
        case .bytes(let values): try values.withUnsafeBytes(body)
        case .integers(let values): try values.withUnsafeBytes(body)
        case .output(let output):
            try withExtendedLifetime(output) {
                try body(UnsafeRawBufferPointer(start: output.tensor.data, count: output.tensor.bytes))
            }
        }
    }

    /// The values, as far as they are float32.
    var floats: [Float] { type == .float32 ? withUnsafeBytes { Array($0.bindMemory(to: Float.self)) } : [] }

    /// The values, as far as they are uint8.
    var bytes: [UInt8] { type == .uint8 ? withUnsafeBytes { Array($0) } : [] }
}

private enum Memory: Sendable {
    case floats([Float]), bytes([UInt8]), integers([Int64]), output(Output)
}

/// What ONNX Runtime gave; nobody changes it.
private final class Output: @unchecked Sendable {
    var tensor: ort_output

    init(_ tensor: ort_output) {
        self.tensor = tensor
    }

    deinit {
        ort_release_output(&tensor)
    }
}

/// An ONNX program, opened; any number of threads may run it at once.
final class OnnxSession: @unchecked Sendable {
    private let session: OpaquePointer

    /// Opens the ONNX file `program`; threads: inside one operator, 0 for as many as there are cores.
    ///
    /// Throws an error of kind `model` when there is no ONNX Runtime, and `Refusal` when it cannot run the program.
    init(_ program: [UInt8], threads: Int = 1) throws {
        try Runtime.open(nil)
        var opened: OpaquePointer?
        if let problem = taken(ort_session_create(program, program.count, Int32(threads), &opened)) {
            throw Refusal("not a model that ONNX Runtime can run (\(problem))")
        }
        session = opened!
    }

    deinit {
        ort_session_release(session)
    }

    /// Names and shapes of what the program takes; a free length is -1.
    var inputs: [(name: String, shape: [Int])] { ports(ort_session_input_count, ort_session_input) }

    /// Names and shapes of what the program gives; a free length is -1.
    var outputs: [(name: String, shape: [Int])] { ports(ort_session_output_count, ort_session_output) }

    private func ports(
        _ count: (OpaquePointer) -> Int, _ port: (OpaquePointer, Int) -> UnsafePointer<ort_port>?
    ) -> [(name: String, shape: [Int])] {
        (0..<count(session)).compactMap { index in
            guard let found = port(session, index)?.pointee else { return nil }
            let shape = withUnsafeBytes(of: found.shape) {
                $0.bindMemory(to: Int64.self).prefix(Int(found.rank)).map(Int.init)
            }
            return (String(cString: found.name), shape)
        }
    }

    /// Runs the program; gives its outputs `names`. Throws `Refusal` with what ONNX Runtime says.
    func run(_ inputs: [String: Tensor], _ names: [String]) throws -> [Tensor] {
        var given: [ort_input] = []
        return try pinned(inputs[inputs.startIndex...], &given) { given in
            try withStrings(names) { names in
                var outputs = [ort_output](repeating: ort_output(), count: names.count)
                if let problem = taken(ort_run(session, given, given.count, names, names.count, &outputs)) {
                    throw Refusal("the program does not run (\(problem))")
                }
                let owned = outputs.map(Output.init)
                return try owned.map { output in
                    guard let type = ElementType(rawValue: Int(output.tensor.type)) else {
                        throw Refusal("the program gives an unknown type of values")
                    }
                    return Tensor(output, type)
                }
            }
        }
    }

    /// Calls `body` with all inputs while their memory stays where it is.
    private func pinned<Result>(
        _ inputs: Slice<[String: Tensor]>, _ given: inout [ort_input], _ body: ([ort_input]) throws -> Result
    ) throws -> Result {
        guard let (name, tensor) = inputs.first else { return try body(given) }
        return try tensor.withUnsafeBytes { bytes in
            try name.withCString { name in
                var input = ort_input()
                input.name = name
                input.type = Int32(tensor.type.rawValue)
                input.rank = Int32(tensor.shape.count)
                withUnsafeMutableBytes(of: &input.shape) { lengths in
                    for (index, length) in tensor.shape.enumerated() {
                        lengths.storeBytes(of: Int64(length), toByteOffset: 8 * index, as: Int64.self)
                    }
                }
                input.data = bytes.baseAddress
                input.bytes = bytes.count
                given.append(input)
                return try pinned(inputs.dropFirst(), &given, body)
            }
        }
    }
}

private func withStrings<Result>(_ strings: [String], _ body: ([UnsafePointer<CChar>?]) throws -> Result) rethrows
    -> Result
{
    var pointers: [UnsafePointer<CChar>?] = []
    func next(_ rest: ArraySlice<String>) throws -> Result {
        guard let string = rest.first else { return try body(pointers) }
        return try string.withCString {
            pointers.append($0)
            return try next(rest.dropFirst())
        }
    }
    return try next(strings[...])
}

/// A message that the C code gave, which is freed.
private func taken(_ message: UnsafeMutablePointer<CChar>?) -> String? {
    guard let message else { return nil }
    defer { ort_free(message) }
    return String(cString: message)
}

/// ONNX Runtime, which runs the programs of a package: where it is.
public enum Runtime {
    /// Finds ONNX Runtime; called by itself when the first avatar is opened.
    ///
    /// It is looked for in the running process, at `path`, at `ONNXRUNTIME_SHARED_LIBRARY_PATH`, beside the executable
    /// and where the system looks. Throws an error of kind `model`.
    public static func open(_ path: String?) throws {
        if let problem = taken(ort_open(path)) { throw FrameGenerationError(.model, problem) }
    }

    /// Hands over the app's own `OrtGetApiBase`, for apps into which ONNX Runtime is linked and which are archived: no
    /// symbol is found in these. Called before anything else.
    public static func use(_ getApiBase: @escaping @convention(c) () -> UnsafeRawPointer?) {
        ort_use(getApiBase)
    }

    /// The version of the library that `open` found.
    public static var version: String? { ort_version().map { String(cString: $0) } }
}
