// Functions that nobody calls: an optimised build fails if anything on the packet path may allocate. (The proof needs
// specialised generics, which a debug build does not have.)

#if !DEBUG
    extension FragmentTracker {
        @_noAllocation
        func trackDoesNotAllocate(
            _ arrival: FragmentArrival, _ key: FragmentKey, _ hashes: Span<UInt64>, _ now: Int64
        ) -> FragmentOutcome {
            prefetch(hashes)
            prefetchChains(hashes)
            prefetchTails(hashes)
            return track(arrival, key: key, hash: hash(key), now: now, worker: 0)
        }

        @_noAllocation
        func takingDoesNotAllocate(
            _ released: inout MutableSpan<ReleasedFragment>, _ dropped: inout MutableSpan<DroppedFragment>, _ now: Int64
        ) -> Int {
            takeReleased(into: &released, now: now, worker: 0) + takeDropped(into: &dropped, now: now, worker: 0)
        }
    }
#endif
