import Synchronization

extension BucketTable {
    /// Gives an occupied bucket of the locked chain, which has a note, an entry instead; its state is what the last user
    /// left.
    @inline(__always)
    func attach(_ bucket: UInt32, home: UInt32, _ worker: UInt32) -> UInt32 {
        let entry = entryPool.take(worker)
        // There are as many entries as buckets and references, so one is free.
        precondition(entry != IndexPool.none, "more references are out than there are entries for")
        entries[entry].references.store(1, ordering: .relaxed)
        entries[entry].home.store(home, ordering: .relaxed)
        buckets.cell(bucket).its.enter(entry)
        return entry
    }

    /// The entry of an occupied bucket of the locked chain. If it has only a note, it is given one that says the same.
    @inline(__always)
    func entry<Owner: EntryOwner<Key, State> & ~Copyable>(
        of bucket: UInt32, home: UInt32, worker: UInt32, owner: borrowing Owner
    ) -> UInt32 {
        let place = buckets.cell(bucket)
        if place.its.isEntered { return place.its.entry }
        let note = place.its.note
        let entry = attach(bucket, home: home, worker)
        owner.unfold(note, of: place.its.key, deadline: place.its.deadline, into: &entries.cell(entry).its.state)
        return entry
    }

    /// Gives the state of an entry of the locked chain to the caller alone; true if `close` must be told so.
    @inline(__always)
    func open(_ entry: UInt32) -> Bool {
        if entries[entry].references.load(ordering: .acquiring) == 1 { return false }
        entries[entry].lock.lock()
        return true
    }

    /// Ends what `open` began.
    @inline(__always)
    func close(_ entry: UInt32, _ locked: Bool) {
        if locked { entries[entry].lock.unlock() }
    }

    /// Takes a reference to the entry of `key`: it stays readable, under its own lock, until `release`, whatever
    /// happens to its bucket. Nil if the key is not there, or as many references are out as there are entries for.
    func hold<Owner: EntryOwner<Key, State> & ~Copyable>(
        _ key: Key, now: Int64, worker: UInt32, owner: borrowing Owner
    ) -> UInt32? {
        let home = home(key.digest(hashing))
        lock(home)
        defer { unlock(home) }
        guard let bucket = find(key, home: home, now: now) else { return nil }
        if referencesLeft.subtract(1, ordering: .relaxed).oldValue <= 0 {
            referencesLeft.add(1, ordering: .relaxed)
            return nil
        }
        let entry = entry(of: bucket, home: home, worker: worker, owner: owner)
        _ = entries[entry].references.add(1, ordering: .relaxed)
        return entry
    }

    /// Gives a held reference back.
    func letGo(_ entry: UInt32, _ worker: UInt32) {
        release(entry, worker)
        referencesLeft.add(1, ordering: .relaxed)
    }

    /// Drops one reference; the last frees the entry.
    func release(_ entry: UInt32, _ worker: UInt32) {
        if entries[entry].references.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 {
            entryPool.put(entry, worker)
        }
    }
}
