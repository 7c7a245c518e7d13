/// What is missing of a packet: RFC 815's hole descriptors, in units of 8 bytes. The entry has room for 19; a packet
/// with more gaps borrows records from the stock of those for parked fragments, six holes in each, up to 128 holes.
///
/// Fragments in order, or in reverse, leave one or two holes. A shuffled packet of n fragments has n/4 ± √n/4 holes when
/// half of it is there: 65,507 bytes in 45 fragments 11 ± 2, which fits the entry. Whatever the order, n fragments leave
/// at most n/2 holes: 65,535 bytes in fragments of 256 or more never need more than 128.
struct HoleList: BitwiseCopyable {
    /// Holes an entry can note by itself.
    static var near: Int { 19 }
    /// Most holes of one packet.
    static var capacity: Int { 128 }
    /// The end of the hole behind everything seen, while the packet's length is unknown.
    static var open: UInt16 { .max }

    /// Units first ..< end are missing.
    struct Hole: BitwiseCopyable, Equatable {
        var first: UInt16
        var end: UInt16

        /// What a record holds before it is written.
        static var none: Hole { Hole(first: 0, end: 0) }
    }

    // The newest borrowed record, in two halves so that the list needs no more than two bytes of alignment.
    private var headLow = UInt16.max
    private var headHigh = UInt16.max
    private(set) var count: UInt8 = 1
    /// The open hole, as long as there is one, is the first.
    private var holes = InlineArray<19, Hole>(repeating: Hole(first: 0, end: HoleList.open))

    /// Everything is missing.
    @inline(__always)
    init() {}

    /// Everything is missing again. Writes one hole, not nineteen.
    @inline(__always)
    mutating func reset() {
        count = 1
        holes[0] = Hole(first: 0, end: Self.open)
    }

    /// Everything behind unit `end` is missing.
    @inline(__always)
    mutating func begin(behind end: UInt16) {
        count = 1
        holes[0] = Hole(first: end, end: Self.open)
    }

    enum Result: Equatable {
        case filled
        /// Every unit has been received before.
        case nothingNew
        case overlap
        case tooMany
        /// There is no record to note another hole.
        case noRecord
    }

    /// Whether records are borrowed.
    @inline(__always)
    var isFar: Bool { count > UInt8(Self.near) }

    /// How many.
    var recordCount: Int {
        isFar ? (Int(count) - Self.near + StoredFragment.holesHeld - 1) / StoredFragment.holesHeld : 0
    }

    /// Where the hole without an end begins, if there is one: the end of what has been received.
    @inline(__always)
    var openBegin: UInt16? {
        count != 0 && holes[0].end == Self.open ? holes[0].first : nil
    }

    /// Fills units first ..< end; `isLast` says that nothing is behind them. The caller has made sure that a last
    /// fragment lies behind everything received.
    @inline(__always)
    mutating func fill<Lender: RecordLender & ~Copyable>(
        _ first: UInt16, _ end: UInt16, isLast: Bool, _ lender: borrowing Lender, _ source: UInt16, _ worker: UInt32
    ) -> Result {
        let nearby = min(Int(count), Self.near)
        for index in 0..<nearby where end > holes[index].first && first < holes[index].end {
            let hole = holes[index]
            guard first >= hole.first, end <= hole.end else { return .overlap }
            let before = first > hole.first
            let after = end < hole.end && !isLast
            if before, after {
                if let failure = push(Self.farther(hole, first, end), lender, source, worker) { return failure }
                holes[index] = Self.nearer(hole, first, end)
            } else if before {
                holes[index].end = first
            } else if after {
                holes[index].first = end
            } else {
                let last = pop(lender, source, worker)
                if index < Int(count) { holes[index] = last }
            }
            return .filled
        }
        return isFar ? fillFar(first, end, isLast: isLast, lender, source, worker) : .nothingNew
    }

    /// The same in the borrowed records.
    @inline(never)
    private mutating func fillFar<Lender: RecordLender & ~Copyable>(
        _ first: UInt16, _ end: UInt16, isLast: Bool, _ lender: borrowing Lender, _ source: UInt16, _ worker: UInt32
    ) -> Result {
        var record = head
        var used = (Int(count) - Self.near - 1) % StoredFragment.holesHeld + 1
        while record != IndexPool.none {
            let place = lender.record(record)
            for index in 0..<used where end > place.its.holes[index].first && first < place.its.holes[index].end {
                let hole = place.its.holes[index]
                guard first >= hole.first, end <= hole.end else { return .overlap }
                let before = first > hole.first
                let after = end < hole.end && !isLast
                if before, after {
                    if let failure = push(Self.farther(hole, first, end), lender, source, worker) { return failure }
                    place.its.holes[index] = Self.nearer(hole, first, end)
                } else if before {
                    place.its.holes[index].end = first
                } else if after {
                    place.its.holes[index].first = end
                } else {
                    let wasLast = record == head && index == used - 1
                    let last = pop(lender, source, worker)
                    if !wasLast { place.its.holes[index] = last }
                }
                return .filled
            }
            record = place.its.next
            used = StoredFragment.holesHeld
        }
        return .nothingNew
    }

    /// What stays in the place of a hole that is cut in two: the open part, so that it remains the first of all.
    @inline(__always)
    private static func nearer(_ hole: Hole, _ first: UInt16, _ end: UInt16) -> Hole {
        hole.end == open ? Hole(first: end, end: open) : Hole(first: hole.first, end: first)
    }

    /// The other part, which gets a place at the end.
    @inline(__always)
    private static func farther(_ hole: Hole, _ first: UInt16, _ end: UInt16) -> Hole {
        hole.end == open ? Hole(first: hole.first, end: first) : Hole(first: end, end: hole.end)
    }

    private var head: UInt32 {
        get { UInt32(headLow) | UInt32(headHigh) << 16 }
        set {
            headLow = UInt16(truncatingIfNeeded: newValue)
            headHigh = UInt16(truncatingIfNeeded: newValue >> 16)
        }
    }

    /// Adds a hole at the end; gives what stands against it.
    @inline(__always)
    private mutating func push<Lender: RecordLender & ~Copyable>(
        _ hole: Hole, _ lender: borrowing Lender, _ source: UInt16, _ worker: UInt32
    ) -> Result? {
        if Int(count) < Self.near {
            holes[Int(count)] = hole
            count += 1
            return nil
        }
        return pushFar(hole, lender, source, worker)
    }

    @inline(never)
    private mutating func pushFar<Lender: RecordLender & ~Copyable>(
        _ hole: Hole, _ lender: borrowing Lender, _ source: UInt16, _ worker: UInt32
    ) -> Result? {
        if Int(count) >= Self.capacity { return .tooMany }
        let index = (Int(count) - Self.near) % StoredFragment.holesHeld
        if index == 0 {
            let record = lender.lend(to: source, worker)
            if record == IndexPool.none { return .noRecord }
            lender.record(record).its.next = isFar ? head : IndexPool.none
            head = record
        }
        lender.record(head).its.holes[index] = hole
        count += 1
        return nil
    }

    /// Takes the last hole away. There is one.
    @inline(__always)
    private mutating func pop<Lender: RecordLender & ~Copyable>(
        _ lender: borrowing Lender, _ source: UInt16, _ worker: UInt32
    ) -> Hole {
        count -= 1
        return Int(count) < Self.near ? holes[Int(count)] : popFar(lender, source, worker)
    }

    @inline(never)
    private mutating func popFar<Lender: RecordLender & ~Copyable>(
        _ lender: borrowing Lender, _ source: UInt16, _ worker: UInt32
    ) -> Hole {
        let index = (Int(count) - Self.near) % StoredFragment.holesHeld
        let record = head
        let hole = lender.record(record).its.holes[index]
        if index == 0 {
            head = lender.record(record).its.next
            lender.takeBack(record, from: source, worker)
        }
        return hole
    }

    /// Gives all borrowed records back, when the packet's holes matter no more. What is left is not whole.
    @inline(never)
    mutating func giveBack<Lender: RecordLender & ~Copyable>(
        _ lender: borrowing Lender, _ source: UInt16, _ worker: UInt32
    ) {
        while isFar { _ = pop(lender, source, worker) }
    }
}

/// Lends records to packets with many holes, and knows by whose fault.
protocol RecordLender: ~Copyable {
    /// A record for holes of a packet of `source`, or `IndexPool.none`.
    borrowing func lend(to source: UInt16, _ worker: UInt32) -> UInt32
    borrowing func takeBack(_ record: UInt32, from source: UInt16, _ worker: UInt32)
    /// A record that has been lent.
    borrowing func record(_ record: UInt32) -> Cell<StoredFragment>
}
