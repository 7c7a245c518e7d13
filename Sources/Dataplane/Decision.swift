import Tracking
import Wire

/// Where a packet goes, and why.
@frozen
public struct Decision: Sendable {
    /// The one outcome the packet is counted under; with a verdict to park it, that of a later decision counts.
    public var outcome: Outcome
    /// What the kernel is told.
    public var verdict: Verdict
    /// Index of the service in the snapshot, or -1.
    public var service: Int32 = -1
    /// Index of the pool in the snapshot, or -1.
    public var pool: Int32 = -1
    /// Shard of the pool's table, 0 ..< size; meaningful when `pool` is not -1.
    public var shard: UInt32 = 0
    /// Index of the backend in the snapshot's list of all backends, or -1.
    public var backend: Int32 = -1
    /// Why the packet could not be read; nil when it could.
    public var error: WireError?
    /// Why the packet that a fragment belongs to must not be; nil when it may.
    public var fault: FragmentFault?

    @inlinable
    @_noLocks
    init(_ outcome: Outcome, _ verdict: Verdict) {
        self.outcome = outcome
        self.verdict = verdict
    }
}
