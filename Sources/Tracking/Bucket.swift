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
    /// What the owner must know to retire a plain bucket.
    private(set) var note: UInt16 = 0
    /// The next bucket of the chain. Written under the lock; sweeps and prefetches peek at it without.
    let next = Atomic<UInt32>(IndexPool.none)
    /// The entry that belongs to this place; always set, also in a vacant bucket. Written and peeked at like `next`.
    let entry: Atomic<UInt32>
    /// 1 while a key is here.
    var occupied: UInt8 = 0
    /// 1 while the note says all there is to say at the end: nobody has held the entry since the key came, and the
    /// owner wants nothing of its state. Such a bucket is reclaimed without its entry, whose line another worker may
    /// have, or nobody.
    private(set) var plain: UInt8 = 0
    /// timeReferred + ttl, in nanoseconds: after it the bucket is stale.
    var deadline: Int64 = 0
    var key: Key

    init(entry: UInt32, key: Key) {
        self.entry = Atomic(entry)
        self.key = key
    }

    /// From now on the owner needs the note alone, until somebody calls `complicate`.
    @inline(__always)
    mutating func simplify(_ note: UInt16) {
        self.note = note
        plain = 1
    }

    /// The note changes; what is not plain does not become so.
    @inline(__always)
    mutating func renote(_ note: UInt16) { self.note = note }

    /// From now on the entry must be looked at when the bucket is reclaimed.
    @inline(__always)
    mutating func complicate() { plain = 0 }

    /// Takes the key and what belongs to it from another bucket.
    mutating func move(from other: borrowing Bucket) {
        key = other.key
        deadline = other.deadline
        note = other.note
        plain = other.plain
        occupied = 1
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

    /// The same for a plain bucket's entry, whose state need not be looked at.
    borrowing func retire(noted note: UInt16, worker: UInt32)
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
