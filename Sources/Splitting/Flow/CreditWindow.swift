/// How many chunks a node may have at once: additive increase, multiplicative decrease (Chiu, Jain 1989; RFC 5681).
///
/// A chunk that is done within its target adds 1 ÷ window, so a window's worth of them adds one chunk. One that took
/// longer takes 3/10 of the window away, a lost one half of it, and both at most once for all chunks that were under way
/// together. A window that was not used to the half does not grow: nothing was learnt.
public struct CreditWindow: Sendable {
    /// The bound above.
    public let maximum: Int
    /// The window, in chunks; 1 … ``maximum``.
    public private(set) var window: Double
    /// Chunks that were sent and are neither done nor given up.
    public private(set) var inFlight = 0
    private var decreased: UInt64 = 0

    /// A window of `initial` chunks.
    public init(initial: Int, maximum: Int) {
        precondition(initial >= 1 && maximum >= initial)
        self.maximum = maximum
        window = Double(initial)
    }

    /// Chunks that may be sent now.
    public var free: Int { max(Int(window) - inFlight, 0) }

    /// A chunk was sent.
    public mutating func sent() { inFlight += 1 }

    /// A chunk is no longer waited for, and nothing was learnt by it.
    public mutating func released() { inFlight = max(inFlight - 1, 0) }

    /// A chunk is done.
    ///
    /// - Parameters:
    ///   - sent: when it was sent, in monotonic nanoseconds.
    ///   - took: nanoseconds until its result was there.
    ///   - target: nanoseconds that it should have taken at most.
    ///   - now: in monotonic nanoseconds.
    public mutating func completed(sent: UInt64, took: UInt64, target: UInt64, now: UInt64) {
        let used = Double(inFlight) * 2 >= window
        released()
        if took > target {
            shrink(to: 0.7, sent: sent, now: now)
        } else if used {
            window = min(window + 1 / window, Double(maximum))
        }
    }

    /// A chunk's result did not come.
    public mutating func lost(sent: UInt64, now: UInt64) {
        released()
        shrink(to: 0.5, sent: sent, now: now)
    }

    /// The node said that it is full.
    public mutating func refused(sent: UInt64, now: UInt64) { lost(sent: sent, now: now) }

    private mutating func shrink(to share: Double, sent: UInt64, now: UInt64) {
        if sent < decreased { return }
        window = max(window * share, 1)
        decreased = now
    }
}
