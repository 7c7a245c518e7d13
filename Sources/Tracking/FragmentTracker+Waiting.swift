extension FragmentTracker {
    /// Whether fragments were released to this worker whose tokens have not come back yet: look again soon.
    public func awaitsTokens(worker: Int) -> Bool {
        workers[UInt32(truncatingIfNeeded: worker)].releasedHead != IndexPool.none
    }

    /// Whether a fragment of this packet has been tracked, by any worker, and its time is not over.
    public func knows(_ key: FragmentKey, now: Int64) -> Bool {
        let home = table.home(hash(key))
        table.lock(home)
        defer { table.unlock(home) }
        return table.find(key, home: home, now: now) != nil
    }

    /// How many parked fragments this worker has given up because their tokens never came back.
    public func lost(worker: Int) -> UInt64 {
        workers[UInt32(truncatingIfNeeded: worker)].lost.total
    }
}
