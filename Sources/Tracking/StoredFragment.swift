import Synchronization

/// The record of one parked fragment. It belongs to its packet's entry, under the bucket lock, until the packet is
/// released or dropped; then to the worker on whose list it waits for the caller.
///
/// A record may instead be lent to a packet for its holes; then nobody has a name for it. 64 bytes: one cache line.
struct StoredFragment: ~Copyable {
    /// The caller's name for the fragment.
    let token = Atomic<UInt64>(0)
    /// How often the record was used, times 4, plus a phase.
    let phase = Atomic<UInt32>(0)
    var next = IndexPool.none
    var offset: UInt16 = 0
    var fault: UInt8 = 0
    var decision: UInt64 = 0
    var parkedAt: Int64 = 0
    /// Holes of the packet the record is lent to.
    var holes = InlineArray<6, HoleList.Hole>(repeating: .none)

    /// How many of them.
    static var holesHeld: Int { 6 }

    static var vacant: UInt32 { 0 }
    /// Parked, and the token has not come back yet.
    static var awaited: UInt32 { 1 }
    static var confirming: UInt32 { 2 }
    static var confirmed: UInt32 { 3 }

    var isConfirmed: Bool { phase.load(ordering: .acquiring) & 3 == Self.confirmed }
    var use: UInt32 { phase.load(ordering: .relaxed) >> 2 }

    /// Begins a use of the record.
    mutating func begin(token given: UInt64?, offset: Int, now: Int64) {
        let use = self.use
        self.offset = UInt16(truncatingIfNeeded: offset)
        parkedAt = now
        next = IndexPool.none
        if let given { token.store(given, ordering: .relaxed) }
        phase.store(use << 2 | (given == nil ? Self.awaited : Self.confirmed), ordering: .releasing)
    }

    /// Ends it; a name from this use is then no longer valid.
    mutating func end() {
        phase.store((use &+ 1) << 2 | Self.vacant, ordering: .releasing)
    }

    /// The token has come back: may be told by another thread than the one that releases.
    borrowing func confirm(_ name: ParkedFragment, token given: UInt64) -> Bool {
        let use = self.use
        guard ParkedFragment(record: name.record, use: use) == name else { return false }
        let awaited = use << 2 | Self.awaited
        let (won, _) = phase.compareExchange(
            expected: awaited, desired: use << 2 | Self.confirming, ordering: .acquiringAndReleasing)
        guard won else { return false }
        token.store(given, ordering: .relaxed)
        phase.store(use << 2 | Self.confirmed, ordering: .releasing)
        return true
    }
}

/// A worker's own part of a fragment tracker: the two lists for its caller, and its counters.
struct FragmentWorker: ~Copyable {
    var releasedHead = IndexPool.none
    var releasedTail = IndexPool.none
    var droppedHead = IndexPool.none
    var droppedTail = IndexPool.none
    let lookups = Counter()
    let rejected = Counter()
    let stored = Counter()
    let released = Counter()
    let discarded = Counter()
    let lost = Counter()
    let duplicates = Counter()
    let reassembled = Counter()
    let evicted = Counter()
    /// Records lent for holes, less those taken back: only the sum over the workers means something.
    let lent = Counter()
    let faults = FaultCounters()
    private let padding = InlineArray<15, UInt64>(repeating: 0)
}

/// One counter for each way a packet can fail.
struct FaultCounters: ~Copyable {
    private let counters = InlineArray<16, Counter> { _ in Counter() }

    @inline(__always)
    borrowing func add(_ fault: FragmentFault) { counters[Int(fault.rawValue)].add() }

    borrowing func total(_ fault: FragmentFault) -> UInt64 { counters[Int(fault.rawValue)].total }
}
