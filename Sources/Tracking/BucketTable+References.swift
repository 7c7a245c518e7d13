import Synchronization

extension BucketTable {
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
    /// happens to its bucket. Nil if the key is not there, or as many references are out as there are spares.
    func hold(_ key: Key, now: Int64) -> UInt32? {
        let home = home(key.digest(hashing))
        lock(home)
        defer { unlock(home) }
        guard let bucket = find(key, home: home, now: now) else { return nil }
        if referencesLeft.subtract(1, ordering: .relaxed).oldValue <= 0 {
            referencesLeft.add(1, ordering: .relaxed)
            return nil
        }
        let entry = buckets[bucket].entry.load(ordering: .relaxed)
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
            sparePool.put(entry, worker)
        }
    }
}
