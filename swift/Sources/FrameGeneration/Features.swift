/// All features of a speech, one a video frame, or whole windows of them, one a frame.
public struct AudioFeatures: Sendable {
    public let spec: AudioSpec
    /// (count, F) values, row-major; of whole windows (count, 16 F).
    public let values: [Float]
    private let areWindows: Bool

    /// How many there are (N).
    public var count: Int { values.count / rowSize }

    private var rowSize: Int { spec.featureSize * (areWindows ? windowLength : 1) }

    /// Features of given values, (N, F) row-major. Throws an error of kind `features` for anything else, or not finite.
    public init(values: [Float], spec: AudioSpec) throws {
        guard values.count % spec.featureSize == 0 else {
            throw FrameGenerationError(
                .features,
                "\(values.count) values are no \(spec.name) features; expected a multiple of \(spec.featureSize)")
        }
        try self.init(values, [values.count / spec.featureSize, spec.featureSize], spec)
    }

    /// A row for each frame: F values, or a whole window of 16 F. Throws an error of kind `features`.
    public init(rows: [[Float]], spec: AudioSpec) throws {
        let size = rows.first?.count ?? 0
        if let odd = rows.firstIndex(where: { $0.count != size }) {
            throw FrameGenerationError(
                .features, "row \(odd) of the features has \(rows[odd].count) values; the first has \(size)")
        }
        try self.init(rows.flatMap(\.self), [rows.count, size], spec)
    }

    /// The features in a `.npy` file, or in a raw little-endian float32 `.bin` beside its `.bin.json`.
    ///
    /// The file's features must be those of `spec`; whole windows are N times 16 F values. Throws an error of
    /// kind `missingFile` or `features` that names the file.
    public init(contentsOf path: String, spec: AudioSpec) throws {
        do {
            let (shape, values) = try readFeatures(path)
            try self.init(values, shape, spec)
        } catch let error as FrameGenerationError where error.path == nil {
            throw FrameGenerationError(error.kind, error.message, path: path)
        }
    }

    /// The values of an array of features of type `spec`, perhaps flattened or folded, or of whole windows.
    private init(_ values: [Float], _ shape: [Int], _ spec: AudioSpec) throws {
        let one = shape.dropFirst(), size = one.reduce(1, *)
        let isFeature =
            size == spec.featureSize
            && (spec.featureShape.count == 1 || one.count == 1 || Array(one) == spec.featureShape)
        guard !values.isEmpty, isFeature || size == windowLength * spec.featureSize else {
            let found = shape.map(String.init).joined(separator: ", ")
            let expected = spec.featureShape.map(String.init).joined(separator: ", ")
            throw FrameGenerationError(
                .features, "holds values of shape (\(found)); expected \(spec.name) features (N, \(expected))")
        }
        guard values.allSatisfy(\.isFinite) else {
            throw FrameGenerationError(
                .features, "holds values that are not finite numbers; extract the features again")
        }
        (self.spec, self.values, areWindows) = (spec, values, !isFeature)
    }

    /// What the generator hears at frame `index`; see `AudioSpec.window`.
    func window(_ index: Int) -> [Float] {
        guard areWindows else { return spec.window(of: values[...], at: index) }
        guard index < count else { return [Float](repeating: 0, count: rowSize) }
        return Array(values[index * rowSize..<(index + 1) * rowSize])
    }
}

/// The features of a `.npy` file, or of a raw float32 `.bin` beside its `.bin.json`, whatever generator they are for: a row
/// of values for each frame, one feature or a whole window of sixteen.
///
/// Throws an error of kind `missingFile` or `features` that names the file.
public func loadAudioFeatures(path: String) throws -> [[Float]] {
    let (shape, values) = try readFeatures(path)
    let size = shape.dropFirst().reduce(1, *)
    guard !values.isEmpty, shape.count > 1, size > 0 else {
        throw FrameGenerationError(.features, "holds no features; expected a row of values for each frame", path: path)
    }
    return stride(from: 0, to: values.count, by: size).map { Array(values[$0..<$0 + size]) }
}

extension AudioSpec {
    /// The features from index - before to index + ahead of `values` (N, F), (16, F) row-major, zeros where that leaves them.
    func window(of values: ArraySlice<Float>, at index: Int) -> [Float] {
        let size = featureSize
        var window = [Float](repeating: 0, count: windowLength * size)
        let count = values.count / size, first = index - before
        let from = max(first, 0), to = min(first + windowLength, count)
        if from < to {
            let start = values.startIndex + from * size
            window.replaceSubrange(
                (from - first) * size..<(to - first) * size, with: values[start..<start + (to - from) * size])
        }
        return window
    }
}

/// Shape and values of a feature file. Throws an error of kind `missingFile` or `features`.
private func readFeatures(_ path: String) throws -> ([Int], [Float]) {
    guard [".npy", ".bin"].contains(suffix(of: path)) else {
        throw FrameGenerationError(
            .features, "unknown kind of feature file; give a .npy, or a .bin beside its .bin.json", path: path)
    }
    guard PathKind.of(path) == .file else {
        throw FrameGenerationError(
            .missingFile, "no such feature file; give a .npy, or a .bin beside its .bin.json", path: path)
    }
    do {
        return suffix(of: path) == ".npy" ? try readNpy(path) : try readBin(path)
    } catch let refusal as Refusal {
        throw FrameGenerationError(
            .features, "not readable (\(refusal.reason)); extract the features again", path: path)
    } catch let error as SystemError {
        throw FrameGenerationError(.features, "not readable (\(error.reason)); check the file's rights", path: path)
    }
}

/// Shape and values of a raw float32 file, by the description beside it.
private func readBin(_ path: String) throws -> ([Int], [Float]) {
    guard PathKind.of(path + ".json") == .file else {
        throw FrameGenerationError(
            .missingFile, "no description of the features beside it; expected \(path).json", path: path)
    }
    guard case .object(let fields) = try JSON.parse(readFile(path + ".json")),
        case .integer(let frames)? = fields["num_frames"], case .integer(let size)? = fields["feature_size"],
        case .array(let lengths)? = fields["shape"]
    else { throw Refusal("its description lacks num_frames, feature_size or shape") }
    let shape = try lengths.map { length in
        guard case .integer(let length) = length, 1..<1 << 40 ~= length else {
            throw Refusal("its description has lengths that are no whole numbers")
        }
        return length
    }
    let file = try ReadableFile(path)
    let total = shape.reduce(4) { $0.multipliedReportingOverflow(by: $1).partialValue }
    guard frames > 0, size > 0, !shape.isEmpty, shape[0] == frames, total == file.size,
        file.size / 4 / frames == size, frames * size * 4 == file.size
    else { throw Refusal("its size does not agree with \(frames) features of \(size) values") }
    return (shape, floats(try file.read(at: 0, count: file.size)))
}

/// Shape and values of a NumPy file (its format is described in numpy/lib/format.py), of float32 or float64.
private func readNpy(_ path: String) throws -> ([Int], [Float]) {
    let data = try readFile(path)
    guard data.starts(with: [0x93] + Array("NUMPY".utf8)), data.count >= 12 else { throw Refusal("no .npy file") }
    let wide = data[6] >= 2
    guard 1...3 ~= data[6] else { throw Refusal("an unknown version of .npy") }
    let length = data[8..<(wide ? 12 : 10)].reversed().reduce(0) { $0 << 8 | Int($1) }
    let start = (wide ? 12 : 10) + length
    guard start <= data.count, length < 1 << 16 else { throw Refusal("its header is cut off") }
    let header = String(decoding: data[(wide ? 12 : 10)..<start], as: UTF8.self)
    guard let kind = value(of: "descr", in: header).map({ $0.trimmed("'\"") }), ["<f4", "<f8"].contains(kind) else {
        throw Refusal("expected little-endian float32 values")
    }
    guard value(of: "fortran_order", in: header) == "False" else { throw Refusal("expected C order") }
    guard let tuple = value(of: "shape", in: header), tuple.hasPrefix("("), tuple.hasSuffix(")") else {
        throw Refusal("its header has no shape")
    }
    let shape = try tuple.dropFirst().dropLast().split(separator: ",").map { $0.trimmed(" ") }.filter { !$0.isEmpty }
        .map { text in
            guard let length = Int(text), 0..<1 << 40 ~= length else { throw Refusal("its header has no shape") }
            return length
        }
    let size = kind == "<f4" ? 4 : 8
    guard shape.reduce(size, { $0.multipliedReportingOverflow(by: $1).partialValue }) == data.count - start else {
        throw Refusal("its size does not agree with its header")
    }
    if size == 4 { return (shape, floats(data[start...])) }
    let values = stride(from: start, to: data.count, by: 8).map { (at: Int) -> Float in
        var pattern: UInt64 = 0
        for index in (0..<8).reversed() { pattern = pattern << 8 | UInt64(data[at + index]) }
        return Float(Double(bitPattern: pattern))
    }
    return (shape, values)
}

/// What a dictionary as Python writes it has for `key`: a word, a quoted text or a tuple.
private func value(of key: String, in header: String) -> String? {
    let parts = header.split(separator: "'\(key)':", omittingEmptySubsequences: false)
    guard parts.count == 2 else { return nil }
    let rest = parts[1].drop { $0 == " " }
    guard rest.hasPrefix("(") else { return String(rest.prefix { $0 != "," && $0 != "}" }).trimmed(" ") }
    return rest.firstIndex(of: ")").map { String(rest[...$0]) }
}

extension StringProtocol {
    /// The text without any of `characters` at its ends.
    func trimmed(_ characters: String) -> String {
        let start = drop { characters.contains($0) }
        return String(String(start.reversed().drop { characters.contains($0) }).reversed())
    }
}
