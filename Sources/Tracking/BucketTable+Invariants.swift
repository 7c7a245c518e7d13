import Synchronization

extension BucketTable {
    /// Checks everything that must hold while nobody is at work; gives what does not, nil if all is well.
    func _checkInvariants() -> String? {
        var bucketSeen = [Bool](repeating: false, count: buckets.count)
        var entrySeen = [Bool](repeating: false, count: entries.count)
        for home in 0..<size {
            if buckets[home].lock.isLocked { return "main bucket \(home) is locked" }
            var cursor = home
            while cursor != IndexPool.none {
                if bucketSeen[Int(cursor)] { return "bucket \(cursor) is in two chains, or in a ring" }
                bucketSeen[Int(cursor)] = true
                if buckets[cursor].isOccupied {
                    if self.home(buckets[cursor].key.digest(hashing)) != home { return "bucket \(cursor) is astray" }
                } else if cursor != home {
                    return "extra bucket \(cursor) is in a chain and vacant"
                }
                cursor = buckets[cursor].next.load(ordering: .relaxed)
            }
        }
        var problem: String?
        extraPool.forEachFree { bucket in
            if bucketSeen[Int(bucket)] { problem = "bucket \(bucket) is free and in a chain, or free twice" }
            bucketSeen[Int(bucket)] = true
        }
        if let lost = bucketSeen.firstIndex(of: false) { return "bucket \(lost) is nowhere" }
        for bucket in 0..<UInt32(buckets.count) where buckets[bucket].isEntered {
            let entry = buckets[bucket].entry
            if entrySeen[Int(entry)] { return "entry \(entry) is in two buckets" }
            entrySeen[Int(entry)] = true
            if entries[entry].references.load(ordering: .relaxed) < 1 { return "entry \(entry) is in use and free" }
            let home = home(buckets[bucket].key.digest(hashing))
            if entries[entry].home.load(ordering: .relaxed) != home { return "entry \(entry) has another home" }
        }
        entryPool.forEachFree { entry in
            if entrySeen[Int(entry)] { problem = "entry \(entry) is free and in use, or free twice" }
            entrySeen[Int(entry)] = true
        }
        return problem
    }

    /// Entries that are in no bucket and not free: held by references alone.
    var orphans: Int {
        entries.count - entryPool.free - (0..<UInt32(buckets.count)).count { buckets[$0].isEntered }
    }
}

extension FragmentTracker {
    /// Checks the table, and that quotas and records agree with it.
    func _checkInvariants() -> String? {
        if let problem = table._checkInvariants() { return problem }
        var packets = 0
        var parked = 0
        var borrowed = 0
        for bucket in 0..<UInt32(table.buckets.count) where table.buckets[bucket].isOccupied {
            packets += 1
            if table.buckets[bucket].isNoted { continue }
            let state = table.entries[table.buckets[bucket].entry].state
            parked += Int(state.storedCount)
            borrowed += state.holes.recordCount
            if state.isPoisoned, state.holdsRecords { return "a poisoned packet has records" }
            var listed = 0
            var record = state.storedHead
            while record != IndexPool.none {
                listed += 1
                record = records[record].next
            }
            if listed != Int(state.storedCount) {
                return "\(listed) fragments are parked, \(state.storedCount) counted"
            }
        }
        if ledger.total != packets { return "the quota counts \(ledger.total) packets, there are \(packets)" }
        if parkedLedger.total != parked + borrowed {
            return "the quota counts \(parkedLedger.total) records, there are \(parked) parked and \(borrowed) lent"
        }
        var waiting = 0
        for worker in 0..<UInt32(limits.workers) {
            for head in [workers[worker].releasedHead, workers[worker].droppedHead] {
                var record = head
                while record != IndexPool.none {
                    waiting += 1
                    record = records[record].next
                }
            }
        }
        let out = Int(recordPool.count) - recordPool.free
        return out == parked + borrowed + waiting
            ? nil : "\(out) records are out, \(parked) parked, \(borrowed) lent and \(waiting) waiting"
    }
}
