/// Fills a table: every member runs through the slots in an order of its own, and a slot belongs to whoever comes first.
///
/// This is Maglev's table (NSDI 2016, §3.4) with three changes that leave it a pure function of names and weights:
///
/// * A member whose next slot is taken has lost that attempt; in Maglev it walks on to a free slot within the same turn. So
///   who gets a slot depends on those who want *this* slot, and not on how full the table is around it.
/// * Equal shares come from quotas instead of turns (``SlotQuotas``): a member that has all it is due stops.
/// * Orders are `offset + skip · T[k]` modulo the prime size, with offset and skip from the member's name and one shuffle T
///   shared by all. With Maglev's own `T[k] = k`, two names with alike skips follow each other around the table, and the
///   removal of one moves many of the other's slots.
///
/// Of the slots that need not move when a member leaves, about half as many move as in Maglev's own table.
///
/// Time runs in slices. A member's k-th attempt falls at (k + phase) / weight, its phase from its name; the slices are so
/// wide that those still running make one to two attempts each on average. Within a slice they run in the order of their
/// phases. The race needs about M · ln M attempts, and it ends: a member that has tried every slot has left none open.
struct SlotFill {
    /// The member of each slot, by its place in the list given.
    private(set) var slots: [UInt16]

    private var runners: [Runner]
    /// The sum of the runners' weights.
    private var runningWeight: UInt64
    /// One bit per slot, set when it is taken: for 65,537 slots this stays in the first-level cache.
    private var taken: [UInt64]
    private var shuffle: LazyShuffle

    /// Fills `size` slots, a prime, by the quotas, which add up to it.
    init(members: [TableMember], quotas: [Int], size: Int) {
        slots = [UInt16](repeating: 0, count: size)
        taken = [UInt64](repeating: 0, count: (size + 63) / 64)
        shuffle = LazyShuffle(count: size)
        runners = members.indices.lazy.filter { quotas[$0] > 0 }.map { index in
            Runner(member: members[index], index: index, quota: quotas[index], size: size)
        }
        runners.sort { $0.credit != $1.credit ? $0.credit < $1.credit : $0.index < $1.index }
        runningWeight = runners.reduce(0) { $0 &+ UInt64($1.weight) }
        let modulus = Modulus(UInt64(size))
        while !runners.isEmpty { runSlice(modulus) }
    }

    /// Lets everybody run for one slice, and keeps those who are not done.
    private mutating func runSlice(_ modulus: Modulus) {
        // Weights are widened into credit so that the average of those running becomes one to two attempts.
        let average = runningWeight / UInt64(runners.count)
        let widening = UInt64(Runner.attemptBits &- (63 &- average.leadingZeroBitCount))
        var kept = 0
        for place in runners.indices {
            var runner = runners[place]
            runner.credit &+= UInt64(runner.weight) &<< widening
            while runner.credit >= Runner.attempt {
                runner.credit &-= Runner.attempt
                let step = UInt64(runner.skip) &* UInt64(shuffle[Int(runner.attempts)])
                runner.attempts &+= 1
                let slot = Int(truncatingIfNeeded: modulus.remainder(of: UInt64(runner.offset) &+ step))
                let bit = UInt64(1) &<< UInt64(slot & 63)
                let word = taken[slot &>> 6]
                if word & bit != 0 { continue }
                taken[slot &>> 6] = word | bit
                slots[slot] = runner.index
                runner.left &-= 1
                if runner.left == 0 { break }
            }
            if runner.left > 0 {
                runners[kept] = runner
                kept &+= 1
            } else {
                runningWeight &-= UInt64(runner.weight)
            }
        }
        runners.removeLast(runners.count - kept)
    }

    /// A member on its way through the slots.
    private struct Runner {
        /// The two numbers its order is made of: below the size, the second one not 0.
        let offset, skip: UInt32
        /// The attempts it has made.
        var attempts: UInt32 = 0
        /// The slots it is still due.
        var left: UInt32
        let weight: UInt16
        let index: UInt16
        /// What it has saved up of its next attempt; begins with its phase.
        var credit: UInt64

        /// An attempt costs 2⁴⁰, so that a weight of 16 bits fits above it and its phase has many values below.
        static var attemptBits: Int { 40 }
        static var attempt: UInt64 { 1 << UInt64(attemptBits) }

        init(member: TableMember, index: Int, quota: Int, size: Int) {
            offset = UInt32(StableHash.hash(member.name, seed: 1) % UInt64(size))
            skip = UInt32(StableHash.hash(member.name, seed: 2) % UInt64(size - 1)) + 1
            left = UInt32(quota)
            weight = UInt16(member.weight)
            self.index = UInt16(index)
            credit = StableHash.hash(member.name, seed: 3) >> UInt64(64 - Self.attemptBits)
        }
    }
}

/// A fixed shuffle of 0 ..< count (Fisher–Yates), worked out only as far as it is asked for.
private struct LazyShuffle {
    private var values: [UInt32]
    private var settled = 0
    private var state: UInt64 = 0

    init(count: Int) { values = [UInt32](0..<UInt32(count)) }

    /// The value at `index`, which is at most one beyond the furthest index asked for so far.
    subscript(index: Int) -> UInt32 {
        mutating get {
            if index == settled { settleNext() }
            return values[index]
        }
    }

    private mutating func settleNext() {
        // SplitMix64 (Steele, Lea, Flood, OOPSLA 2014), begun at 0 for all tables ever built.
        state &+= 0x9E37_79B9_7F4A_7C15
        var random = (state ^ (state &>> 30)) &* 0xBF58_476D_1CE4_E5B9
        random = (random ^ (random &>> 27)) &* 0x94D0_49BB_1331_11EB
        random ^= random &>> 31
        let choice = Int(random.multipliedFullWidth(by: UInt64(values.count - settled)).high)
        values.swapAt(settled, settled + choice)
        settled += 1
    }
}

/// Remainders by one divisor without a division (P. Barrett, CRYPTO '86).
private struct Modulus {
    let divisor: UInt64
    let reciprocal: UInt64

    /// - Parameter divisor: 2 ..< 2²⁴.
    init(_ divisor: UInt64) {
        self.divisor = divisor
        reciprocal = .max / divisor
    }

    /// The remainder of a number below 2⁴⁹: the estimated quotient is at most one too small.
    func remainder(of number: UInt64) -> UInt64 {
        let rest = number &- number.multipliedFullWidth(by: reciprocal).high &* divisor
        return rest >= divisor ? rest &- divisor : rest
    }
}
