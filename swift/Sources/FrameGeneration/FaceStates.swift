#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// `Generator.encodeFace` with a memory; what it gives does not depend on what it kept.
///
/// Frames 0, 1, ... up to the budget have a place, each is kept once it was needed, and the others are computed every
/// time. Any number of threads may ask.
final class FaceStates: Sendable {
    private static let mostMemory = 48 << 20  // bytes that are kept at most, when nobody says how many
    private static let shareOfFree = 4  // and never more than this part of what is free

    private let generator: any Generator
    private let places: Int
    private let kept = Locked<[Int: FaceState]>([:])

    /// States for the `frames` frames of a template. budget: bytes; without it a part of the free memory.
    init(_ generator: any Generator, frames: Int, budget: Int?) {
        self.generator = generator
        let bytes = budget ?? min(Self.mostMemory, Self.availableMemory() / Self.shareOfFree)
        places = min(frames, bytes / max(generator.stateSize, 1))
    }

    /// The state of template frame `index`, whose crop is `crop`.
    func encodeFace(_ index: Int, _ crop: Image) throws -> FaceState {
        guard index < places else { return try generator.encodeFace(crop) }
        if let state = kept.withLock({ $0[index] }) { return state }
        let state = try generator.encodeFace(crop)
        kept.withLock { $0[index] = state }
        return state
    }

    /// Bytes of memory that nobody uses, as far as the system tells.
    private static func availableMemory() -> Int {
        #if os(Linux)
            let pages = sysconf(Int32(_SC_AVPHYS_PAGES)), size = sysconf(Int32(_SC_PAGESIZE))
            if pages > 0, size > 0 { return pages * size }
        #endif
        return shareOfFree * mostMemory
    }
}
