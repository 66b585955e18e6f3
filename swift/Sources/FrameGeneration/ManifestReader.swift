/// Reading `avatar.json` without trusting it: whatever is not exactly as docs/avatar.md has it is refused.

private let mostPixels = 8192  // of an image's side
private let mostFrames = 100_000
private let mostText = 100_000  // characters
private let mostCredits = 1000
private let mostFile = 1 << 30  // bytes of one file
private let mostTotal = 1 << 36  // bytes of all files
private let mostValues = 1_200_000  // in it, told from its bytes `[`, `{` and `,`
private let mostWidth = 1024  // channels at a generator's first level
private let versions = 1...3
private let blendsSince = 2  // the version from which there are `blend` and `rest`
private let streamingSince = 3  // the version from which there are features of the type `streaming`
private let outreachingSince = 3  // the version from which a box may reach beyond the image

extension Manifest {
    static let mostBytes = 64_000_000

    /// The manifest in the bytes of an `avatar.json`. Throws `Refusal` that names the field.
    init(json data: [UInt8]) throws {
        let marks = data.lazy.filter { $0 == UInt8(ascii: "[") || $0 == UInt8(ascii: "{") || $0 == UInt8(ascii: ",") }
        guard marks.count <= mostValues else {
            throw Refusal("\(manifestName) has more than \(mostValues) values")
        }
        let content: JSON
        do {
            content = try JSON.parse(data)
        } catch let refusal as Refusal {
            throw Refusal("\(manifestName) \(refusal.reason)")
        }
        guard case .object(let found) = content, found["format"] == .string("framegen-avatar") else {
            throw Refusal("\(manifestName) is not of the format framegen-avatar")
        }
        guard case .integer(let version)? = found["version"], versions ~= version else {
            let stated = found["version"]?.described ?? "nothing"
            throw Refusal("\(manifestName) is of version \(stated), this program reads 1, 2, 3")
        }
        var names: Set = [
            "boxes", "credits", "files", "format", "fps", "frame", "generator", "licence", "name", "parsing",
            "precision", "programs", "version",
        ]
        if version >= blendsSince { names.formUnion(["blend", "rest"]) }
        let fields = try Fields(content, "the whole", names)

        self.version = version
        name = try fields["name"].text()
        licence = try fields["licence"].text(lines: true)
        credits = try fields["credits"].list(atMost: mostCredits).map { try $0.text() }
        generator = try Self.generator(fields["generator"])
        frame = try Self.images(fields["frame"])
        boxes = try fields["boxes"].list(atMost: mostFrames).map(Self.box)
        parsing = try fields["parsing"].bool()
        programs = try Self.programs(fields["programs"])
        precision = try fields["precision"].choice(["fp32", "fp16"])
        files = try Self.files(fields["files"])
        blend =
            version >= blendsSince
            ? Blend(rawValue: try fields["blend"].choice(Blend.allCases.map(\.rawValue)))! : .reference
        rest = version >= blendsSince ? try fields["rest"].bool() : false
        _ = try fields["fps"].integer(in: generator.audio.fps...generator.audio.fps)
        try check()
    }

    /// What fields demand of each other.
    private func check() throws {
        guard boxes.count == frame.count else {
            throw Refusal("\(manifestName) has \(boxes.count) boxes for \(frame.count) frames")
        }
        guard version >= streamingSince || generator.audio.name != "streaming" else {
            throw Refusal("\(manifestName) is of version \(version), which has no streaming features")
        }
        for (index, box) in boxes.enumerated() {
            if let problem = box.problem(width: frame.width, height: frame.height) {
                throw Refusal("\(manifestName) has an impossible box for frame \(index): \(problem)")
            }
            guard version >= outreachingSince || box.isInside(width: frame.width, height: frame.height) else {
                throw Refusal("\(manifestName) has an impossible box for frame \(index): it leaves the image")
            }
        }
        let expected = paths
        if let path = expected.symmetricDifference(files.keys).min() {
            let problem =
                files[path] == nil ? "does not list \(shown(path))" : "lists \(shown(path)), which no package has"
            throw Refusal("\(manifestName) \(problem)")
        }
        guard files[landmarksName]?.size == frame.count * landmarkBytes else {
            throw Refusal("\(landmarksName) is not of \(landmarkBytes) bytes a frame")
        }
        guard !rest || files[restName]?.size == restBytes else {
            throw Refusal("\(restName) is not of \(restBytes) bytes")
        }
        guard files.values.reduce(0, { $0 + $1.size }) <= mostTotal else {
            throw Refusal("\(manifestName) lists files of more than \(mostTotal) bytes in all")
        }
    }

    private static func generator(_ field: Field) throws -> GeneratorSpec {
        let fields = try Fields(field.value, "generator", ["face", "audio", "width"])
        let face = try fields["face"].choice(FaceSpec.all.map(\.name))
        let audio = try Fields(fields["audio"].value, "generator.audio", ["name", "feature_size"])
        let spec = AudioSpec.named(try audio["name"].choice(AudioSpec.all.map(\.name)))!
        _ = try audio["feature_size"].integer(in: spec.featureSize...spec.featureSize)
        let width = try fields["width"].integer(in: 1...mostWidth)
        return GeneratorSpec(face: FaceSpec.all.first { $0.name == face }!, audio: spec, width: width)
    }

    private static func images(_ field: Field) throws -> Images {
        let fields = try Fields(field.value, "frame", ["width", "height", "count", "format"])
        return Images(
            width: try fields["width"].integer(in: 1...mostPixels),
            height: try fields["height"].integer(in: 1...mostPixels),
            count: try fields["count"].integer(in: 1...mostFrames),
            format: ImageFormat(rawValue: try fields["format"].choice(ImageFormat.allCases.map(\.rawValue)))!)
    }

    private static func box(_ field: Field) throws -> CropBox {
        let numbers = try field.list(atMost: 3)
        guard numbers.count == 3 else { throw field.refused("[x, y, size] for each frame") }
        let place = try numbers[..<2].map { try $0.integer(in: -mostPixels...mostPixels) }
        return CropBox(x: place[0], y: place[1], size: try numbers[2].integer(in: 0...mostPixels))
    }

    private static func programs(_ field: Field) throws -> [String] {
        let fields = try Fields(field.value, "programs", ["face", "render"], optional: ["audio"])
        let roles = ["audio", "face", "render"].filter { fields.names.contains($0) }
        for role in roles { _ = try fields[role].choice([programPath(role)]) }
        return roles
    }

    private static func files(_ field: Field) throws -> [String: FileEntry] {
        guard case .object(let listed) = field.value else { throw field.refused("an object") }
        var files: [String: FileEntry] = [:]
        for (path, content) in listed {
            let fields = try Fields(content, "files of \(path)", ["size", "sha256"])
            let digest = fields["sha256"]
            guard case .string(let text) = digest.value, text.utf8.count == 64,
                text.utf8.allSatisfy({
                    UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 || UInt8(ascii: "a")...UInt8(ascii: "f") ~= $0
                })
            else { throw digest.refused("64 hexadecimal digits") }
            files[path] = FileEntry(size: try fields["size"].integer(in: 1...mostFile), sha256: text)
        }
        return files
    }
}

/// An object that has exactly the fields it must have.
private struct Fields {
    let content: [String: JSON]
    let place: String
    var names: Set<String> { Set(content.keys) }

    init(_ value: JSON, _ place: String, _ required: Set<String>, optional: Set<String> = []) throws {
        let found = Field(value: value, place: place)
        guard case .object(let content) = value, required.isSubset(of: content.keys),
            required.union(optional).isSuperset(of: content.keys)
        else { throw found.refused("an object with \(required.sorted().joined(separator: ", "))") }
        self.content = content
        self.place = place
    }

    subscript(_ name: String) -> Field {
        Field(value: content[name] ?? .null, place: place == "the whole" ? name : "\(place).\(name)")
    }
}

/// A value of the manifest, and what a message calls its place.
private struct Field {
    let value: JSON
    let place: String

    func refused(_ expected: String) -> Refusal {
        Refusal("\(manifestName): \(shown(place).dropFirst().dropLast()) is \(value.described); expected \(expected)")
    }

    func integer(in range: ClosedRange<Int>) throws -> Int {
        guard case .integer(let number) = value, range ~= number else {
            let one = range.lowerBound == range.upperBound
            throw refused(
                one ? "\(range.lowerBound)" : "a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    func bool() throws -> Bool {
        guard case .bool(let flag) = value else { throw refused("true or false") }
        return flag
    }

    func choice(_ choices: [String]) throws -> String {
        guard case .string(let text) = value, choices.contains(text) else {
            throw refused(choices.joined(separator: " or "))
        }
        return text
    }

    func list(atMost most: Int) throws -> [Field] {
        guard case .array(let values) = value, values.count <= most else {
            throw refused("a list of at most \(most)")
        }
        return values.map { Field(value: $0, place: place) }
    }

    func text(lines: Bool = false) throws -> String {
        guard case .string(let text) = value, text.unicodeScalars.count <= mostText,
            text.unicodeScalars.allSatisfy({ !isControl($0) || lines && ($0 == "\n" || $0 == "\t") })
        else { throw refused("text of moderate length without control characters") }
        return text
    }
}
