import Synchronization
import Wire

extension FragmentTracker {
    /// Takes a record for a fragment and puts it into its packet's list. Chain locked.
    @inline(never)
    func park(_ arrival: FragmentArrival, _ entry: UInt32, _ now: Int64, _ worker: UInt32) -> FragmentOutcome {
        let known = table.entries.cell(entry)
        let count = known.its.state.storedCount
        if count >= Self.parkedLimit { return condemn(entry, .tooManyParked, worker) }
        let record = recordPool.take(worker)
        if record == IndexPool.none { return condemn(entry, .noRecord, worker) }
        let stored = records.cell(record)
        stored.its.begin(token: arrival.token, offset: arrival.fragment.offset, now: now)
        let slot = known.its.state.source
        if count == 0 { enlistParked(entry, slot, now, worker) }
        parkedLedger.count(slot, 1, worker)
        known.its.state.storedCount = count + 1
        workers[worker].stored.add()
        // They are put in order when they are released: many never are.
        stored.its.next = known.its.state.storedHead
        known.its.state.storedHead = record
        return .park(ParkedFragment(record: record, use: stored.its.use))
    }

    /// Notes that an entry has parked fragments. Chain locked.
    func enlistParked(_ entry: UInt32, _ slot: UInt16, _ now: Int64, _ worker: UInt32) {
        let known = table.entries.cell(entry)
        known.its.state.parkedSequence = parkedLedger.append(entry, slot: slot, now: now, worker)
        known.its.state.parkedWorker = UInt8(truncatingIfNeeded: worker)
    }

    /// Moves a packet's parked fragments to the worker's list of released ones, in offset order. Chain locked.
    @inline(never)
    func release(_ entry: UInt32, _ worker: UInt32) {
        let known = table.entries.cell(entry)
        let decision = known.its.state.decision
        known.its.state.storedHead = inOrder(known.its.state.storedHead)
        let (head, tail) = unpark(&known.its.state, worker) { record in record.its.decision = decision }
        if workers[worker].releasedTail == IndexPool.none {
            workers.cell(worker).its.releasedHead = head
        } else {
            records.cell(workers[worker].releasedTail).its.next = head
        }
        workers.cell(worker).its.releasedTail = tail
    }

    /// Sorts a packet's list by offset: merges runs of 1, 2, 4 … 128 records, which for at most 255 are eight. Chain
    /// locked.
    private func inOrder(_ list: UInt32) -> UInt32 {
        var runs = InlineArray<8, UInt32>(repeating: IndexPool.none)
        var rest = list
        while rest != IndexPool.none {
            var run = rest
            rest = records[run].next
            records.cell(run).its.next = IndexPool.none
            var level = 0
            while runs[level] != IndexPool.none {
                run = merge(runs[level], run)
                runs[level] = IndexPool.none
                level += 1
            }
            runs[level] = run
        }
        var sorted = IndexPool.none
        for level in 0..<8 { sorted = merge(runs[level], sorted) }
        return sorted
    }

    /// Merges two sorted lists, either of which may be empty.
    private func merge(_ one: UInt32, _ other: UInt32) -> UInt32 {
        if one == IndexPool.none { return other }
        if other == IndexPool.none { return one }
        var (least, waiting) = records[one].offset <= records[other].offset ? (one, other) : (other, one)
        let head = least
        while true {
            let next = records[least].next
            if next == IndexPool.none {
                records.cell(least).its.next = waiting
                return head
            }
            if records[next].offset <= records[waiting].offset {
                least = next
            } else {
                records.cell(least).its.next = waiting
                least = waiting
                waiting = next
            }
        }
    }

    /// Moves a packet's parked fragments to the worker's list of those to be dropped. Chain locked.
    @inline(never)
    func discardParked(_ state: inout FragmentState, _ fault: FragmentFault, _ worker: UInt32) {
        if state.storedCount == 0 { return }
        let (head, tail) = unpark(&state, worker) { record in record.its.fault = fault.rawValue }
        if workers[worker].droppedTail == IndexPool.none {
            workers.cell(worker).its.droppedHead = head
        } else {
            records.cell(workers[worker].droppedTail).its.next = head
        }
        workers.cell(worker).its.droppedTail = tail
    }

    /// Takes the list of parked fragments out of a packet.
    @inline(__always)
    private func unpark(
        _ state: inout FragmentState, _ worker: UInt32, _ visit: (Cell<StoredFragment>) -> Void
    ) -> (head: UInt32, tail: UInt32) {
        parkedLedger.count(state.source, -Int32(state.storedCount), worker)
        let head = state.storedHead
        var tail = head
        while true {
            let record = records.cell(tail)
            visit(record)
            let next = record.its.next
            if next == IndexPool.none { break }
            tail = next
        }
        state.storedHead = IndexPool.none
        state.storedCount = 0
        return (head, tail)
    }

    /// Tells by what token a parked fragment is known, when that was not known as it was tracked. May be called by
    /// another thread than the one that tracks its packet.
    ///
    /// - Returns: False if the name is not awaited (any more): the fragment is nobody's, drop it.
    public func confirm(_ name: ParkedFragment, token: UInt64) -> Bool {
        guard Int(name.record) < records.count else { return false }
        return records[name.record].confirm(name, token: token)
    }

    /// Hands over parked fragments that may go, in offset order within each packet; call again until it gives 0. A
    /// fragment whose token has not come back is left for later; after the ttl it is given up and counted as lost.
    ///
    /// - Returns: How many places of `buffer` were filled.
    public func takeReleased(into buffer: inout MutableSpan<ReleasedFragment>, now: Int64, worker: Int) -> Int {
        let worker = UInt32(truncatingIfNeeded: worker)
        var filled = 0
        var previous = IndexPool.none
        var cursor = workers[worker].releasedHead
        while cursor != IndexPool.none, filled < buffer.count {
            let next = records[cursor].next
            let isConfirmed = records[cursor].isConfirmed
            if isConfirmed || now &- records[cursor].parkedAt > limits.ttl {
                if isConfirmed {
                    buffer[filled] = ReleasedFragment(
                        token: records[cursor].token.load(ordering: .relaxed), decision: records[cursor].decision,
                        offset: Int(records[cursor].offset))
                    filled += 1
                    workers[worker].released.add()
                } else {
                    workers[worker].lost.add()
                }
                if previous == IndexPool.none {
                    workers.cell(worker).its.releasedHead = next
                } else {
                    records.cell(previous).its.next = next
                }
                if next == IndexPool.none { workers.cell(worker).its.releasedTail = previous }
                free(cursor, worker)
            } else {
                previous = cursor
            }
            cursor = next
        }
        return filled
    }

    /// Hands over parked fragments that must be dropped, those whose packet's time is over among them; call again until
    /// it gives 0, and now and then when no packets come.
    ///
    /// - Returns: How many places of `buffer` were filled.
    public func takeDropped(into buffer: inout MutableSpan<DroppedFragment>, now: Int64, worker: Int) -> Int {
        let worker = UInt32(truncatingIfNeeded: worker)
        expireParked(now, worker)
        var filled = 0
        var previous = IndexPool.none
        var cursor = workers[worker].droppedHead
        while cursor != IndexPool.none, filled < buffer.count {
            let next = records[cursor].next
            let isConfirmed = records[cursor].isConfirmed
            if isConfirmed || now &- records[cursor].parkedAt > 2 &* limits.ttl {
                if isConfirmed {
                    buffer[filled] = DroppedFragment(
                        token: records[cursor].token.load(ordering: .relaxed),
                        fault: FragmentFault(rawValue: records[cursor].fault) ?? .condemned)
                    filled += 1
                    workers[worker].discarded.add()
                } else {
                    workers[worker].lost.add()
                }
                if previous == IndexPool.none {
                    workers.cell(worker).its.droppedHead = next
                } else {
                    records.cell(previous).its.next = next
                }
                if next == IndexPool.none { workers.cell(worker).its.droppedTail = previous }
                free(cursor, worker)
            } else {
                previous = cursor
            }
            cursor = next
        }
        return filled
    }

    private func free(_ record: UInt32, _ worker: UInt32) {
        records.cell(record).its.end()
        recordPool.put(record, worker)
    }
}
