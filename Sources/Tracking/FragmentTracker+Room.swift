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
            let home = candidate.place
            table.lock(home)
            if table.buckets[home].next.load(ordering: .relaxed) != IndexPool.none,
                let bucket = bucket(of: candidate, home: home)
            {
                giveUp(bucket, home, worker)
                table.unlock(home)
                ledger.evicted(worker)
                return true
            }
            table.unlock(home)
        }
        return false
    }

    /// The bucket of the packet that a record of the ledger tells of, if it is still there. Chain locked.
    private func bucket(of candidate: SourceLedger.Candidate, home: UInt32) -> UInt32? {
        let sequence = UInt16(truncatingIfNeeded: candidate.sequence)
        var cursor = table.first(home)
        while cursor != IndexPool.none {
            let bucket = table.buckets.cell(cursor)
            if bucket.its.isNoted {
                if bucket.its.deadline &- limits.ttl == candidate.time, bucket.its.note.sequence == sequence,
                    bucket.its.key.sourceSlot(table.hashing) == candidate.slot
                {
                    return cursor
                }
            } else {
                let known = table.entries.cell(bucket.its.entry)
                if known.its.state.enlisted == candidate.time, known.its.state.sequence == sequence,
                    known.its.state.source == candidate.slot
                {
                    return cursor
                }
            }
            cursor = bucket.its.next.load(ordering: .relaxed)
        }
        return nil
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
            let home = table.entries[candidate.place].home.load(ordering: .relaxed)
            table.lock(home)
            if let bucket = table.bucket(of: candidate.place, home: home), isParked(candidate) {
                giveUp(bucket, home, worker)
                table.unlock(home)
                parkedLedger.evicted(worker)
                return
            }
            table.unlock(home)
        }
    }

    /// Whether the record of a packet with parked fragments, or with many holes, is still true. Chain locked.
    private func isParked(_ candidate: SourceLedger.Candidate) -> Bool {
        table.entries[candidate.place].state.holdsRecords
            && table.entries[candidate.place].state.parkedSequence == candidate.sequence
            && UInt32(table.entries[candidate.place].state.parkedWorker) == candidate.ringWorker
    }

    /// Evicts the packet of a bucket. Chain locked.
    private func giveUp(_ bucket: UInt32, _ home: UInt32, _ worker: UInt32) {
        workers[worker].evicted.add()
        if table.buckets[bucket].isEntered {
            let entry = table.buckets[bucket].entry
            let locked = table.open(entry)
            let known = table.entries.cell(entry)
            if !known.its.state.isPoisoned { known.its.state.poison(.evicted) }
            table.close(entry, locked)
        }
        table.remove(bucket, home: home, worker: worker, owner: self)
    }

    /// The next record will overwrite one that is younger than one and a half ttl: many packets come and are completed. If
    /// the old one's packet is still there, it moves to the young end, so that it stays in the quota's reach. (A packet
    /// whose record is older has been referred to last when that was not yet half a ttl old: it is stale.) No chain may
    /// be locked.
    @inline(never)
    func keepOldest(_ now: Int64, _ worker: UInt32) {
        let head = ledger.cells[worker].head.load(ordering: .relaxed)
        let oldest = ledger.candidate(at: head &- ledger.capacity, in: worker)
        if oldest.time == .min { return }
        let home = oldest.place
        table.lock(home)
        if let bucket = bucket(of: oldest, home: home), !table.buckets[bucket].isStale(now) {
            let entry = table.entry(of: bucket, home: home, worker: worker, owner: self)
            let locked = table.open(entry)
            enlist(entry, home, now, worker)
            table.close(entry, locked)
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
            let home = table.entries[record.place].home.load(ordering: .relaxed)
            table.lock(home)
            if let bucket = table.bucket(of: record.place, home: home),
                isParked(parkedLedger.candidate(at: tail, in: worker))
            {
                if table.buckets[bucket].isStale(now) {
                    table.workers[worker].collected.add()
                    table.expel(bucket, home: home, worker: worker, owner: self)
                } else {
                    // Other fragments of the packet came later: look again when their time is over.
                    let locked = table.open(record.place)
                    enlistParked(record.place, record.slot, table.buckets[bucket].deadline &- limits.ttl, worker)
                    table.close(record.place, locked)
                }
            }
            table.unlock(home)
        }
    }
}
