/// How long to wait before what failed is tried again: 0.1 s after the first failure, twice as long after each further
/// one, at most 10 s; nothing after a success.
struct BackOff {
    private var failures = 0
    /// Nanoseconds of the monotonic clock before which nothing is tried.
    private(set) var notBefore: Int64 = 0

    /// Failures since the last success.
    var count: Int { failures }

    mutating func failed(now: Int64) {
        failures += 1
        notBefore = now + min(100_000_000 << min(failures - 1, 20), 10_000_000_000)
    }

    mutating func succeeded() {
        failures = 0
        notBefore = 0
    }

    func mayTry(now: Int64) -> Bool { now >= notBefore }
}
