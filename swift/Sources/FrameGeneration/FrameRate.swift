/// Frames a second as a fraction such as 30000/1001.
public struct FrameRate: Sendable, Hashable {
    public let numerator: Int
    public let denominator: Int

    /// The fraction with a denominator up to 1001 that is nearest to `rate`. Throws an error of kind `option` beyond 1
    /// to 240.
    public init(_ rate: Double) throws {
        guard 1...240 ~= rate else {
            throw FrameGenerationError(.option, "impossible frame rate \(rate); give 1 to 240 frames a second")
        }
        // Convergents of the continued fraction, and at the end the best one between the last two.
        var (p0, q0, p1, q1) = (0, 1, 1, 0)
        var rest = rate
        while true {
            let whole = Int(rest), next = q0 + whole * q1
            if next > 1001 {
                let steps = (1001 - q0) / q1
                let (p, q) = (p0 + steps * p1, q0 + steps * q1)
                let nearer = abs(Double(p1) / Double(q1) - rate) <= abs(Double(p) / Double(q) - rate)
                (numerator, denominator) = nearer ? (p1, q1) : (p, q)
                return
            }
            (p0, q0, p1, q1) = (p1, q1, p0 + whole * p1, next)
            let fraction = rest - Double(whole)
            if fraction < 1e-9 {
                (numerator, denominator) = (p1, q1)
                return
            }
            rest = 1 / fraction
        }
    }

    /// How many frames of this rate there are once `made` frames of a speech at `fps` are, rounded up.
    func frames(after made: Int, at fps: Int) -> Int {
        (made * numerator + denominator * fps - 1) / (denominator * fps)
    }
}
