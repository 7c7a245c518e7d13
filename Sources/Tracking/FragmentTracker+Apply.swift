import Synchronization
import Wire

extension FragmentTracker {
    /// What one fragment does to its packet, which is not poisoned. Chain and entry are the caller's.
    @inline(never)
    func apply(
        _ arrival: FragmentArrival, _ key: FragmentKey, _ entry: UInt32, _ now: Int64, _ worker: UInt32
    ) -> FragmentOutcome {
        let fragment = arrival.fragment
        if let fault = Self.violation(arrival, key) { return condemn(entry, fault, worker) }
        let known = table.entries.cell(entry)
        let mustPark = !fragment.isFirst && !known.its.state.hasFirst
        let hadRecords = known.its.state.holes.isFar
        let acceptance = known.its.state.accept(
            offset: fragment.offset, length: fragment.length, more: fragment.more, self, worker)
        if known.its.state.holes.isFar, !hadRecords { enlistParked(entry, known.its.state.source, now, worker) }
        switch acceptance {
        case .duplicate:
            workers[worker].duplicates.add()
            return .duplicate
        case .fault(let fault):
            return condemn(entry, fault, worker)
        case .new:
            if mustPark { return park(arrival, entry, now, worker) }
            if fragment.isFirst {
                known.its.state.keep(decision: arrival.decision)
                if known.its.state.storedCount != 0 {
                    release(entry, worker)
                    return .useDecision(arrival.decision, released: true)
                }
                return .useDecision(arrival.decision, released: false)
            }
            return .useDecision(known.its.state.decision, released: false)
        }
    }

    /// What can be held against a fragment without knowing the others.
    @inline(__always)
    static func violation(_ arrival: FragmentArrival, _ key: FragmentKey) -> FragmentFault? {
        let fragment = arrival.fragment
        if fragment.length <= 0 { return .empty }
        if fragment.more && fragment.length & 7 != 0 || fragment.offset & 7 != 0 { return .unalignedLength }
        // 65,535 bytes are the whole packet in IPv4, header included, and the payload in IPv6.
        if fragment.offset < 0 || fragment.end > (key.isIPv4 ? 65_515 : 65_535) { return .tooLong }
        if fragment.isFirst {
            if !arrival.headersComplete { return .incompleteHeaders }
            if arrival.transport == TransportProtocol.tcp && fragment.length < 16 { return .tinyFirst }
            if fragment.length < 8 { return .tinyFirst }
        } else if fragment.offset == 8 && arrival.transport == TransportProtocol.tcp {
            return .tinyFirst
        }
        return nil
    }

    /// From now on all fragments of the packet are dropped.
    @inline(never)
    func condemn(_ entry: UInt32, _ fault: FragmentFault, _ worker: UInt32) -> FragmentOutcome {
        let known = table.entries.cell(entry)
        known.its.state.poison(fault)
        workers[worker].faults.add(fault)
        discardParked(&known.its.state, fault, worker)
        known.its.state.giveBackHoles(self, worker)
        return .drop(fault)
    }

    /// Condemns a packet for a reason the tracker cannot see, for example a header that cannot be read. Every fragment
    /// of it that is parked or still comes is dropped. False if there was no room to remember it.
    @discardableResult
    public func condemn(_ key: FragmentKey, now: Int64, worker: Int) -> Bool {
        let worker = UInt32(truncatingIfNeeded: worker)
        let home = table.home(hash(key))
        table.lock(home)
        defer { table.unlock(home) }
        let entry: UInt32
        let deadline = now &+ limits.ttl
        switch table.place(key, Note(), home: home, now: now, deadline: deadline, worker: worker, owner: self) {
        case .full: return false
        case .found(let bucket):
            entry = table.entry(of: bucket, home: home, worker: worker, owner: self)
        case .inserted(let bucket):
            entry = enter(bucket, key, home, now, worker)
        }
        let locked = table.open(entry)
        if !table.entries[entry].state.isPoisoned { _ = condemn(entry, .condemned, worker) }
        table.close(entry, locked)
        return true
    }
}

extension FragmentArrival {
    /// Whether nothing can be held against it, and it is what nearly every packet begins with: a first fragment of some
    /// size, to which more belong. Short for `violation` = nil.
    @inline(__always)
    var isPlainFirst: Bool {
        fragment.offset == 0 && fragment.more && headersComplete
            && UInt(bitPattern: fragment.length &- 16) <= 65_504 - 16 && fragment.length & 7 == 0
    }

    /// What is to be kept of it, if it is that: the decision, how many units of 8 bytes it has (13 bits), and the low half
    /// of its packet's place in the ledger.
    @inline(__always)
    func note(_ sequence: UInt32) -> Note {
        Note(word: decision, half: UInt32(truncatingIfNeeded: fragment.length >> 3) & 0xFFFF | sequence << 16)
    }

    /// Whether it is the second of two: all that is missing behind the first fragment, which the note tells of.
    @inline(__always)
    func completes(_ note: Note) -> Bool { !fragment.more && fragment.offset == Int(note.units) << 3 }
}

extension FragmentTracker: EntryOwner {
    /// A packet leaves of which nothing but the first fragment has come.
    @inline(__always)
    func retire(_ note: Note, of key: FragmentKey, worker: UInt32) {
        ledger.count(key.sourceSlot(table.hashing), -1, worker)
    }

    /// More is to be known of a packet than its first fragment.
    @inline(__always)
    func unfold(_ note: Note, of key: FragmentKey, deadline: Int64, into state: inout FragmentState) {
        state.begin(
            source: key.sourceSlot(table.hashing), enlisted: deadline &- limits.ttl, sequence: note.sequence,
            decision: note.word,
            end: note.units)
    }

    /// An entry leaves the table: its source is relieved, what is parked is to be dropped, what was lent comes back.
    @inline(__always)
    func retire(_ entry: UInt32, state: inout FragmentState, worker: UInt32) {
        ledger.count(state.source, -1, worker)
        if state.holdsRecords { dissolve(&state, worker) }
    }

    @inline(never)
    private func dissolve(_ state: inout FragmentState, _ worker: UInt32) {
        discardParked(&state, state.isPoisoned ? state.fault : .expired, worker)
        state.giveBackHoles(self, worker)
    }
}

extension FragmentTracker: RecordLender {
    /// Lends a record for the holes of a packet. It counts against the packet's source like a parked fragment, so a
    /// flood of packets full of gaps is held to the same quota.
    func lend(to source: UInt16, _ worker: UInt32) -> UInt32 {
        let record = recordPool.take(worker)
        if record == IndexPool.none { return record }
        parkedLedger.count(source, 1, worker)
        workers[worker].lent.add()
        return record
    }

    func takeBack(_ record: UInt32, from source: UInt16, _ worker: UInt32) {
        parkedLedger.count(source, -1, worker)
        workers[worker].lent.add(.max)
        recordPool.put(record, worker)
    }

    func record(_ record: UInt32) -> Cell<StoredFragment> { records.cell(record) }
}

extension Note {
    /// Of a packet's first fragment: how many units of 8 bytes it has.
    @inline(__always)
    var units: UInt16 { UInt16(truncatingIfNeeded: half) }

    /// Of a packet's first fragment: the low half of the packet's place in the ledger.
    @inline(__always)
    var sequence: UInt16 { UInt16(truncatingIfNeeded: half >> 16) }
}
