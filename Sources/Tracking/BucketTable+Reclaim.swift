import Synchronization

extension BucketTable {
    /// Extra buckets that one sweep frees, if so many chains give so many: a worker can take as many in hand, and does not
    /// soon look for others' again.
    private static var enough: Int { 12 }
    private static var many: UInt32 { 64 }

    /// Frees a stale bucket. It stays where it is, vacant. Chain locked.
    @inline(__always)
    func collect<Owner: EntryOwner<Key, State> & ~Copyable>(
        _ bucket: UInt32, _ worker: UInt32, _ owner: borrowing Owner
    ) {
        workers[worker].collected.add()
        vacate(buckets.cell(bucket), worker, owner)
    }

    /// The key leaves the bucket, and the entry, if it has one. Chain locked.
    @inline(__always)
    func vacate<Owner: EntryOwner<Key, State> & ~Copyable>(
        _ bucket: Cell<Bucket<Key>>, _ worker: UInt32, _ owner: borrowing Owner
    ) {
        if bucket.its.isNoted {
            owner.retire(bucket.its.note, of: bucket.its.key, worker: worker)
        } else {
            dismiss(bucket.its.entry, worker, owner)
        }
        bucket.its.vacate()
    }

    /// A bucket's entry is retired, and freed unless somebody still holds it. Chain locked.
    @inline(never)
    private func dismiss<Owner: EntryOwner<Key, State> & ~Copyable>(
        _ entry: UInt32, _ worker: UInt32, _ owner: borrowing Owner
    ) {
        let isHeld = open(entry)
        owner.retire(entry, state: &entries.cell(entry).its.state, worker: worker)
        close(entry, isHeld)
        if isHeld {
            release(entry, worker)
        } else {
            entryPool.put(entry, worker)
        }
    }

    /// Takes an occupied bucket's key out of its locked chain before its time.
    @inline(__always)
    func remove<Owner: EntryOwner<Key, State> & ~Copyable>(
        _ bucket: UInt32, home: UInt32, worker: UInt32, owner: borrowing Owner
    ) {
        workers[worker].removed.add()
        expel(bucket, home: home, worker: worker, owner: owner)
    }

    /// Takes an occupied bucket's key out of its locked chain. If it sat in the main bucket, the first extra bucket's
    /// content moves there, so that a main bucket is never vacant in front of a chain for long.
    func expel<Owner: EntryOwner<Key, State> & ~Copyable>(
        _ bucket: UInt32, home: UInt32, worker: UInt32, owner: borrowing Owner
    ) {
        vacate(buckets.cell(bucket), worker, owner)
        if bucket == home {
            fill(home, worker)
            return
        }
        var previous = home
        while true {
            let cursor = buckets[previous].next.load(ordering: .relaxed)
            if cursor == bucket { break }
            previous = cursor
        }
        buckets[previous].next.store(buckets[bucket].next.load(ordering: .relaxed), ordering: .relaxed)
        extraPool.put(bucket, worker)
    }

    /// Moves the first extra bucket's content into a vacant main bucket and frees the extra one. True if it did.
    @discardableResult
    @inline(__always)
    func fill(_ home: UInt32, _ worker: UInt32) -> Bool {
        let donor = buckets[home].next.load(ordering: .relaxed)
        if donor == IndexPool.none { return false }
        buckets.cell(home).its.move(from: buckets.cell(donor))
        buckets[home].next.store(buckets[donor].next.load(ordering: .relaxed), ordering: .relaxed)
        extraPool.put(donor, worker)
        return true
    }

    /// Reclaims what is stale in one locked chain; gives the number of extra buckets freed, and lowers `earliest` to
    /// the deadlines that stay.
    func tidy<Owner: EntryOwner<Key, State> & ~Copyable>(
        _ home: UInt32, now: Int64, worker: UInt32, owner: borrowing Owner, earliest: inout Int64
    ) -> Int {
        var freed = 0
        if buckets[home].isOccupied {
            if buckets[home].isStale(now) {
                collect(home, worker, owner)
            } else {
                earliest = min(earliest, buckets[home].deadline)
            }
        }
        var previous = home
        var cursor = buckets[home].next.load(ordering: .relaxed)
        while cursor != IndexPool.none {
            let following = buckets[cursor].next.load(ordering: .relaxed)
            if buckets[cursor].isStale(now) {
                collect(cursor, worker, owner)
                buckets[previous].next.store(following, ordering: .relaxed)
                extraPool.put(cursor, worker)
                freed += 1
            } else {
                earliest = min(earliest, buckets[cursor].deadline)
                previous = cursor
            }
            cursor = following
        }
        if !buckets[home].isOccupied, fill(home, worker) { freed += 1 }
        return freed
    }

    /// Looks for stale buckets whose reclaim frees extra buckets, from where the worker's hand stands, for at most one turn;
    /// stops when that gave enough for a while, or anything and many chains have been looked at. After a fruitless turn nothing can be stale before the
    /// earliest deadline seen, so until then no further turn is made. `shortest` is the shortest ttl in use, in
    /// nanoseconds: a bucket put in or changed meanwhile is not stale before now + shortest.
    ///
    /// No chain may be locked by the caller.
    func sweep<Owner: EntryOwner<Key, State> & ~Copyable>(
        now: Int64, shortest: Int64, worker: UInt32, owner: borrowing Owner
    ) -> Bool {
        if now <= workers[worker].quietUntil { return false }
        var hand = workers[worker].hand
        var earliest = now &+ shortest
        var looked: UInt32 = 0
        var freed = 0
        while looked < size, freed == 0 || freed < Self.enough && looked < Self.many {
            if buckets[hand].next.load(ordering: .relaxed) != IndexPool.none {
                lock(hand)
                freed = tidy(hand, now: now, worker: worker, owner: owner, earliest: &earliest)
                unlock(hand)
            }
            hand = hand + 1 == size ? 0 : hand + 1
            looked += 1
        }
        workers.cell(worker).its.hand = hand
        workers[worker].swept.add(UInt64(looked))
        if freed == 0 { workers.cell(worker).its.quietUntil = earliest }
        return freed != 0
    }

    /// Reclaims what is stale in the next `count` chains: for a control thread that waits for entries to go. Gives true
    /// when the hand has come round to the first chain.
    func expire<Owner: EntryOwner<Key, State> & ~Copyable>(
        _ count: UInt32, now: Int64, worker: UInt32, owner: borrowing Owner
    ) -> Bool {
        var earliest = Int64.max
        var round = false
        for _ in 0..<count {
            let hand = workers[worker].hand
            lock(hand)
            _ = tidy(hand, now: now, worker: worker, owner: owner, earliest: &earliest)
            unlock(hand)
            workers.cell(worker).its.hand = hand + 1 == size ? 0 : hand + 1
            if workers[worker].hand == 0 { round = true }
        }
        return round
    }
}
