/// A recording as SyncTalk_2D's users have it: numbered images, and landmarks under the same numbers.
struct Template: FrameSequence {
    private static let mostProblems = 20  // that a message shows
    private static let mostGaps = 10  // missing frames that a message names
    private static let mostBytes = 1 << 30  // of an image's file
    private static let head = 1 << 16, tail = 64  // bytes of an image in which its size and its end stand as a rule

    let width: Int
    let height: Int
    private let images: [String]
    private let boxes: [CropBox]

    var count: Int { images.count }

    /// Checks both folders completely and decodes nothing yet; one error names all problems.
    ///
    /// Throws an error of kind `missingFile` where a folder is absent, and `template`.
    init(images folder: String, landmarks: String) throws {
        for folder in [folder, landmarks] where PathKind.of(folder) != .folder {
            throw FrameGenerationError(
                .missingFile, "no such folder; a template has full_body_img/ and landmarks/", path: folder)
        }
        let (images, wrong) = try Self.numbered(folder)
        var problems = wrong
        var frames: [(path: String, landmarks: String, width: Int, height: Int, box: CropBox)] = []
        for (number, path) in images.sorted(by: { $0.key < $1.key }) {
            do {
                let size = try Self.size(path), file = joined(landmarks, "\(number).lms")
                frames.append(
                    (path, file, size.width, size.height, CropBox(landmarks: try Landmarks(contentsOf: file))))
            } catch let error as FrameGenerationError {
                problems.append(error.description)
            }
        }
        let sizes = Dictionary(grouping: frames) { [$0.width, $0.height] }
        let usual = sizes.max { ($0.value.count, $0.key[0]) < ($1.value.count, $1.key[0]) }?.key ?? [0, 0]
        (width, height) = (usual[0], usual[1])
        for frame in frames {
            if [frame.width, frame.height] != usual {
                problems.append(
                    "\(frame.path): is \(frame.width)x\(frame.height), the others are \(usual[0])x\(usual[1])")
            } else if let problem = frame.box.problem(width: usual[0], height: usual[1]) {
                problems.append("\(frame.landmarks): \(problem)")
            }
        }
        guard problems.isEmpty else {
            let more = problems.count - Self.mostProblems
            let text = problems.prefix(Self.mostProblems).joined(separator: "; ")
            throw FrameGenerationError(.template, text + (more > 0 ? "; and \(more) more" : ""), path: folder)
        }
        (self.images, boxes) = (frames.map(\.path), frames.map(\.box))
    }

    /// Throws an error of kind `template` for an image that changed since, or that cannot be decoded.
    func read(_ index: Int) throws -> TemplateFrame {
        let path = images[index]
        let image = try refusing(path, .template) {
            let data = try readFile(path)
            let (width, height, format) = try readHeader(data, "the image")
            guard width == self.width, height == self.height else {
                throw Refusal("is \(width)x\(height) pixels; expected \(self.width)x\(self.height)")
            }
            return try decodeImage(data, "the image", format, width: width, height: height)
        }
        return TemplateFrame(image: image, box: boxes[index], keep: nil)
    }

    /// The folder's images by their numbers, and what is wrong with these.
    private static func numbered(_ folder: String) throws -> (images: [Int: String], problems: [String]) {
        let names = try refusing(folder, .template) { try folderEntries(folder) }
        var images: [Int: String] = [:], problems: [String] = []
        for name in names.sorted() where [".jpg", ".jpeg", ".png"].contains(suffix(of: name)) {
            let stem = name.dropLast(suffix(of: name).count)
            guard stem.allSatisfy({ $0.isASCII && $0.isNumber }), let number = Int32(stem).map(Int.init) else {
                continue
            }
            if images.updateValue(joined(folder, name), forKey: number) != nil {
                problems.append("frame \(number) is there twice")
            }
        }
        guard let first = images.keys.min(), let last = images.keys.max() else {
            throw FrameGenerationError(.template, "no frames; expected 0.jpg, 1.jpg, ... (or .png)", path: folder)
        }
        if first > 1 { problems.append("the first frame is \(first); frames are numbered from 0 or 1") }
        let gaps = (first...last).lazy.filter { images[$0] == nil }.prefix(mostGaps).map(String.init)
        if !gaps.isEmpty {
            let more = last - first + 1 - images.count - gaps.count
            problems.append("frames \(gaps.joined(separator: ", "))\(more > 0 ? " and \(more) more" : "") are missing")
        }
        return (images, problems)
    }

    /// Width and height of an image, from its beginning and its end where these tell.
    private static func size(_ path: String) throws -> (width: Int, height: Int) {
        try refusing(path, .template) {
            let file = try ReadableFile(path)
            guard file.size <= mostBytes else { throw Refusal("has more than \(mostBytes) bytes") }
            let start = try file.read(at: 0, count: min(head, file.size))
            if start.starts(with: [0xFF, 0xD8]), file.size > head + tail {
                let end = try file.read(at: file.size - tail, count: tail)
                if let found = try? readHeader(start + end, "the image") { return (found.width, found.height) }
            }
            let found = try readHeader(try file.read(at: 0, count: file.size), "the image")
            return (found.width, found.height)
        }
    }
}
