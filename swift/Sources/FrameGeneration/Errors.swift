/// The one error that this library throws: what was given, what was expected and what to do.
///
/// The command line prints `description` as one line and exits with status 2.
public struct FrameGenerationError: Error, CustomStringConvertible, Sendable, Equatable {
    /// What the error is about; the names are those of the Python package's errors.
    public enum Kind: String, Sendable {
        /// A file or folder that was named does not exist.
        case missingFile
        /// Audio that cannot be decoded, or that has no samples.
        case audio
        /// Audio features of the wrong shape, with values that are not finite, or in an unreadable file.
        case features
        /// A template folder with gaps, malformed landmarks, unusable boxes or unreadable images.
        case template
        /// A model that is not what it should be, or no ONNX Runtime to run it with.
        case model
        /// Frames that do not fit together.
        case video
        /// An output that cannot be written.
        case output
        /// An option whose value is impossible, or options that contradict each other.
        case option
        /// An avatar package that is damaged, incomplete or holds what no package may hold.
        case package
    }

    public let kind: Kind
    /// The file or folder that the error is about, where there is one.
    public let path: String?
    /// What is wrong, without the path.
    public let message: String

    public init(_ kind: Kind, _ message: String, path: String? = nil) {
        self.kind = kind
        self.path = path
        self.message = message
    }

    /// One line without control characters: the path and the message.
    public var description: String {
        let line = path.map { "\($0): \(message)" } ?? message
        return String(String.UnicodeScalarView(line.unicodeScalars.map { isControl($0) ? "?" : $0 }))
    }
}

/// What is wrong inside of a package and what was expected; `refusing` turns it into an error that names the package.
struct Refusal: Error {
    let reason: String

    init(_ reason: String) {
        self.reason = reason
    }
}

/// Runs `body` and turns each `Refusal`, and each file that the system does not read, into an error naming `path`.
func refusing<Result>(
    _ path: String, _ kind: FrameGenerationError.Kind = .package, _ body: () throws -> Result
) throws -> Result {
    do {
        return try body()
    } catch let refusal as Refusal {
        let advice: [FrameGenerationError.Kind: String] = [
            .package: "; pack or download the avatar again", .model: "; export it again",
        ]
        throw FrameGenerationError(kind, refusal.reason + (advice[kind] ?? ""), path: path)
    } catch let error as SystemError {
        throw FrameGenerationError(kind, "cannot be read (\(error.reason)); check the file's rights", path: path)
    }
}

/// Something from a package, quoted for a message: one line of ASCII, at most 200 characters.
func shown(_ text: String) -> String {
    var quoted = "'"
    for scalar in text.unicodeScalars.prefix(201) {
        switch scalar {
        case "'", "\\": quoted += "\\\(scalar)"
        case " "..."~": quoted.unicodeScalars.append(scalar)
        default: quoted += "\\u{" + String(scalar.value, radix: 16) + "}"
        }
    }
    return quoted.count <= 200 ? quoted + "'" : quoted.prefix(200) + "..."
}

/// Whether a character may not stand in a line that is printed: control characters and line separators.
func isControl(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .lineSeparator, .paragraphSeparator, .surrogate: true
    default: false
    }
}
