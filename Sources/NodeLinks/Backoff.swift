/// Pauses between attempts: each at most twice as long as the one before, up to a bound, and drawn at random from the
/// upper half, so that peers that lost the same link do not come back in step.
struct Backoff {
    private let first: Int64
    private let longest: Int64
    private var current: Int64

    init(first: Duration, longest: Duration) {
        self.first = max(1, first.nanoseconds)
        self.longest = max(1, longest.nanoseconds)
        current = min(self.first, self.longest)
    }

    /// The next pause, in nanoseconds.
    mutating func next() -> Int64 {
        defer { current = min(longest, current.multipliedReportingOverflow(by: 2).partialValue) }
        return Int64.random(in: current / 2...current)
    }

    mutating func reset() { current = min(first, longest) }
}
