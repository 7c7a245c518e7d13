import Synchronization

extension SourceLedger {
    /// Evictions that one search for the heaviest sources serves.
    private static var freshness: UInt32 { 64 }
    /// Records looked at for one eviction.
    static var searchLimit: UInt32 { 4096 }

    /// What could be given up.
    struct Candidate {
        let entry: UInt32
        let sequence: UInt32
        let ringWorker: UInt32
    }

    /// The heaviest source's oldest record that is not yet searched, nil if there is none within the search limit.
    /// `budget` is the number of records that may still be looked at.
    ///
    /// The sixteen heaviest slots are found by one pass over all slots, at most every 64 evictions; among them the
    /// heaviest now is taken. Each of them has its own hand in the rings that only moves forward, so a record is
    /// looked at once per heavy source, however many evictions there are.
    func candidate(_ worker: UInt32, budget: inout UInt32) -> Candidate? {
        if cells[worker].fresh == 0 { rank(worker) }
        while budget > 0, let place = heaviest(worker) {
            var heavy = cells[worker].heavies[place]
            let ring = UInt32(heavy.ring)
            let head = cells[ring].head.load(ordering: .relaxed)
            if head &- heavy.hand > capacity { heavy.hand = head &- capacity }
            var found: Candidate?
            while found == nil, heavy.hand != head, budget > 0 {
                budget -= 1
                let record = record(heavy.hand, ring)
                if record.slot == heavy.slot {
                    found = Candidate(entry: record.entry, sequence: heavy.hand, ringWorker: ring)
                }
                heavy.hand &+= 1
            }
            if found == nil, heavy.hand == head {
                let next = ring + 1 == workers ? 0 : ring + 1
                heavy.ring = UInt8(truncatingIfNeeded: next)
                heavy.ringsLeft -= 1
                heavy.hand = oldest(next)
            }
            cells.cell(worker).its.heavies[place] = heavy
            if let found { return found }
        }
        // All were searched to the end: whoever comes next begins anew.
        if budget > 0 { cells.cell(worker).its.fresh = 0 }
        return nil
    }

    /// Notes that an eviction was done.
    func evicted(_ worker: UInt32) {
        let fresh = cells[worker].fresh
        if fresh > 0 { cells.cell(worker).its.fresh = fresh - 1 }
    }

    /// Which of the sixteen is the heaviest now and not yet searched to the end.
    private func heaviest(_ worker: UInt32) -> Int? {
        var best: Int?
        var bestWeight: Int32 = 0
        for place in 0..<16 where cells[worker].heavies[place].ringsLeft > 0 {
            let weight = weight(cells[worker].heavies[place].slot)
            if weight > bestWeight {
                best = place
                bestWeight = weight
            }
        }
        return best
    }

    /// Finds the sixteen heaviest slots. A slot that stays keeps its hand.
    private func rank(_ worker: UInt32) {
        cells.cell(worker).its.fresh = Self.freshness
        let old = cells[worker].heavies
        var weights = InlineArray<16, Int32>(repeating: 0)
        var slots = InlineArray<16, UInt16>(repeating: 0)
        var least = 0
        for slot in 0..<UInt16(Self.slots) {
            let weight = weight(slot)
            if weight <= weights[least] { continue }
            weights[least] = weight
            slots[least] = slot
            for place in 0..<16 where weights[place] < weights[least] { least = place }
        }
        for place in 0..<16 {
            var heavy = Heavy()
            heavy.slot = slots[place]
            heavy.ring = UInt8(truncatingIfNeeded: worker)
            heavy.ringsLeft = weights[place] > 0 ? UInt8(truncatingIfNeeded: workers) : 0
            heavy.hand = oldest(worker)
            for known in 0..<16 where old[known].ringsLeft > 0 && old[known].slot == heavy.slot { heavy = old[known] }
            cells.cell(worker).its.heavies[place] = heavy
        }
    }
}
