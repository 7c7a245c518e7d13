import Synchronization

extension FragmentTracker {
    /// Entries looked at for one eviction.
    private static var tries: Int { 256 }
    /// Packets with parked fragments looked at for expiry in one call.
    private static var expiries: Int { 64 }

    /// Frees an extra bucket: one that is stale, or else one of the heaviest source's oldest packet whose leaving frees
    /// one. No chain may be locked.
    @inline(never)
    func makeRoom(_ now: Int64, _ worker: UInt32) -> Bool {
        if table.sweep(now: now, shortest: limits.ttl, worker: worker, owner: self) { return true }
        if table.extra == 0 { return false }
        var budget = SourceLedger.searchLimit
        for _ in 0..<Self.tries {
            guard let candidate = ledger.candidate(worker, now: now, known: knownSources, budget: &budget) else {
                return false
            }
            let home = table.entries[candidate.entry].home.load(ordering: .relaxed)
            table.lock(home)
            if table.buckets[home].next.load(ordering: .relaxed) != IndexPool.none,
                table.bucket(of: candidate.entry, home: home) != nil,
                table.entries[candidate.entry].state.sequence == candidate.sequence,
                UInt32(table.entries[candidate.entry].state.ringWorker) == candidate.ringWorker
            {
                giveUp(candidate.entry, home, worker)
                table.unlock(home)
                ledger.evicted(worker)
                return true
            }
            table.unlock(home)
        }
        return false
    }

    /// Makes room for one more parked fragment when records run short: the source with most of them gives up its oldest
    /// packet. Its records come back when the caller has taken them, so this begins before the last is gone. No chain
    /// may be locked.
    @inline(__always)
    func makeRecordRoom(_ now: Int64, _ worker: UInt32) {
        if parkedLedger.distance(parkedLedger.cells[worker].tail.load(ordering: .relaxed), worker)
            > parkedLedger.capacity / 8 * 7
        {
            expireParked(now, worker)
        }
        if recordPool.isBelow(recordReserve, worker) { evictParked(now, worker) }
    }

    @inline(never)
    private func evictParked(_ now: Int64, _ worker: UInt32) {
        var budget = SourceLedger.searchLimit
        for _ in 0..<Self.tries {
            guard let candidate = parkedLedger.candidate(worker, now: now, known: knownSources, budget: &budget) else {
                return
            }
            let home = table.entries[candidate.entry].home.load(ordering: .relaxed)
            table.lock(home)
            if table.bucket(of: candidate.entry, home: home) != nil, isParked(candidate) {
                giveUp(candidate.entry, home, worker)
                table.unlock(home)
                parkedLedger.evicted(worker)
                return
            }
            table.unlock(home)
        }
    }

    /// Whether the record of a packet with parked fragments, or with many holes, is still true. Chain locked.
    private func isParked(_ candidate: SourceLedger.Candidate) -> Bool {
        table.entries[candidate.entry].state.holdsRecords
            && table.entries[candidate.entry].state.parkedSequence == candidate.sequence
            && UInt32(table.entries[candidate.entry].state.parkedWorker) == candidate.ringWorker
    }

    /// Evicts a packet. Chain locked.
    private func giveUp(_ entry: UInt32, _ home: UInt32, _ worker: UInt32) {
        workers[worker].evicted.add()
        let locked = table.open(entry)
        let known = table.entries.cell(entry)
        if !known.its.state.isPoisoned { known.its.state.poison(.evicted) }
        table.close(entry, locked)
        table.remove(entry, home: home, worker: worker, owner: self)
    }

    /// The next record will overwrite one that is younger than the ttl: many packets come and are completed. If the
    /// old one's packet is still there, it moves to the young end, so that it stays in the quota's reach. No chain may
    /// be locked.
    @inline(never)
    func keepOldest(_ now: Int64, _ worker: UInt32) {
        let head = ledger.cells[worker].head.load(ordering: .relaxed)
        let sequence = head &- ledger.capacity
        let record = ledger.record(sequence, worker)
        if record.time == .min { return }
        let home = table.entries[record.entry].home.load(ordering: .relaxed)
        table.lock(home)
        if table.bucket(of: record.entry, home: home) != nil,
            table.entries[record.entry].state.sequence == sequence,
            UInt32(table.entries[record.entry].state.ringWorker) == worker
        {
            let locked = table.open(record.entry)
            enlist(record.entry, record.slot, now, worker)
            table.close(record.entry, locked)
        }
        table.unlock(home)
    }

    /// Takes packets with parked fragments out of the table when their time is over; at most 64 are looked at. No chain
    /// may be locked.
    func expireParked(_ now: Int64, _ worker: UInt32) {
        var looked = 0
        while looked < Self.expiries {
            looked += 1
            let head = parkedLedger.cells[worker].head.load(ordering: .relaxed)
            var tail = parkedLedger.cells[worker].tail.load(ordering: .relaxed)
            if head &- tail > parkedLedger.capacity { tail = head &- parkedLedger.capacity }
            let crowded = head &- tail > parkedLedger.capacity / 8 * 7
            if tail == head { return }
            let record = parkedLedger.record(tail, worker)
            if !crowded, now &- record.time <= limits.ttl { return }
            parkedLedger.cells[worker].tail.store(tail &+ 1, ordering: .relaxed)
            let home = table.entries[record.entry].home.load(ordering: .relaxed)
            table.lock(home)
            if let bucket = table.bucket(of: record.entry, home: home),
                isParked(.init(entry: record.entry, sequence: tail, ringWorker: worker))
            {
                if table.buckets[bucket].isStale(now) {
                    table.workers[worker].collected.add()
                    table.expel(record.entry, home: home, worker: worker, owner: self)
                } else {
                    // Other fragments of the packet came later: look again when their time is over.
                    let locked = table.open(record.entry)
                    enlistParked(record.entry, record.slot, table.buckets[bucket].deadline &- limits.ttl, worker)
                    table.close(record.entry, locked)
                }
            }
            table.unlock(home)
        }
    }
}
