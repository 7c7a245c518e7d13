extension FragmentTracker {
    /// Whether fragments were released to this worker whose tokens have not come back yet: look again soon.
    public func awaitsTokens(worker: Int) -> Bool {
        workers[UInt32(truncatingIfNeeded: worker)].releasedHead != IndexPool.none
    }

    /// How many parked fragments this worker has given up because their tokens never came back.
    public func lost(worker: Int) -> UInt64 {
        workers[UInt32(truncatingIfNeeded: worker)].lost.total
    }
}
