import Synchronization

extension SourceLedger {
    /// Evictions that one search for the heaviest sources serves.
    private static var freshness: UInt32 { 64 }
    /// Records looked at for one eviction.
    static var searchLimit: UInt32 { 4096 }

    /// What could be given up.
    struct Candidate {
        let place: UInt32
        let slot: UInt16
        let time: Int64
        let sequence: UInt32
        let ringWorker: UInt32
    }

    /// The record of `sequence` as a candidate.
    func candidate(at sequence: UInt32, in ringWorker: UInt32) -> Candidate {
        let record = record(sequence, ringWorker)
        return Candidate(
            place: record.place, slot: record.slot, time: record.time, sequence: sequence, ringWorker: ringWorker)
    }

    /// What a whole packet is worth: a known source is as heavy as a stranger with so much less.
    private static var credit: Int32 { 8 }

    /// The record of what should be given up next, nil if there is none within the search limit. `budget` is the number
    /// of records that may still be looked at.
    ///
    /// 1. A source that clearly holds more than its share: the heaviest one's oldest. A flood from few sources starves
    ///    itself.
    /// 2. Nobody does, so the pressure comes from many sources: the oldest of all, where a known source's packet may be
    ///    eight times as old as a stranger's. A flood from random sources, whose packets never become whole, starves
    ///    itself; whoever completes his packets sooner than the flood fills the table is not touched, known or not.
    func candidate(
        _ worker: UInt32, now: Int64, known: borrowing KnownSources, budget: inout UInt32
    ) -> Candidate? {
        if cells[worker].fresh == 0 { rank(worker, now, known) }
        if let found = heaviestOldest(worker, now, known, &budget) { return found }
        if let found = oldest(worker, now, known, &budget) { return found }
        // All were searched to the end: whoever comes next begins anew.
        if budget > 0 { cells.cell(worker).its.fresh = 0 }
        return nil
    }

    /// The oldest record, not yet searched, of the heaviest source that holds more than its share.
    ///
    /// The sixteen heaviest slots are found by one pass over all slots, at most every 64 evictions; among them the
    /// heaviest now is taken. Each of them has its own hand in the rings that only moves forward, so a record is
    /// looked at once per heavy source, however many evictions there are.
    private func heaviestOldest(
        _ worker: UInt32, _ now: Int64, _ known: borrowing KnownSources, _ budget: inout UInt32
    ) -> Candidate? {
        while budget > 0, let place = heaviest(worker, now, known) {
            var heavy = cells[worker].heavies[place]
            let ring = UInt32(heavy.ring)
            let head = cells[ring].head.load(ordering: .relaxed)
            if head &- heavy.hand > capacity { heavy.hand = head &- capacity }
            var found: Candidate?
            while found == nil, heavy.hand != head, budget > 0 {
                budget -= 1
                let record = candidate(at: heavy.hand, in: ring)
                if record.slot == heavy.slot { found = record }
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
        return nil
    }

    /// The oldest record, the age of known sources counting an eighth: in the worker's own ring, then in the others'. The
    /// worker has two hands in each ring that only move forward, one for strangers and one for all.
    private func oldest(
        _ worker: UInt32, _ now: Int64, _ known: borrowing KnownSources, _ budget: inout UInt32
    ) -> Candidate? {
        var ring = worker
        repeat {
            let hands = hands.cell(worker &* workers &+ ring)
            let head = cells[ring].head.load(ordering: .relaxed)
            if head &- hands.its.all > capacity { hands.its.all = head &- capacity }
            if head &- hands.its.strangers > capacity { hands.its.strangers = head &- capacity }
            while budget > 0, hands.its.strangers != head, known.contains(record(hands.its.strangers, ring).slot, now) {
                hands.its.strangers &+= 1
                budget -= 1
            }
            if budget == 0 { return nil }
            budget -= 1
            var takesStranger = hands.its.strangers != head
            if hands.its.all != head {
                let age = now &- record(hands.its.all, ring).time
                if takesStranger {
                    let strangersAge = now &- record(hands.its.strangers, ring).time
                    takesStranger = age <= strangersAge &* Int64(Self.credit)
                }
                if !takesStranger {
                    let sequence = hands.its.all
                    hands.its.all = sequence &+ 1
                    return candidate(at: sequence, in: ring)
                }
            }
            if takesStranger {
                let sequence = hands.its.strangers
                hands.its.strangers = sequence &+ 1
                return candidate(at: sequence, in: ring)
            }
            ring = ring + 1 == workers ? 0 : ring + 1
        } while ring != worker && budget > 0
        return nil
    }

    /// How much a slot presses on the others.
    private func pressure(_ slot: UInt16, _ now: Int64, _ known: borrowing KnownSources) -> Int32 {
        let weight = weight(slot)
        return weight > 0 && !known.contains(slot, now) ? weight * Self.credit : weight
    }

    /// What a source may hold of `room` places, and more than which it is a flood: four times the average of 4,096 slots
    /// and eight for chance, but in a small table no more than an eighth of it.
    static func share(of room: Int) -> Int32 {
        Int32(truncatingIfNeeded: max(2, min(8 + 4 * room / slots, room / 8))) * credit
    }

    /// Notes that an eviction was done.
    func evicted(_ worker: UInt32) {
        let fresh = cells[worker].fresh
        if fresh > 0 { cells.cell(worker).its.fresh = fresh - 1 }
    }

    /// Which of the sixteen presses most now, beyond its share, and is not yet searched to the end.
    private func heaviest(_ worker: UInt32, _ now: Int64, _ known: borrowing KnownSources) -> Int? {
        var best: Int?
        var most = share - 1
        for place in 0..<16 where cells[worker].heavies[place].ringsLeft > 0 {
            let pressure = pressure(cells[worker].heavies[place].slot, now, known)
            if pressure > most {
                best = place
                most = pressure
            }
        }
        return best
    }

    /// Finds the sixteen heaviest slots. A slot that stays keeps its hand.
    private func rank(_ worker: UInt32, _ now: Int64, _ known: borrowing KnownSources) {
        cells.cell(worker).its.fresh = Self.freshness
        let old = cells[worker].heavies
        var weights = InlineArray<16, Int32>(repeating: 0)
        var slots = InlineArray<16, UInt16>(repeating: 0)
        var least = 0
        for slot in 0..<UInt16(Self.slots) {
            let weight = pressure(slot, now, known)
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
