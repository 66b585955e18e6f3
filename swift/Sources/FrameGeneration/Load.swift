/// A package, opened: its manifest and its files, each of which is what the manifest says before anyone sees a byte.
struct Package: Sendable {
    let path: String
    let manifest: Manifest
    let fingerprint: String  // SHA-256 of avatar.json, and so of everything
    private let files: [String: FileRange]  // all but avatar.json

    /// Opens the folder or archive `path`; its files are listed and measured, and read only when they are asked for.
    ///
    /// Throws an error of kind `missingFile`, or `package` for what docs/avatar.md does not allow.
    init(_ path: String) throws {
        guard PathKind.of(path) != nil else {
            throw FrameGenerationError(
                .missingFile, "no such avatar; give an .avatar file or the folder of one", path: path)
        }
        self.path = path
        (manifest, fingerprint, files) = try refusing(path) {
            var files = try findFiles(path)
            guard let file = files.removeValue(forKey: manifestName) else { throw Refusal("has no \(manifestName)") }
            guard file.size <= Manifest.mostBytes else {
                throw Refusal("\(manifestName) has \(file.size) bytes; expected at most \(Manifest.mostBytes)")
            }
            let data = try file.read()
            let manifest = try Manifest(json: data)
            if let name = Set(files.keys).symmetricDifference(manifest.files.keys).min() {
                throw Refusal(files[name] == nil ? "lacks \(shown(name))" : "holds \(shown(name)), which is not listed")
            }
            for (name, expected) in manifest.files {
                guard let found = files[name]?.size, found == expected.size else {
                    throw Refusal("\(name) has \(files[name]?.size ?? 0) bytes; expected \(expected.size)")
                }
            }
            return (manifest, sha256(data), files)
        }
    }

    /// The bytes of the file `name` of the manifest, which have the size and SHA-256 that are stated there.
    ///
    /// Memory: the file's size. Any number of threads may read. Throws an error of kind `package`.
    func read(_ name: String) throws -> [UInt8] {
        try refusing(path) {
            guard let file = files[name], let expected = manifest.files[name] else {
                throw Refusal("has no \(shown(name))")
            }
            let data = try file.read()
            guard data.count == expected.size, sha256(data) == expected.sha256 else {
                throw Refusal("\(name) is not the file that \(manifestName) lists, its bytes differ")
            }
            return data
        }
    }

    /// The window (16, F) at which the mouth rests, where the package has one. Throws an error of kind `package`.
    func rest() throws -> [Float]? {
        guard manifest.rest else { return nil }
        let window = floats(try read(restName))
        return try refusing(path) {
            guard window.allSatisfy(\.isFinite) else {
                throw Refusal("\(restName) has values that are not finite numbers")
            }
            return window
        }
    }
}

/// Little-endian float32 values.
func floats<Bytes: Collection<UInt8>>(_ bytes: Bytes) -> [Float] where Bytes.Index == Int {
    (0..<bytes.count / 4).map { index in
        let at = bytes.startIndex + 4 * index
        let pattern = (0..<4).reduce(0 as UInt32) { $0 | UInt32(bytes[at + $1]) << (8 * UInt32($1)) }
        return Float(bitPattern: pattern)
    }
}
