import Synchronization

/// Who holds how much of a pool, and since when: what a quota needs to know to take from the heaviest source its oldest.
///
/// Sources are hashed with the start's secret to 4,096 slots. Each worker counts for itself what it lets in and out, so
/// no counter is shared; only the sum over the workers means something (a worker's own number may be negative, in wrapping
/// arithmetic). Each worker also keeps a ring of what it let in, in that order. A record is not taken out when what it
/// tells of goes; that knows when it was noted, or its place in the ring, so a record that is no longer true is recognised.
struct SourceLedger: ~Copyable {
    static var slotBits: Int { 12 }
    static var slots: Int { 1 << slotBits }

    /// One thing let in.
    struct Record: ~Copyable {
        /// Where it is in the low half, source slot above: of packets the main bucket, of those with parked fragments the
        /// entry.
        let what = Atomic<UInt64>(0)
        let time = Atomic<Int64>(.min)
    }

    /// A worker's own part.
    struct Cell: ~Copyable {
        /// Records ever written; the next goes to head modulo capacity.
        let head = Atomic<UInt32>(0)
        /// The oldest record that the caller has not yet dealt with; for ledgers that are worked off in order.
        let tail = Atomic<UInt32>(0)
        var heavies = InlineArray<16, Heavy>(repeating: Heavy())
        /// Evictions until the heaviest sources are looked for again.
        var fresh: UInt32 = 0
        private let padding = InlineArray<29, UInt32>(repeating: 0)
    }

    /// One of the heaviest sources, and how far the rings have been searched for it: the worker's own ring first, then
    /// those of the others.
    struct Heavy: BitwiseCopyable {
        var slot: UInt16 = 0
        var ring: UInt8 = 0
        var ringsLeft: UInt8 = 0
        var hand: UInt32 = 0
    }

    /// How far a worker has searched a ring for the oldest of strangers, and for the oldest of all.
    struct Hands: BitwiseCopyable {
        var strangers: UInt32 = 0
        var all: UInt32 = 0
    }

    let workers: UInt32
    let capacity: UInt32
    private let counts: Slab<Atomic<UInt32>>
    private let rings: Slab<Record>
    let cells: Slab<Cell>
    /// Each worker's hands in each ring.
    let hands: Slab<Hands>
    /// From what pressure on a source is a flood by itself.
    let share: Int32

    struct Places {
        let counts: RegionPlan.Place<Atomic<UInt32>>
        let rings: RegionPlan.Place<Record>
        let cells: RegionPlan.Place<Cell>
        let hands: RegionPlan.Place<Hands>
        let room: Int
    }

    /// Room for at least `capacity` records a worker, of `room` things that can be let in.
    static func reserve(capacity: Int, room: Int, workers: Int, in plan: inout RegionPlan) -> Places {
        var rounded = 64
        while rounded < capacity { rounded *= 2 }
        return Places(
            counts: plan.reserve(Atomic<UInt32>.self, count: slots * workers),
            rings: plan.reserve(Record.self, count: rounded * workers),
            cells: plan.reserve(Cell.self, count: workers),
            hands: plan.reserve(Hands.self, count: workers * workers), room: room)
    }

    init(_ places: Places, in region: borrowing MappedRegion) {
        workers = UInt32(places.cells.count)
        capacity = UInt32(places.rings.count) / workers
        counts = region.slab(places.counts)
        rings = region.slab(places.rings)
        cells = region.slab(places.cells)
        hands = region.slab(places.hands)
        share = Self.share(of: places.room)
        for index in 0..<counts.count { counts.initialize(index, to: Atomic(0)) }
        for index in 0..<rings.count { rings.initialize(index, to: Record()) }
        for index in 0..<hands.count { hands.initialize(index, to: Hands()) }
        for index in 0..<cells.count { cells.initialize(index, to: Cell()) }
    }

    /// Counts for a source; `amount` may be negative.
    @inline(__always)
    func count(_ slot: UInt16, _ amount: Int32, _ worker: UInt32) {
        let index = worker << UInt32(Self.slotBits) | UInt32(slot)
        let counter = counts.cell(index)
        counter.its.store(counter.its.load(ordering: .relaxed) &+ UInt32(bitPattern: amount), ordering: .relaxed)
    }

    /// What a source holds now.
    func weight(_ slot: UInt16) -> Int32 {
        var sum: UInt32 = 0
        for worker in 0..<workers {
            sum &+= counts[worker << UInt32(Self.slotBits) | UInt32(slot)].load(ordering: .relaxed)
        }
        return Int32(bitPattern: sum)
    }

    /// Notes that something came in, and where it is; gives its place in the worker's ring.
    @inline(__always)
    func append(_ place: UInt32, slot: UInt16, now: Int64, _ worker: UInt32) -> UInt32 {
        let cell = cells.cell(worker)
        let sequence = cell.its.head.load(ordering: .relaxed)
        let record = rings.cell(worker &* capacity &+ (sequence & (capacity &- 1)))
        record.its.what.store(UInt64(place) | UInt64(slot) << 32, ordering: .relaxed)
        record.its.time.store(now, ordering: .relaxed)
        cell.its.head.store(sequence &+ 1, ordering: .relaxed)
        return sequence
    }

    /// The place that the worker's next record will have.
    @inline(__always)
    func next(_ worker: UInt32) -> UInt32 { cells[worker].head.load(ordering: .relaxed) }

    /// The oldest record that is still in a worker's ring.
    func oldest(_ worker: UInt32) -> UInt32 {
        let head = cells[worker].head.load(ordering: .relaxed)
        return head &- min(head, capacity)
    }

    /// How many records were written since `sequence`.
    @inline(__always)
    func distance(_ sequence: UInt32, _ worker: UInt32) -> UInt32 {
        cells[worker].head.load(ordering: .relaxed) &- sequence
    }

    /// When the record that the next one overwrites was made.
    @inline(__always)
    func overwrittenTime(_ worker: UInt32) -> Int64 {
        let head = cells[worker].head.load(ordering: .relaxed)
        return rings[worker &* capacity &+ (head & (capacity &- 1))].time.load(ordering: .relaxed)
    }

    /// The record of `sequence`: where it is, source slot and time.
    @inline(__always)
    func record(_ sequence: UInt32, _ worker: UInt32) -> (place: UInt32, slot: UInt16, time: Int64) {
        let index = worker &* capacity &+ (sequence & (capacity &- 1))
        let what = rings[index].what.load(ordering: .relaxed)
        return (
            UInt32(truncatingIfNeeded: what), UInt16(truncatingIfNeeded: what >> 32),
            rings[index].time.load(ordering: .relaxed)
        )
    }

    /// The sum of all counts: everything that is in. For invariants.
    var total: Int {
        var sum: UInt32 = 0
        for index in 0..<counts.count { sum &+= counts[UInt32(index)].load(ordering: .relaxed) }
        return Int(Int32(bitPattern: sum))
    }
}
