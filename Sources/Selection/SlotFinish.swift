/// Gives out the open slots in the order in which the runners would arrive at them.
///
/// - Parameters:
///   - runners: those still due slots, together as many as are open.
///   - open: the open slots.
///   - shuffle: see ``fillSlots(members:quotas:size:)``.
///   - slots: where the winners are written.
func finishRace(
    _ runners: inout [SlotRunner], open: [Int], shuffle: [UInt32], modulus: Modulus, slots: inout [UInt16]
) {
    let times = arrivalTimes(runners, at: open, shuffle: shuffle, modulus: modulus)
    var bids = Heap(open.indices.map { earliestBid(for: $0, of: runners, times: times) })
    while let bid = bids.first {
        if runners[bid.runner].left > 0 {
            slots[open[bid.place]] = runners[bid.runner].index
            runners[bid.runner].left -= 1
            bids.removeFirst()
        } else {
            // Whoever came first has got all it is due meanwhile. Later bids stay below, so the order holds.
            bids.replaceFirst(with: earliestBid(for: bid.place, of: runners, times: times))
        }
    }
}

/// When each runner would try each open slot; one row per slot.
private func arrivalTimes(_ runners: [SlotRunner], at open: [Int], shuffle: [UInt32], modulus: Modulus) -> [UInt64] {
    var places = [UInt32](repeating: 0, count: shuffle.count)
    for place in shuffle.indices { places[Int(shuffle[place])] = UInt32(truncatingIfNeeded: place) }
    var times = [UInt64](repeating: 0, count: open.count * runners.count)
    for index in runners.indices {
        let runner = runners[index]
        let inverse = modulus.inverse(of: UInt64(runner.skip))
        let pace = UInt64.max / UInt64(runner.weight)
        let lead = modulus.divisor - UInt64(runner.offset)
        var cell = index
        for slot in open {
            let attempt = places[Int(modulus.remainder(of: (UInt64(slot) &+ lead) &* inverse))]
            times[cell] = runner.time(ofAttempt: attempt, pace: pace)
            cell &+= runners.count
        }
    }
    return times
}

/// The first arrival at the slot in `place` among those still due slots.
private func earliestBid(for place: Int, of runners: [SlotRunner], times: [UInt64]) -> Bid {
    var best = Bid(time: .max, runner: 0, place: place)
    for index in runners.indices where runners[index].left > 0 {
        let time = times[place &* runners.count &+ index]
        if time < best.time { best = Bid(time: time, runner: index, place: place) }
    }
    return best
}

/// A runner's claim on an open slot.
private struct Bid: Comparable {
    let time: UInt64
    let runner, place: Int

    static func < (first: Bid, second: Bid) -> Bool {
        if first.time != second.time { return first.time < second.time }
        if first.runner != second.runner { return first.runner < second.runner }
        return first.place < second.place
    }
}
