#if os(Linux)
    import Glibc

    private let setPipeSize: Int32 = 1031  // F_SETPIPE_SZ

    /// A program that runs beside this one, with a pipe to its input or from its output.
    final class Subprocess: @unchecked Sendable {
        enum Pipe { case toInput, fromOutput }

        private static let starting = Lock()

        private let process: pid_t
        private var descriptor: Int32
        private let errors: Int32  // a file without a name, which takes what it says
        private var status: Int32?

        /// Starts the program `name`, which is looked for in the PATH. Throws `SystemError`.
        init(_ name: String, _ arguments: [String], _ pipe: Pipe) throws {
            signal(SIGPIPE, SIG_IGN)  // a program that ends early is an error to report, not this one's end
            errors = Int32(fileno(tmpfile()))
            var ends: [Int32] = [0, 0]
            Self.starting.lock()  // no other program may inherit the pipe's ends
            defer { Self.starting.unlock() }
            guard Glibc.pipe(&ends) == 0 else { throw SystemError() }
            for end in ends + [errors] { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
            _ = fcntl(ends[0], setPipeSize, 1 << 20)  // what the system allows everybody: a large part of a frame
            let (ours, theirs) = pipe == .toInput ? (ends[1], ends[0]) : (ends[0], ends[1])
            defer { close(theirs) }
            var actions = posix_spawn_file_actions_t()
            posix_spawn_file_actions_init(&actions)
            defer { posix_spawn_file_actions_destroy(&actions) }
            posix_spawn_file_actions_adddup2(&actions, theirs, pipe == .toInput ? 0 : 1)
            posix_spawn_file_actions_addopen(&actions, pipe == .toInput ? 1 : 0, "/dev/null", O_RDWR, 0)
            posix_spawn_file_actions_adddup2(&actions, errors, 2)
            var attributes = posix_spawnattr_t()
            posix_spawnattr_init(&attributes)
            defer { posix_spawnattr_destroy(&attributes) }
            // A group of its own: Ctrl-C is this program's, which then ends the other one. Signals are as usual there.
            var none = sigset_t(), usual = sigset_t()
            sigemptyset(&none)
            sigfillset(&usual)
            posix_spawnattr_setpgroup(&attributes, 0)
            posix_spawnattr_setsigmask(&attributes, &none)
            posix_spawnattr_setsigdefault(&attributes, &usual)
            let flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF
            posix_spawnattr_setflags(&attributes, Int16(flags))
            var words: [UnsafeMutablePointer<CChar>?] = ([name] + arguments).map { strdup($0) } + [nil]
            defer { for word in words { free(word) } }
            var process = pid_t()
            let failed = posix_spawnp(&process, name, &actions, &attributes, &words, environ)
            guard failed == 0 else {
                close(ours)
                close(errors)
                throw SystemError(failed)
            }
            (self.process, descriptor) = (process, ours)
        }

        deinit {
            stop()
            close(errors)
        }

        /// Ends the program where it still runs.
        func stop() {
            closePipe()
            guard status == nil else { return }
            kill(process, SIGKILL)
            var found: Int32 = 0
            waitpid(process, &found, 0)
            status = found
        }

        /// Writes all of `bytes`. Throws `SystemError` where the program has ended.
        func write(_ bytes: [UInt8]) throws {
            try bytes.withUnsafeBytes { bytes in
                var done = 0
                while done < bytes.count {
                    let written = Glibc.write(descriptor, bytes.baseAddress! + done, bytes.count - done)
                    if written < 0 && errno == EINTR { continue }
                    guard written > 0 else { throw SystemError() }
                    done += written
                }
            }
        }

        /// Reads at most `count` bytes; none at the end.
        func read(_ count: Int) throws -> [UInt8] {
            try [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
                repeat {
                    let taken = Glibc.read(descriptor, buffer.baseAddress! + filled, count - filled)
                    if taken < 0 && errno == EINTR { continue }
                    guard taken >= 0 else { throw SystemError() }
                    if taken == 0 { break }
                    filled += taken
                } while filled < count
            }
        }

        private func closePipe() {
            if descriptor >= 0 { close(descriptor) }
            descriptor = -1
        }

        /// Waits for the program's end; gives nil, or the last line that it said where it failed.
        func finish() -> String? {
            closePipe()
            guard status == nil else { return status == 0 ? nil : "it ended early" }
            var found: Int32 = 0
            while waitpid(process, &found, 0) < 0 && errno == EINTR {}
            status = found
            guard found != 0 else { return nil }
            var message = [UInt8](repeating: 0, count: 1 << 14)
            let size = max(Int(lseek(errors, 0, SEEK_END)), 0)
            let taken = max(pread(errors, &message, message.count, off_t(max(size - message.count, 0))), 0)
            let lines = String(decoding: message[..<taken], as: UTF8.self).split(whereSeparator: \.isNewline)
            return lines.last.map { String($0.prefix(200)) } ?? "it ended with status \(found)"
        }
    }

    /// Whether a program is in the PATH.
    func isInstalled(_ name: String) -> Bool {
        (environment("PATH") ?? "").split(separator: ":").contains { access("\($0)/\(name)", X_OK) == 0 }
    }
#endif
