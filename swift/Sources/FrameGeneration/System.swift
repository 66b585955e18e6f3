#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// What the operating system refused.
struct SystemError: Error {
    let reason: String

    init(_ code: Int32 = errno) {
        reason = String(cString: strerror(code))
    }
}

/// A file that is open for reading. Any number of threads may read at offsets.
final class ReadableFile: Sendable {
    let size: Int
    private let descriptor: Int32

    /// Opens the regular file `path`. Throws `SystemError`.
    init(_ path: String) throws {
        let opened = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)  // a pipe would wait for somebody who writes
        guard opened >= 0 else { throw SystemError() }
        var found = stat()
        guard fstat(opened, &found) == 0, found.st_mode & S_IFMT == S_IFREG else {
            close(opened)
            throw SystemError(found.st_mode & S_IFMT == S_IFDIR ? EISDIR : EINVAL)
        }
        descriptor = opened
        size = Int(found.st_size)
    }

    deinit {
        close(descriptor)
    }

    /// The `count` bytes from `offset` on, fewer where the file ends. Throws `SystemError`.
    func read(at offset: Int, count: Int) throws -> [UInt8] {
        try [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            takeLargePages(buffer)
            while filled < count {
                let taken = pread(descriptor, buffer.baseAddress! + filled, count - filled, off_t(offset + filled))
                if taken < 0 && errno == EINTR { continue }
                guard taken >= 0 else { throw SystemError() }
                if taken == 0 { break }
                filled += taken
            }
        }
    }
}

/// Asks Linux for large pages for memory that is about to be filled; filling small ones takes longer than reading does.
private func takeLargePages(_ buffer: UnsafeMutableBufferPointer<UInt8>) {
    #if os(Linux)
        let page = 2 << 20  // bytes
        guard buffer.count >= 2 * page, let start = buffer.baseAddress else { return }
        let first = UnsafeMutableRawPointer(start).alignedUp(toMultipleOf: page)
        _ = madvise(first, (buffer.count - page) / page * page, MADV_HUGEPAGE)
    #endif
}

/// The whole content of the regular file `path`. Throws `SystemError`.
func readFile(_ path: String) throws -> [UInt8] {
    let file = try ReadableFile(path)
    return try file.read(at: 0, count: file.size)
}

/// What kind of thing a path names; links are followed unless `follow` is false.
enum PathKind {
    case file, folder, other

    static func of(_ path: String, follow: Bool = true) -> PathKind? {
        var found = stat()
        guard (follow ? stat(path, &found) : lstat(path, &found)) == 0 else { return nil }
        switch found.st_mode & S_IFMT {
        case S_IFREG: return .file
        case S_IFDIR: return .folder
        default: return .other
        }
    }
}

/// The names in a folder, without `.` and `..`, in no order. Throws `SystemError`.
func folderEntries(_ path: String) throws -> [String] {
    guard let folder = opendir(path) else { throw SystemError() }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
            $0.withMemoryRebound(to: CChar.self, capacity: MemoryLayout.size(ofValue: $0.pointee)) {
                String(cString: $0)
            }
        }
        if name != "." && name != ".." { names.append(name) }
    }
    return names
}

/// The value of an environment variable that is set and not empty.
package func environment(_ name: String) -> String? {
    guard let value = getenv(name), value.pointee != 0 else { return nil }
    return String(cString: value)
}

/// Seconds of a clock that only goes on.
package func monotonicSeconds() -> Double {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return Double(now.tv_sec) + Double(now.tv_nsec) / 1e9
}

/// Cores that this process may use.
func availableCores() -> Int {
    #if os(Linux)
        // sched_getaffinity is not to be had from Swift.
        if let status = try? ReadableFile("/proc/self/status").read(at: 0, count: 1 << 14) {
            for line in status.split(separator: UInt8(ascii: "\n")) where line.starts(with: "Cpus_allowed:".utf8) {
                let digits = line.dropFirst(13).compactMap { Character(UnicodeScalar($0)).hexDigitValue }
                return max(digits.reduce(0) { $0 + $1.nonzeroBitCount }, 1)
            }
        }
    #endif
    return max(Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))), 1)
}

/// A path in a folder.
func joined(_ folder: String, _ name: String) -> String {
    folder.hasSuffix("/") ? folder + name : "\(folder)/\(name)"
}

/// What one thread holds at a time. (`Mutex` needs iOS 18.)
final class Lock: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)

    init() {
        pthread_mutex_init(mutex, nil)
    }

    deinit {
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    func lock() {
        pthread_mutex_lock(mutex)
    }

    func unlock() {
        pthread_mutex_unlock(mutex)
    }
}

/// A value that threads share, guarded by a lock.
final class Locked<Value>: @unchecked Sendable {
    private let guarding = Lock()
    private var value: Value

    init(_ value: Value) {
        self.value = value
    }

    func withLock<Result>(_ body: (inout Value) throws -> Result) rethrows -> Result {
        guarding.lock()
        defer { guarding.unlock() }
        return try body(&value)
    }
}
