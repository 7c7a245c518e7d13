import Selection
import Testing

/// The published properties of the table: balance and disruption as in the Maglev paper (NSDI 2016, §5.3), and stricter
/// where the project promises more.
@Suite struct MaglevPropertyTests {
    /// "at most 1 %": greatest over mean and least over mean, for M ≥ 100·N.
    @Test(arguments: NameSet.allCases)
    func sharesOfEqualMembersAreWithinOnePercent(names: NameSet) throws {
        for (members, size) in [(2, 251), (10, 1009), (40, 4093), (100, 10007), (100, 65537), (655, 65537)] {
            let shares = try ShardTable.build(members: names.members(members), size: size).shares()
            let mean = Double(size) / Double(members)
            #expect(size >= 100 * members)
            #expect(Double(shares.max()!) / mean <= 1.01)
            #expect(Double(shares.min()!) / mean >= 0.99)
            #expect(shares.reduce(0, +) == size)
        }
    }

    @Test(arguments: NameSet.affordable)
    func removingOneOfAHundredMovesAtMost1Point65PercentOnAverageAnd1Point8AtWorst(names: NameSet) throws {
        let removals = try removeEachInTurn(names.members(100), size: 65537)
        let moved = removals.map(\.movedShare)
        let mean = moved.reduce(0, +) / Double(moved.count)
        print("N=100 M=65537 \(names): moved \(percent(mean)) on average, \(percent(moved.max()!)) at worst")
        #expect(mean <= 0.0165)
        #expect(moved.max()! <= 0.018)
    }

    @Test(arguments: NameSet.affordable)
    func removingOneOfFortyMovesAtMostThreePercentOfTheOthersSlots(names: NameSet) throws {
        let removals = try removeEachInTurn(names.members(40), size: 4093)
        let others = removals.map(\.othersMovedShare)
        let mean = others.reduce(0, +) / Double(others.count)
        print("N=40 M=4093 \(names): others moved \(percent(mean)) on average, \(percent(others.max()!)) at worst")
        #expect(others.max()! <= 0.03)
    }

    /// Draining a member means weight 0: to the slots it is the same as removing it.
    @Test func weightZeroMovesExactlyWhatRemovalMoves() throws {
        let members = NameSet.hostnames.members(40)
        let removed = try ShardTable.build(members: Array(members.dropFirst()), size: 4093)
        let drained = try ShardTable.build(
            members: [TableMember(name: members[0].name, weight: 0)] + members.dropFirst(), size: 4093)
        #expect(drained.difference(from: removed).moved == 0)
        #expect(drained.members.count == 40)
        #expect(drained.digest != removed.digest)
    }

    @Test(arguments: NameSet.affordable)
    func aSmallChangeOfWeightMovesLittleMoreThanItMust(names: NameSet) throws {
        let before = try ShardTable.build(members: names.members(40) { _ in 100 }, size: 4093)
        for changed in 1...40 {
            let after = try ShardTable.build(
                members: names.members(40) { $0 == changed ? 50 : 100 }, size: 4093)
            let difference = after.difference(from: before)
            #expect(difference.movedShare <= 0.0125 + 0.03)
        }
    }

    private func removeEachInTurn(_ members: [TableMember], size: Int) throws -> [Removal] {
        let before = try ShardTable.build(members: members, size: size)
        return try members.indices.map { removed in
            var rest = members
            rest.remove(at: removed)
            let difference = try ShardTable.build(members: rest, size: size).difference(from: before)
            let own = difference.changes.first { $0.name == members[removed].name }!
            return Removal(moved: difference.moved, own: own.lost, size: size)
        }
    }

    private struct Removal {
        let moved: Int
        let own: Int
        let size: Int

        var movedShare: Double { Double(moved) / Double(size) }
        var othersMovedShare: Double { Double(moved - own) / Double(size - own) }
    }
}

/// 0.0123 as "1.23 %".
func percent(_ share: Double) -> String {
    let hundredths = Int((share * 10_000).rounded())
    let fraction = hundredths % 100
    return "\(hundredths / 100).\(fraction < 10 ? "0" : "")\(fraction) %"
}
