/// Fills a table of `size` slots, a prime, by the quotas, which add up to it; gives each slot's place in `members`.
///
/// Every member runs through the slots in an order of its own, and a slot belongs to whoever comes first. This is Maglev's
/// table (NSDI 2016, §3.4) with three changes:
///
/// * A member whose next slot is taken has lost that attempt; in Maglev it walks on to a free slot within the same turn. So
///   who gets a slot depends on those who want *this* slot, and not on how full the table is around it.
/// * Equal shares come from quotas instead of turns (``SlotQuotas``): a member that has all it is due stops.
/// * Orders are `offset + skip · T[k]` modulo the size, with offset and skip from the member's name and one shuffle T shared
///   by all. With Maglev's own `T[k] = k`, two names with alike skips follow each other around the table, and the removal
///   of one moves many of the other's slots.
///
/// Of the slots that need not move when a member leaves, about half as many move as in Maglev's own table.
///
/// Time runs in slices. A member's k-th attempt falls at (k + 1 − phase) / weight, its phase from its name; the slices are
/// so wide that those still running make four to eight attempts each on average. Within a slice they run in the order of their
/// phases. Once few slots and few members are left, each member's arrival at each slot is computed instead of awaited: the
/// last thousandth of the slots would otherwise cost a third of all attempts, which are about M · ln M.
func fillSlots(members: [TableMember], quotas: [Int], size: Int) -> [UInt16] {
    var runners = members.indices.filter { quotas[$0] > 0 }.map { index in
        SlotRunner(member: members[index], index: index, quota: quotas[index], size: size)
    }
    runners.sort { $0.precedes($1) }
    let shuffle = fixedShuffle(count: size)
    let modulus = Modulus(UInt64(size))
    var slots = [UInt16](repeating: 0, count: size)
    // One bit per slot, set when it is taken: for 65,537 slots this stays in the first-level cache.
    var taken = [UInt64](repeating: 0, count: (size + 63) / 64)
    runRace(&runners, slots: &slots, taken: &taken, shuffle: shuffle, modulus: modulus)
    let open = slots.indices.filter { taken[$0 >> 6] >> UInt64($0 & 63) & 1 == 0 }
    finishRace(&runners, open: open, shuffle: shuffle, modulus: modulus, slots: &slots)
    return slots
}

/// The race is run until there are fewer pairs of an open slot and a running member than this.
private let pairsWorthComputing = 1 << 14

/// Lets all run, slice by slice, as long as there are many; keeps those who are not done.
private func runRace(
    _ runners: inout [SlotRunner], slots: inout [UInt16], taken: inout [UInt64], shuffle: [UInt32], modulus: Modulus
) {
    var running = runners.count
    var weight = runners.reduce(UInt64(0)) { $0 + UInt64($1.weight) }
    var open = slots.count
    let order = shuffle.span
    // Spans, so that nothing in the loop counts references or looks whether it has to copy.
    var field = runners.mutableSpan
    var slots = slots.mutableSpan
    var taken = taken.mutableSpan
    while open * running >= pairsWorthComputing {
        // Weights are widened into credit so that the average of those running becomes four to eight attempts, and more
        // where most attempts fail.
        let average = weight / UInt64(running)
        let haste = open &* 8 > slots.count ? 2 : open &* 32 > slots.count ? 4 : 6
        let widening = UInt64(SlotRunner.attemptBits &- (63 &- average.leadingZeroBitCount) &+ haste)
        var done = 0
        for place in 0..<running {
            var credit = field[place].credit &+ UInt64(field[place].weight) &<< widening
            if credit < SlotRunner.attempt {
                field[place].credit = credit
                continue
            }
            let skip = UInt64(field[place].skip)
            let offset = UInt64(field[place].offset)
            var attempt = Int(field[place].attempts)
            repeat {
                credit &-= SlotRunner.attempt
                let slot = Int(truncatingIfNeeded: modulus.remainder(of: offset &+ skip &* UInt64(order[attempt])))
                attempt &+= 1
                let bit = UInt64(1) &<< UInt64(slot & 63)
                let word = taken[slot &>> 6]
                if word & bit != 0 { continue }
                taken[slot &>> 6] = word | bit
                slots[slot] = field[place].index
                open &-= 1
                field[place].left &-= 1
                if field[place].left == 0 {
                    weight &-= UInt64(field[place].weight)
                    done &+= 1
                    break
                }
            } while credit >= SlotRunner.attempt
            field[place].credit = credit
            field[place].attempts = UInt32(truncatingIfNeeded: attempt)
        }
        if done > 0 {
            var kept = 0
            for place in 0..<running where field[place].left > 0 {
                field[kept] = field[place]
                kept &+= 1
            }
            running = kept
        }
    }
    runners.removeLast(runners.count - running)
}
