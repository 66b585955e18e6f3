/// The points of one face in whole pixels, 110 of them.
struct Landmarks: Sendable, Equatable {
    static let count = 110
    static let faceLeft = 1  // edge at eye height, left in the image
    static let faceRight = 31
    static let noseBridge = 52
    static let mostBytes = 100_000  // of a landmark file; twenty times what is usual

    let x: [Int]
    let y: [Int]

    /// The points of the landmark file `path`: 110 lines `x y`, truncated toward zero as the original does.
    ///
    /// Throws an error of kind `missingFile`, or `template` for anything else than 110 lines of two numbers.
    init(contentsOf path: String) throws {
        guard PathKind.of(path) == .file else {
            throw FrameGenerationError(.missingFile, "no such landmark file", path: path)
        }
        func fail(_ problem: String) -> FrameGenerationError {
            FrameGenerationError(.template, "\(problem)expected \(Self.count) lines of two numbers", path: path)
        }
        guard let data = try? readFile(path), data.count <= Self.mostBytes, data.allSatisfy({ $0 < 0x80 }) else {
            throw fail("not a landmark file; ")
        }
        let lines = String(decoding: data, as: UTF8.self).split(whereSeparator: \.isNewline)
        let points = lines.map { $0.split(whereSeparator: \.isWhitespace).map { Double($0) } }
        guard points.count == Self.count, points.allSatisfy({ $0.count == 2 }) else {
            throw fail("\(points.count) points; ")
        }
        let values = points.flatMap(\.self)
        guard values.allSatisfy({ abs($0 ?? .infinity) <= 1e6 }) else { throw fail("points that are no positions; ") }
        x = points.map { Int($0[0] ?? 0) }
        y = points.map { Int($0[1] ?? 0) }
    }
}
