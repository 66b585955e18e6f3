/// Everything that can be checked of a package, and what it says of itself.
extension Avatar {
    /// What the package at `path` is, as named values in the order they should be shown; only its manifest is read.
    public static func describe(_ path: String) throws -> [(name: String, value: String)] {
        let package = try Package(path), manifest = package.manifest
        let sides = manifest.boxes.map(\.size).sorted()
        return [
            ("kind", "avatar"),
            ("name", manifest.name),
            ("licence", manifest.licence.isEmpty ? "not stated" : manifest.licence),
            ("credits", manifest.credits.isEmpty ? "none" : manifest.credits.joined(separator: ", ")),
            ("generator", manifest.generator.name),
            ("audio features", manifest.generator.audio.name),
            ("programs", "\(manifest.programs.joined(separator: ", ")) (\(manifest.precision))"),
            ("frames", "\(manifest.frame.count)"),
            ("size", "\(manifest.frame.width)x\(manifest.frame.height)"),
            ("images", manifest.frame.format.rawValue),
            ("frame rate", "\(manifest.fps) a second"),
            ("face boxes", "\(sides[0]) to \(sides[sides.count - 1]) pixels, median \(sides[sides.count / 2])"),
            ("parsing", manifest.parsing ? "yes" : "no"),
            ("blend", manifest.blend.rawValue),
            ("mouth at rest", manifest.rest ? "yes" : "no"),
            ("bytes", "\(manifest.files.values.reduce(0) { $0 + $1.size })"),
            ("fingerprint", package.fingerprint),
        ]
    }

    /// Checks every file, decodes every image and runs the programs once; gives a line for each thing that holds.
    ///
    /// progress: called after each frame with the frames done and the frames in all. Throws an error of kind `package`
    /// for the first thing that does not hold.
    public static func verify(
        _ path: String, options: Options = Options(), progress: ((Int, Int) -> Void)? = nil
    ) throws -> [String] {
        let package = try Package(path), manifest = package.manifest
        var held = ["manifest of version \(manifest.version), \(manifest.files.count) files, no other"]
        try Runtime.open(options.onnxRuntime)
        try runPrograms(package)
        let template = PackagedTemplate(package: package)
        held.append("programs \(manifest.programs.joined(separator: ", "))")
        _ = try package.read(landmarksName)
        try checkPreview(package)
        held.append("landmarks and preview")
        if try package.rest() != nil { held.append("features of a mouth at rest") }
        for index in 0..<template.count {
            _ = try template.read(index)
            progress?(index + 1, template.count)
        }
        let parsing = manifest.parsing ? ", each with its parsing image" : ""
        held.append("\(template.count) frames of \(template.width)x\(template.height) pixels\(parsing)")
        return held
    }

    /// Runs each program once.
    static func runPrograms(_ package: Package) throws {
        let (generator, audio) = try package.loadPrograms(by: Workers(availableCores())), manifest = package.manifest
        let frame = try PackagedTemplate(package: package).read(0)
        try refusing(package.path) {
            let crop = frame.box.cut(frame.image), features = manifest.generator.audio.featureSize
            let state = try generator.encodeFace(crop)
            let silence = [Float](repeating: 0, count: windowLength * features)
            _ = try generator.render(state, window: silence, crop: crop, keep: frame.keep, blend: manifest.blend)
            let second = [Float](repeating: 0, count: sampleRate)
            _ = try audio?.features(second, first: 0, count: sampleRate)
        }
    }

    private static func checkPreview(_ package: Package) throws {
        let preview = try package.read(previewName)
        try refusing(package.path) {
            let (width, height, format) = try readHeader(preview, previewName)
            guard format == .jpg else { throw Refusal("\(previewName) is no jpg image") }
            guard max(width, height) <= previewSide else {
                throw Refusal("\(previewName) has a side of more than \(previewSide) pixels")
            }
            _ = try decodeImage(preview, previewName, .jpg, width: width, height: height)
        }
    }
}
