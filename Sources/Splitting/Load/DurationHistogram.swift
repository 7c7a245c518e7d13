/// Counts durations in buckets that grow by a factor of 2, for metrics: fixed memory, no decay.
public struct DurationHistogram: Equatable, Sendable {
    /// Upper bounds of the buckets in microseconds: 64 µs, 128 µs … 67 s; what is longer is in one more bucket.
    public static let bounds: [UInt64] = (6...26).map { 1 << $0 }

    /// Durations in each bucket (not cumulated); one more than there are bounds.
    public private(set) var counts = [UInt64](repeating: 0, count: bounds.count + 1)
    /// Of all durations, in microseconds.
    public private(set) var sum: UInt64 = 0

    /// An empty histogram.
    public init() {}

    /// How many durations were counted.
    public var count: UInt64 { counts.reduce(0, +) }

    /// Counts a duration in microseconds.
    public mutating func record(_ microseconds: UInt64) {
        let exponent = microseconds <= 64 ? 6 : UInt64.bitWidth - (microseconds - 1).leadingZeroBitCount
        counts[min(exponent - 6, Self.bounds.count)] += 1
        sum &+= microseconds
    }
}
