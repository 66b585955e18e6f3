import Dispatch

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Threads that work for everybody, the most urgent work first. Swift's own threads stay free to wait for them.
final class Workers: Sendable {
    fileprivate let queue = WorkQueue()
    /// How many threads there are.
    let count: Int

    init(_ count: Int) {
        self.count = count
        for _ in 0..<count { startThread(queue) }
    }

    deinit {
        queue.close()
    }

    /// Runs `work` in one of the threads; of all that waits, what has the earliest deadline first.
    func run<Result: Sendable>(
        before deadline: Double = .infinity, _ work: @escaping @Sendable () throws -> Result
    ) async throws -> Result {
        try await withCheckedThrowingContinuation { continuation in
            queue.add(deadline) { continuation.resume(with: Swift.Result(catching: work)) }
        }
    }
}

extension Workers {
    /// What `body` gives for 0 to `count - 1`, made by all threads; waits for it without being `async`.
    ///
    /// progress: called here, with how many are done. Throws the first error; what has not begun by then never does.
    func map<Result: Sendable>(
        _ count: Int, progress: ((Int, Int) -> Void)?, _ body: @escaping @Sendable (Int) throws -> Result
    ) throws -> [Result] {
        let results = Locked<[Int: Result]>([:]), problem = Locked<(any Error)?>(nil)
        let done = DispatchSemaphore(value: 0)
        for index in 0..<count {
            queue.add(Double(index)) {
                defer { done.signal() }
                guard problem.withLock({ $0 == nil }) else { return }
                do {
                    let result = try body(index)
                    results.withLock { $0[index] = result }
                } catch {
                    problem.withLock { $0 = $0 ?? error }
                }
            }
        }
        for finished in 0..<count {
            done.wait()
            if problem.withLock({ $0 == nil }) { progress?(finished + 1, count) }
        }
        if let error = problem.withLock({ $0 }) { throw error }
        return results.withLock { results in results.sorted { $0.key < $1.key }.map(\.value) }
    }

    /// What `body` gives for each of `names`, by name; otherwise as `map`.
    func map<Result: Sendable>(
        _ names: [String], _ body: @escaping @Sendable (String) throws -> Result
    ) throws -> [String: Result] {
        Dictionary(uniqueKeysWithValues: zip(names, try map(names.count, progress: nil) { try body(names[$0]) }))
    }
}

/// Work that waits for a thread, by its deadline and then in the order in which it came.
private final class WorkQueue: @unchecked Sendable {
    private let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let changed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var waiting: [(deadline: Double, work: @Sendable () -> Void)] = []  // the most urgent one last
    private var closed = false

    init() {
        pthread_mutex_init(lock, nil)
        pthread_cond_init(changed, nil)
    }

    deinit {
        pthread_cond_destroy(changed)
        pthread_mutex_destroy(lock)
        changed.deallocate()
        lock.deallocate()
    }

    func add(_ deadline: Double, _ work: @escaping @Sendable () -> Void) {
        pthread_mutex_lock(lock)
        let place = waiting.firstIndex { $0.deadline <= deadline } ?? waiting.count
        waiting.insert((deadline, work), at: place)
        pthread_cond_signal(changed)
        pthread_mutex_unlock(lock)
    }

    func close() {
        pthread_mutex_lock(lock)
        closed = true
        pthread_cond_broadcast(changed)
        pthread_mutex_unlock(lock)
    }

    /// The next work, or nil once the queue is closed and empty.
    func next() -> (@Sendable () -> Void)? {
        pthread_mutex_lock(lock)
        defer { pthread_mutex_unlock(lock) }
        while waiting.isEmpty && !closed { pthread_cond_wait(changed, lock) }
        return waiting.popLast()?.work
    }
}

private func startThread(_ queue: WorkQueue) {
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    pthread_attr_setstacksize(&attributes, 8 << 20)  // Apple's usual one is small for a network
    defer { pthread_attr_destroy(&attributes) }
    let argument = Unmanaged.passRetained(queue).toOpaque()
    #if canImport(Darwin)
        var thread: pthread_t?
        let failed = pthread_create(&thread, &attributes, { work($0) }, argument)
    #else
        var thread = pthread_t()
        let failed = pthread_create(&thread, &attributes, { work($0!) }, argument)
    #endif
    precondition(failed == 0, "the system gives no thread")
}

private func work(_ argument: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? {
    let queue = Unmanaged<WorkQueue>.fromOpaque(argument).takeRetainedValue()
    while let work = queue.next() { work() }
    return nil
}
