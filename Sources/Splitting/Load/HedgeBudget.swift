/// Bounds extra work to a share of the work that is asked for: a token bucket whose tokens are thousandths of a chunk.
public struct HedgeBudget: Sendable {
    /// What may be saved up, in thousandths of a chunk.
    public let burst: UInt64
    /// What is there, in thousandths of a chunk.
    public private(set) var tokens: UInt64 = 0
    /// Chunks that were worked on a second time within the budget.
    public private(set) var spent: UInt64 = 0
    /// Chunks for which nothing was left.
    public private(set) var denied: UInt64 = 0

    /// An empty bucket: what was not asked for cannot be added to.
    ///
    /// - Parameter burst: chunks that may be saved up, 1 or more.
    public init(burst: Int) { self.burst = UInt64(max(burst, 1)) * 1000 }

    /// Work was asked for.
    ///
    /// - Parameters:
    ///   - chunks: so many chunks.
    ///   - share: thousandths of them that may be added; at most 1000.
    public mutating func earn(chunks: Int, share: UInt16) {
        tokens = min(tokens + UInt64(chunks) * UInt64(min(share, 1000)), burst)
    }

    /// Takes out one chunk, if there is as much.
    public mutating func spend() -> Bool {
        guard tokens >= 1000 else {
            denied += 1
            return false
        }
        tokens -= 1000
        spent += 1
        return true
    }
}
