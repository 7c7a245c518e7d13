import Glibc

/// Lets one line a second through and counts the others, for events that can come with every packet.
///
/// A value belongs to one thread.
public struct LogLimit {
    private var second: Int = .min
    private var suppressed = 0

    /// A limit that has let nothing through yet.
    public init() {}

    /// Whether a line may be written now; if so, how many were held back since the last one.
    ///
    /// - Returns: nil when this second's line is written already.
    public mutating func admit() -> Int? {
        var now = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC_COARSE, &now)
        guard now.tv_sec != second else {
            suppressed += 1
            return nil
        }
        second = now.tv_sec
        defer { suppressed = 0 }
        return suppressed
    }
}
