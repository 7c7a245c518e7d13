/// Whether a node is so much slower than the others that it is passed over.
///
/// Chunk times are measured in units of what the type's chunks usually take, so that nodes with different work compare. A
/// node that is passed over is tried after a second with a chunk that nobody waits for; if it is still slow, after 2,
/// 4 … 32 seconds.
public struct Slowness: Sendable {
    /// Chunk time against the type's median, smoothed, when the last chunk was judged; nil before the first.
    public private(set) var ratio: Double?
    private var judged: UInt64 = 0
    /// Whether the node is passed over: until a trial shows that it is slow no longer.
    public private(set) var isPassedOver = false
    /// When a node that is passed over is to be tried, in monotonic nanoseconds.
    public private(set) var trialDue: UInt64 = 0
    private var backoff: UInt64 = Slowness.firstBackoff
    private var samples = 0

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
        if isPassedOver { return }
        let slow = Self.bound(others: others, factor: factor)
        let times = isOvertaken ? max(times, 1.5 * slow) : times
        let known = self.ratio(now: now)
        judged = now
        // One stall is no slow node: bounded like this, one sample alone does not pass the bound, and two in a row do.
        let bounded = min(times, 2 * slow)
        ratio = known.map { $0 + 0.3 * (bounded - $0) } ?? bounded
        samples += 1
        if samples >= Self.enough, let ratio, ratio > slow { passOver(now: now) }
    }

    /// A node that is passed over was tried.
    ///
    /// - Parameter times: as for a chunk that is waited for; nil: the result did not come.
    public mutating func tried(_ times: Double?, others: Double, factor: Double, now: UInt64) {
        guard let times, times <= Self.bound(others: others, factor: factor) else { return passOver(now: now) }
        self = Slowness()
        ratio = times
        judged = now
        samples = 1
    }

    /// The node could not be tried, and nothing was learnt.
    public mutating func postponeTrial(now: UInt64) { trialDue = now &+ Self.firstBackoff }

    /// What counts as slow.
    static func bound(others: Double, factor: Double) -> Double { factor * max(others, 1) }

    private mutating func passOver(now: UInt64) {
        isPassedOver = true
        trialDue = now &+ backoff
        backoff = min(backoff * 2, Self.longestBackoff)
    }
}
