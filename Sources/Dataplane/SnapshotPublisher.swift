import Synchronization

/// Where the control plane puts a new snapshot and the workers find it.
///
/// A worker compares `generation` once a batch: one atomic load. Only when it changed does it take the lock.
public final class SnapshotPublisher: Sendable {
    private let latest: Mutex<Snapshot>
    private let published: Atomic<UInt64>

    /// Begins with the given snapshot.
    public init(_ snapshot: Snapshot) {
        latest = Mutex(snapshot)
        published = Atomic(snapshot.generation)
    }

    /// The generation of the newest snapshot.
    public var generation: UInt64 { published.load(ordering: .acquiring) }

    /// The newest snapshot.
    public var snapshot: Snapshot { latest.withLock { $0 } }

    /// Puts a new snapshot in place. Workers take it up at their next batch.
    public func publish(_ snapshot: Snapshot) {
        latest.withLock { $0 = snapshot }
        published.store(snapshot.generation, ordering: .releasing)
    }
}
