import Synchronization

/// A key of fixed size that a table can hold.
@usableFromInline
protocol TableKey: BitwiseCopyable, Equatable, Sendable {
    /// The keyed hash of the key.
    func digest(_ hash: borrowing KeyedHash) -> UInt64
}

/// What a bucket says of its key by itself, as its owner likes.
struct Note: BitwiseCopyable, Equatable {
    var word: UInt64 = 0
    var half: UInt32 = 0
}

/// One place of the table: a main bucket, or an extra one linked to it. 64 bytes with a key of 38: one cache line.
///
/// `lock` is used in main buckets only and guards the whole chain: every field of each bucket in it.
struct Bucket<Key: TableKey>: ~Copyable {
    // First, because the thread sanitizer takes a change of any field for one of the first bytes; they must not be those
    // of an atomic that others use at the same time.
    private(set) var key: Key
    let lock = SpinLock()
    private var use: UInt8 = 0
    /// The next bucket of the chain. Written under the lock; sweeps and prefetches peek at it without.
    let next = Atomic<UInt32>(IndexPool.none)
    // Half of the note, or the number of the entry.
    private var half: UInt32 = 0
    /// timeReferred + ttl, in nanoseconds: after it the bucket is stale.
    var deadline: Int64 = 0
    private var word: UInt64 = 0

    private static var vacant: UInt8 { 0 }
    private static var noted: UInt8 { 1 }
    private static var entered: UInt8 { 2 }

    init(key: Key) { self.key = key }

    /// Whether a key is here.
    var isOccupied: Bool {
        @inline(__always) get { use != Self.vacant }
    }

    /// Whether a key is here of which the note says all.
    var isNoted: Bool {
        @inline(__always) get { use == Self.noted }
    }

    /// Whether a key is here of which an entry says more.
    var isEntered: Bool {
        @inline(__always) get { use == Self.entered }
    }

    /// What there is to say of the key, unless an entry says it.
    var note: Note {
        @inline(__always) get { Note(word: word, half: half) }
        @inline(__always) set {
            word = newValue.word
            half = newValue.half
        }
    }

    /// The entry that says more.
    var entry: UInt32 {
        @inline(__always) get { half }
    }

    /// A key moves in.
    @inline(__always)
    mutating func begin(_ key: Key, _ note: Note, deadline: Int64) {
        self.key = key
        self.note = note
        self.deadline = deadline
        use = Self.noted
    }

    /// From now on an entry says what is known of the key.
    @inline(__always)
    mutating func enter(_ entry: UInt32) {
        half = entry
        use = Self.entered
    }

    @inline(__always)
    mutating func vacate() { use = Self.vacant }

    /// Takes the key, and all that is known of it, out of another bucket.
    mutating func move(from other: Cell<Bucket>) {
        key = other.its.key
        use = other.its.use
        half = other.its.half
        deadline = other.its.deadline
        word = other.its.word
        other.its.vacate()
    }

    /// Stale: occupied, and its time is over. Signed, because the times of two workers may cross.
    @inline(__always)
    borrowing func isStale(_ now: Int64) -> Bool {
        now &- deadline > 0
    }
}

/// What is known of a key that a note cannot say, or that somebody wants to read for longer than one call. It may outlive
/// its bucket: a holder of a reference may still read it when the bucket has been reclaimed for another key.
struct Entry<State: BitwiseCopyable>: ~Copyable {
    /// Nothing. The thread sanitizer takes a change of `state` for one of the entry's first bytes; they must not be
    /// those of an atomic that others use at the same time.
    private let first: UInt8 = 0
    /// Guards `state` against other holders of references.
    let lock = SpinLock()
    /// One for the bucket, one for each holder. Grows under the bucket lock only: who holds that lock and reads 1 is
    /// alone with the entry.
    let references = Atomic<UInt16>(1)
    /// The main bucket of the chain this entry was last put into.
    let home = Atomic<UInt32>(0)
    var state: State
}

/// The state of entries that are never used.
struct NoState: BitwiseCopyable {}

/// Who knows what the notes and states of a table mean: told when a key leaves it.
protocol EntryOwner<Key, State>: ~Copyable {
    associatedtype Key: TableKey
    associatedtype State: BitwiseCopyable

    /// `key`, of which the note said all, leaves the table. Called under the bucket lock.
    borrowing func retire(_ note: Note, of key: Key, worker: UInt32)

    /// `entry` leaves the table. Called under the bucket lock; nobody else touches the state meanwhile.
    borrowing func retire(_ entry: UInt32, state: inout State, worker: UInt32)

    /// A key that had a note is given an entry, which must say the same: `state` is what the last user left. Called under
    /// the bucket lock.
    borrowing func unfold(_ note: Note, of key: Key, deadline: Int64, into state: inout State)
}

extension EntryOwner where Self: ~Copyable, State == NoState {
    borrowing func retire(_ entry: UInt32, state: inout NoState, worker: UInt32) {}
    borrowing func unfold(_ note: Note, of key: Key, deadline: Int64, into state: inout NoState) {}
}

/// The bucket a key is in.
enum Placement: Equatable {
    /// It was there; its time has not been renewed.
    case found(UInt32)
    /// It is new, and has the note it was given.
    case inserted(UInt32)
    /// No bucket is free.
    case full
}
