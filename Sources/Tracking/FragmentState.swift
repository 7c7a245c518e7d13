/// What an entry knows of one packet. 120 bytes, so that with the entry's own 8 it fills two cache lines; what a
/// packet in order needs lies in the first.
struct FragmentState: BitwiseCopyable {
    /// When it was noted in the ledger of unfinished packets.
    private(set) var enlisted: Int64 = 0
    /// Decision of the first fragment.
    private(set) var decision: UInt64 = 0
    /// First of the parked fragments, in offset order.
    var storedHead: UInt32 = IndexPool.none
    /// Place in the ledger of packets with parked fragments.
    var parkedSequence: UInt32 = 0
    /// The low half of the place in the ledger of unfinished packets, which tells those of one time apart.
    private(set) var sequence: UInt16 = 0
    /// The source that is answerable, as a slot of the ledgers.
    var source: UInt16 = 0
    var parkedWorker: UInt8 = 0
    private var flags: UInt8 = 0
    private(set) var faultCode: UInt8 = 0
    var storedCount: UInt8 = 0
    /// Payload bytes of the whole packet; 0 while the last fragment is missing.
    private(set) var total: UInt16 = 0
    /// Where the last fragment begins, in units of 8 bytes.
    private var lastOffset: UInt16 = 0
    /// Length of the first seen fragment that is not the last, in units; the others are expected to be as long.
    private var stride: UInt16 = 0
    private(set) var holes = HoleList()

    private static var firstSeen: UInt8 { 1 }
    private static var poisonedFlag: UInt8 { 2 }
    private static var irregular: UInt8 { 4 }

    /// A state for a new packet: only what is read before it is written.
    @inline(__always)
    mutating func reset(source: UInt16, enlisted: Int64, sequence: UInt16) {
        enlist(enlisted, sequence)
        storedHead = IndexPool.none
        self.source = source
        total = 0
        stride = 0
        flags = 0
        storedCount = 0
        holes.reset()
    }

    /// A state for a packet of which the first fragment, up to unit `end`, has come: the same as `reset`, `accept` and
    /// `keep`.
    @inline(__always)
    mutating func begin(source: UInt16, enlisted: Int64, sequence: UInt16, decision: UInt64, end: UInt16) {
        enlist(enlisted, sequence)
        storedHead = IndexPool.none
        self.source = source
        total = 0
        stride = end
        flags = 0
        storedCount = 0
        holes.begin(behind: end)
        keep(decision: decision)
    }

    /// The packet's record in the ledger is another.
    @inline(__always)
    mutating func enlist(_ time: Int64, _ sequence: UInt16) {
        enlisted = time
        self.sequence = sequence
    }

    var hasFirst: Bool { flags & Self.firstSeen != 0 }
    var isPoisoned: Bool { flags & Self.poisonedFlag != 0 }
    var fault: FragmentFault { FragmentFault(rawValue: faultCode) ?? .condemned }
    /// Whether the packet has records: of parked fragments, or for its holes.
    @inline(__always)
    var holdsRecords: Bool { storedCount != 0 || holes.isFar }
    /// Nothing is missing.
    var isWhole: Bool { holes.count == 0 }

    @inline(__always)
    mutating func keep(decision: UInt64) {
        self.decision = decision
        flags |= Self.firstSeen
    }

    @inline(__always)
    mutating func poison(_ fault: FragmentFault) {
        flags |= Self.poisonedFlag
        faultCode = fault.rawValue
    }

    /// What a fragment does to the packet.
    enum Acceptance: Equatable {
        case new
        case duplicate
        case fault(FragmentFault)
    }

    /// Notes that bytes offset ..< offset + length have come. Both are in range and, for all but the last fragment,
    /// multiples of 8.
    @inline(__always)
    mutating func accept<Lender: RecordLender & ~Copyable>(
        offset: Int, length: Int, more: Bool, _ lender: borrowing Lender, _ worker: UInt32
    ) -> Acceptance {
        let first = UInt16(truncatingIfNeeded: offset >> 3)
        let end = UInt16(truncatingIfNeeded: (offset + length + 7) >> 3)
        if total != 0 {
            // The length is known: nothing may lie beyond it, and only one fragment may end there.
            let lengthEnd = offset + length
            if lengthEnd > Int(total) || more != (lengthEnd < Int(total)) { return .fault(.contradictoryLength) }
        } else if !more, let begin = holes.openBegin, begin > first {
            // Something lies behind the fragment that calls itself the last, or at least reaches into it.
            return .fault(begin > end ? .contradictoryLength : .overlap)
        }
        switch holes.fill(first, end, isLast: !more, lender, source, worker) {
        case .filled:
            note(first, end, offset + length, more)
            return .new
        case .nothingNew:
            return isKnown(first, end, more) ? .duplicate : .fault(.overlap)
        case .overlap: return .fault(.overlap)
        case .tooMany: return .fault(.tooManyHoles)
        case .noRecord: return .fault(.noRecord)
        }
    }

    /// Gives the records borrowed for holes back.
    @inline(__always)
    mutating func giveBackHoles<Lender: RecordLender & ~Copyable>(_ lender: borrowing Lender, _ worker: UInt32) {
        if holes.isFar { holes.giveBack(lender, source, worker) }
    }

    /// Learns the bounds of an accepted fragment.
    @inline(__always)
    private mutating func note(_ first: UInt16, _ end: UInt16, _ byteEnd: Int, _ more: Bool) {
        if !more {
            total = UInt16(truncatingIfNeeded: byteEnd)
            lastOffset = first
        } else if stride == 0 {
            stride = end - first
        }
        if stride != 0 {
            let fits = more ? end - first == stride : end - first <= stride
            let onGrid = fits && (first == 0 || first % stride == 0)
            if !onGrid { flags |= Self.irregular }
            // The last came before the stride was known: judge it now.
            if more, total != 0, lastOffset % stride != 0 || (Int(total) + 7) / 8 - Int(lastOffset) > Int(stride) {
                flags |= Self.irregular
            }
        }
    }

    /// Whether a fragment that brings nothing new is an exact copy of one received.
    ///
    /// If all fragments so far lie on one grid, as every sender makes them, the answer is exact. Otherwise the bounds
    /// of the earlier ones are no longer known, and the fragment counts as a copy: that is harmless, because a
    /// copy is dropped and never reaches a backend.
    @inline(__always)
    private func isKnown(_ first: UInt16, _ end: UInt16, _ more: Bool) -> Bool {
        if flags & Self.irregular != 0 { return true }
        if !more { return first == lastOffset }
        return end - first == stride && first % stride == 0
    }
}
