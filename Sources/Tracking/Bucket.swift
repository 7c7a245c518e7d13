import Synchronization

/// A key of fixed size that a table can hold.
protocol TableKey: BitwiseCopyable, Equatable, Sendable {
    /// The keyed hash of the key.
    func digest(_ hash: borrowing KeyedHash) -> UInt64
}

/// One place of the table: a main bucket, or an extra one linked to it. 64 bytes with a key of 40: one cache line.
///
/// `lock` is used in main buckets only and guards the whole chain: every field of each bucket in it.
struct Bucket<Key: TableKey>: ~Copyable {
    let lock = SpinLock()
    /// The next bucket of the chain. Written under the lock; sweeps and prefetches peek at it without.
    let next = Atomic<UInt32>(IndexPool.none)
    /// The entry that belongs to this place; always set, also in a vacant bucket. Written and peeked at like `next`.
    let entry: Atomic<UInt32>
    /// 1 while a key is here.
    var occupied: UInt32 = 0
    /// timeReferred + ttl, in nanoseconds: after it the bucket is stale.
    var deadline: Int64 = 0
    var key: Key

    init(entry: UInt32, key: Key) {
        self.entry = Atomic(entry)
        self.key = key
    }

    /// Stale: occupied, and its time is over. Signed, because the times of two workers may cross.
    @inline(__always)
    borrowing func isStale(_ now: Int64) -> Bool {
        now &- deadline > 0
    }
}

/// What is known of one key. It may outlive its bucket: a holder of a reference may still read it when the bucket has
/// been reclaimed for another key, so the bucket is then given another entry from the spares.
struct Entry<State: BitwiseCopyable>: ~Copyable {
    /// Nothing. The thread sanitizer takes a change of `state` for one of the entry's first bytes; they must not be
    /// those of an atomic that others use at the same time.
    private let first: UInt32 = 0
    /// One for the bucket, one for each holder. Grows under the bucket lock only: who holds that lock and reads 1 is
    /// alone with the entry.
    let references = Atomic<UInt16>(1)
    /// Guards `state` against other holders of references.
    let lock = SpinLock()
    /// The main bucket of the chain this entry was last put into.
    let home = Atomic<UInt32>(0)
    var state: State
}

/// Who knows what the states of a table mean: told when an entry leaves its bucket.
protocol EntryOwner<State>: ~Copyable {
    associatedtype State: BitwiseCopyable

    /// `entry` leaves the table. Called under the bucket lock; nobody else touches the state meanwhile.
    borrowing func retire(_ entry: UInt32, state: inout State, worker: UInt32)
}

/// The bucket a key is in.
enum Placement: Equatable {
    /// It was there; its time has not been renewed.
    case found(UInt32)
    /// It is new; the entry's state is what the last user left.
    case inserted(UInt32)
    /// No bucket is free.
    case full
}
