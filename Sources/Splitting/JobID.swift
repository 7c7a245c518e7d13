/// Names a job among all load balancers and all their starts.
public struct JobID: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// Drawn at random when the load balancer starts.
    public var origin: UInt64
    /// Counts the jobs of that start, from 1.
    public var number: UInt64

    /// Both parts.
    public init(origin: UInt64, number: UInt64) {
        self.origin = origin
        self.number = number
    }

    /// By origin, then by number.
    public static func < (a: JobID, b: JobID) -> Bool { (a.origin, a.number) < (b.origin, b.number) }

    /// The parts in hexadecimal and decimal: `9f3c6b0a11d2e47f-1024`.
    public var description: String {
        let digits = String(origin, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits + "-\(number)"
    }
}
