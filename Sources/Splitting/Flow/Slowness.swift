/// Whether a node is so much slower than the others that it is passed over.
///
/// Chunk times are measured in units of what the type's chunks usually take, so that nodes with different work compare. A
/// node that is passed over is tried again with one chunk after a second; if it is still slow, after 2, 4 … 32 seconds.
public struct Slowness: Sendable {
    /// Chunk time against the type's median, smoothed, when the last chunk was judged; nil before the first.
    public private(set) var ratio: Double?
    private var judged: UInt64 = 0
    /// Until when the node is passed over, in monotonic nanoseconds.
    public private(set) var passedOverUntil: UInt64 = 0
    private var backoff: UInt64 = Slowness.firstBackoff
    private var samples = 0
    private var onTrial = false

    /// What is known ages: a node that looks slow gets less to do, and would else never show that it is not slow any more.
    static var halfLife: UInt64 { 4_000_000_000 }
    static var firstBackoff: UInt64 { 1_000_000_000 }
    static var longestBackoff: UInt64 { 32_000_000_000 }
    /// Chunks that a judgement rests on.
    static var enough: Int { 4 }

    /// Nothing is known yet.
    public init() {}

    /// What is left of ``ratio``: its distance from 1 is halved every 4 seconds.
    public func ratio(now: UInt64) -> Double? {
        guard let ratio else { return nil }
        let halvings = min((max(now, judged) - judged) / Self.halfLife, 32)
        return 1 + (ratio - 1) / Double(1 << halvings)
    }

    /// Whether the node gets no chunks now.
    public func isPassedOver(now: UInt64) -> Bool { now < passedOverUntil }

    /// Whether the node is being tried again and gets one chunk at a time.
    public var isOnTrial: Bool { onTrial }

    /// A chunk took so many times what its type usually takes.
    ///
    /// A node that was overtaken is slow, though nobody waited for how slow: its chunk counts as half as slow again as
    /// is allowed, so that three in a row have the node passed over, and one by chance does not.
    ///
    /// - Parameters:
    ///   - times: 0 or more.
    ///   - isOvertaken: whether another node was asked later and was quicker: `times` is only the least it took.
    ///   - others: what the others' chunks take, in the same unit: the median of their ratios.
    ///   - factor: `slow_factor`.
    public mutating func record(
        _ times: Double, isOvertaken: Bool = false, others: Double, factor: Double, now: UInt64
    ) {
        if isPassedOver(now: now) { return }
        let slow = factor * max(others, 1)
        let times = isOvertaken ? max(times, 1.5 * slow) : times
        let known = self.ratio(now: now)
        judged = now
        if onTrial {
            if times > slow {
                passOver(now: now)
            } else {
                self = Slowness()
                ratio = times
                judged = now
                samples = 1
            }
            return
        }
        // One stall is no slow node: bounded like this, one sample alone does not pass the bound, and two in a row do.
        let bounded = min(times, 2 * slow)
        ratio = known.map { $0 + 0.3 * (bounded - $0) } ?? bounded
        samples += 1
        if samples >= Self.enough, let ratio, ratio > slow { passOver(now: now) }
    }

    private mutating func passOver(now: UInt64) {
        passedOverUntil = now &+ backoff
        backoff = min(backoff * 2, Self.longestBackoff)
        onTrial = true
    }
}
