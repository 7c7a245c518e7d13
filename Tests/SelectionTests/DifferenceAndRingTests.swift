import Selection
import Testing

@Suite struct DifferenceAndRingTests {
    @Test func aDifferenceCountsEverySlotThatMoved() throws {
        let before = try ShardTable.build(members: NameSet.numbered.members(10), size: 1009)
        let after = try ShardTable.build(members: NameSet.numbered.members(11), size: 1009)
        let difference = after.difference(from: before)
        let names = { (table: ShardTable) in table.slots.map { table.members[Int($0)].name } }
        let moved = zip(names(before), names(after)).filter { $0 != $1 }
        #expect(difference.moved == moved.count)
        for change in difference.changes {
            #expect(change.gained == moved.count { $0.1 == change.name })
            #expect(change.lost == moved.count { $0.0 == change.name })
            #expect(change.slots == names(after).count { $0 == change.name })
        }
        #expect(difference.changes.map(\.name) == after.members.map(\.name))
        #expect(after.difference(from: after).moved == 0)
    }

    /// A pool that gets a finer table keeps about as much as hashing allows: what the same keys see counts.
    @Test func tablesOfDifferentSizesAreComparedByTheirKeys() throws {
        let one = try ShardTable.build(members: NameSet.numbered.members(1), size: 251)
        let finer = try ShardTable.build(members: NameSet.numbered.members(1), size: 4093)
        #expect(finer.difference(from: one).moved == 0)
        let other = try ShardTable.build(members: NameSet.hostnames.members(1), size: 4093)
        #expect(other.difference(from: one).moved == 4093)
    }

    @Test func candidatesBeginAtTheKeysSlotAndNeverRepeat() throws {
        let table = try ShardTable.build(members: NameSet.numbered.members(8) { $0 == 3 ? 0 : 1 }, size: 251)
        var generator = SeededGenerator(state: 5)
        for _ in 0..<1000 {
            let hash = generator.next()
            let candidates = Ring.candidates(forKey: hash, in: table, count: 8)
            #expect(candidates.count == 7)
            #expect(Set(candidates).count == 7)
            #expect(candidates[0] == table[Int(hash.multipliedFullWidth(by: 251).high)])
            #expect(!candidates.contains { table.members[$0].weight == 0 })
            #expect(Ring.candidates(forKey: hash, in: table, count: 3) == Array(candidates.prefix(3)))
        }
        #expect(Ring.candidates(forKey: .max, in: table, count: 1) == [table[250]])
        #expect(Ring.candidates(forKey: 0, in: table, count: 0).isEmpty)
    }

    /// When a member dies, its keys go to what was their second candidate, for most keys.
    @Test func mostKeysKeepTheirOtherCandidatesWhenAMemberLeaves() throws {
        let members = NameSet.numbered.members(10)
        let before = try ShardTable.build(members: members, size: 4093)
        let after = try ShardTable.build(members: Array(members.dropLast()), size: 4093)
        var generator = SeededGenerator(state: 6)
        var kept = 0
        for _ in 0..<1000 {
            let hash = generator.next()
            let old = Ring.candidates(forKey: hash, in: before, count: 10).map { before.members[$0].name }
            let new = Ring.candidates(forKey: hash, in: after, count: 1).map { after.members[$0].name }
            if old.first(where: { $0 != members[9].name }) == new[0] { kept += 1 }
        }
        #expect(kept >= 850)
    }
}
