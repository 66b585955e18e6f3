import CDigest

/// The SHA-256 (FIPS 180-4) of `data` in lower-case hexadecimal.
func sha256(_ data: [UInt8]) -> String {
    var state: [UInt32] = [
        0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19,
    ]
    let whole = data.count / 64 * 64
    var tail = Array(data[whole...]) + [0x80]
    tail += [UInt8](repeating: 0, count: (120 - tail.count) % 64)
    tail += (0..<8).map { UInt8(truncatingIfNeeded: (UInt64(data.count) * 8) >> (56 - 8 * $0)) }
    state.withUnsafeMutableBufferPointer { state in
        data.withUnsafeBufferPointer { digestBlocks(UnsafeBufferPointer(rebasing: $0[..<whole]), into: state) }
        tail.withUnsafeBufferPointer { digestBlocks($0, into: state) }
    }
    let digits = Array("0123456789abcdef".utf8)
    let bytes = state.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> (24 - 8 * UInt32($0))) } }
    return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
}

/// The CRC-32 that PNG has (ISO 3309).
func crc32(_ data: [UInt8]) -> UInt32 {
    ~data.reduce(0xFFFF_FFFF as UInt32) { crc, byte in
        (0..<8).reduce(crc ^ UInt32(byte)) { value, _ in value & 1 == 1 ? value >> 1 ^ 0xEDB8_8320 : value >> 1 }
    }
}

private func digestBlocks(_ data: UnsafeBufferPointer<UInt8>, into state: UnsafeMutableBufferPointer<UInt32>) {
    guard sha256_blocks(state.baseAddress!, data.baseAddress!, data.count / 64) == 0 else { return }
    withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 64) { words in
        withUnsafeBytes(of: sha256_constants) { bytes in
            let constants = bytes.bindMemory(to: UInt32.self)
            for start in stride(from: 0, to: data.count, by: 64) {
                for index in 0..<16 {
                    let at = start &+ 4 &* index
                    words[index] =
                        UInt32(data[at]) << 24 | UInt32(data[at &+ 1]) << 16
                        | UInt32(data[at &+ 2]) << 8 | UInt32(data[at &+ 3])
                }
                for index in 16..<64 {
                    let early = words[index &- 15], late = words[index &- 2]
                    let s0 = rotated(early, 7) ^ rotated(early, 18) ^ early >> 3
                    let s1 = rotated(late, 17) ^ rotated(late, 19) ^ late >> 10
                    words[index] = words[index &- 16] &+ s0 &+ words[index &- 7] &+ s1
                }
                var (a, b, c, d) = (state[0], state[1], state[2], state[3])
                var (e, f, g, h) = (state[4], state[5], state[6], state[7])
                for index in 0..<64 {
                    let s1 = rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25)
                    let first = h &+ s1 &+ (e & f ^ ~e & g) &+ constants[index] &+ words[index]
                    let s0 = rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22)
                    let second = s0 &+ (a & b ^ a & c ^ b & c)
                    (h, g, f, e, d, c, b, a) = (g, f, e, d &+ first, c, b, a, first &+ second)
                }
                for (index, value) in [a, b, c, d, e, f, g, h].enumerated() { state[index] &+= value }
            }
        }
    }
}

@inline(__always)
private func rotated(_ value: UInt32, _ count: UInt32) -> UInt32 {
    value &>> count | value &<< (32 &- count)
}
