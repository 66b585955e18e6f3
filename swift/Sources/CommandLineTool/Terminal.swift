import FrameGeneration

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#endif

/// The folder that this program lies in.
func executableFolder() -> String {
    var path = [CChar](repeating: 0, count: 4096)
    #if canImport(Darwin)
        var size = UInt32(path.count)
        guard _NSGetExecutablePath(&path, &size) == 0 else { return "." }
    #else
        guard readlink("/proc/self/exe", &path, path.count - 1) > 0 else { return "." }
    #endif
    let whole = String(decoding: path.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    return whole.lastIndex(of: "/").map { String(whole[..<$0]) } ?? "."
}

/// One line without control characters: what a package says may be anything.
func oneLine(_ text: String) -> String {
    String(
        String.UnicodeScalarView(
            text.unicodeScalars.map { $0.properties.generalCategory == .control ? " " : $0 }))
}

/// Writes to standard error at once.
func printError(_ line: String, end: String = "\n") {
    let bytes = Array((line + end).utf8)
    _ = write(2, bytes, bytes.count)
}

/// How far the work is, in one line of a terminal.
enum ProgressLine {
    static let show: @Sendable (Int, Int) -> Void = { done, total in
        guard isatty(2) != 0 else { return }
        printError("\r\(done)/\(total) frames", end: done == total ? "\n" : "")
    }
}

/// When the first frame came, and how many there are.
final class FirstTime: @unchecked Sendable {  // noted by one task after the other
    private(set) var seconds = 0.0
    private(set) var total = 0

    func note(_ total: Int) {
        if seconds == 0 { seconds = monotonicSeconds() }
        self.total = total
    }
}

/// The most memory that this process ever held, in bytes.
func peakMemory() -> Int {
    var usage = rusage()
    #if canImport(Darwin)
        getrusage(RUSAGE_SELF, &usage)
        return usage.ru_maxrss
    #else
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return usage.ru_maxrss << 10
    #endif
}

/// A number with so many digits after the point.
func rounded(_ value: Double, _ digits: Int) -> String {
    let scale = (0..<digits).reduce(1) { product, _ in product * 10 }
    let number = Int((value * Double(scale)).rounded())
    let fraction = String(number % scale)
    return "\(number / scale)." + String(repeating: "0", count: digits - fraction.count) + fraction
}
