/// How many slots each member is due: whole numbers that add up to the table's size.
///
/// The slots are apportioned by the divisor method of Webster (M. Balinski, H. P. Young, *Fair Representation*, 1982),
/// with at least one slot for every weight above 0. A divisor method is population monotone: when a member leaves or loses
/// weight, no other member is due less than before. So quotas alone never make a slot move that need not. Equal weights
/// differ by at most one slot; ties are broken by a hash of the name, not by its place in the alphabet.
struct SlotQuotas {
    /// The number of slots of each member, in the order given.
    private(set) var quotas: [Int]

    private let weights: [UInt32]
    private let ties: [UInt64]

    /// Apportions `slots` slots.
    ///
    /// - Parameters:
    ///   - weights: 0 … 65535 each, not all of them 0.
    ///   - names: for breaking ties; as many as weights.
    ///   - slots: not below the number of weights above 0, at most 2²⁴.
    init(weights: [UInt32], names: [String], slots: Int) {
        self.weights = weights
        ties = names.map { StableHash.hash($0, seed: 0x7469_6573) }
        let total = weights.reduce(UInt64(0)) { $0 + UInt64($1) }
        // The share in whole numbers, a half rounded up: no product exceeds 2²⁴ · 2¹⁶ · 2.
        quotas = weights.map { weight in
            weight == 0 ? 0 : max(1, Int((2 * UInt64(weight) * UInt64(slots) + total) / (2 * total)))
        }
        settle(slots - quotas.reduce(0, +))
    }

    /// Gives out what rounding left over, or takes back what it gave too much, one slot at a time to or from the member
    /// with the best claim: the greatest weight / (2·quota + 1), the smallest weight / (2·quota − 1).
    private mutating func settle(_ missing: Int) {
        if missing == 0 { return }
        var heap = Heap(quotas.indices.compactMap { claim(of: $0, giving: missing > 0) })
        for _ in 0..<abs(missing) {
            let index = heap.first!.index
            quotas[index] += missing.signum()
            if let claim = claim(of: index, giving: missing > 0) {
                heap.replaceFirst(with: claim)
            } else {
                heap.removeFirst()
            }
        }
    }

    /// The member's claim on one more slot, or on losing one; nil where it may not take part.
    private func claim(of index: Int, giving: Bool) -> Claim? {
        let quota = quotas[index]
        if giving {
            if quota == 0 { return nil }
            return Claim(up: UInt64(weights[index]), down: UInt64(2 * quota + 1), tie: ties[index], index: index)
        }
        // Losing a slot is a claim by the inverse, so that one heap serves both ways. The last slot stays.
        if quota <= 1 { return nil }
        return Claim(up: UInt64(2 * quota - 1), down: UInt64(weights[index]), tie: ~ties[index], index: index)
    }

    /// A fraction and who stands behind it.
    private struct Claim: Comparable {
        let up: UInt64
        let down: UInt64
        let tie: UInt64
        let index: Int

        /// The better claim is the lesser element: by size, then by hash, then by name.
        static func < (first: Claim, second: Claim) -> Bool {
            let left = first.up * second.down
            let right = second.up * first.down
            if left != right { return left > right }
            if first.tie != second.tie { return first.tie > second.tie }
            return first.index < second.index
        }

        /// In the sense of the order above: no two members have the same index.
        static func == (first: Claim, second: Claim) -> Bool { first.index == second.index }
    }
}
