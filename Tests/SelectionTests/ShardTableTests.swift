import Selection
import Testing

@Suite struct ShardTableTests {
    /// Two load balancers that were told the same in different orders agree.
    @Test func fiveThousandOrdersOfCommandsGiveOneDigest() throws {
        #if DEBUG
            let size = 53
        #else
            let size = 1009
        #endif
        let final = NameSet.hostnames.members(12) { UInt32($0 % 5) * 50 }
        let expected = try ShardTable.build(members: final, size: size)
        var generator = SeededGenerator(state: 42)
        for _ in 0..<5000 {
            var weights: [String: UInt32] = [:]
            // Members that come and go again, weights that change and change back, then the set itself in some order.
            for _ in 0..<Int.random(in: 0...20, using: &generator) {
                let name = NameSet.hostnames.name(Int.random(in: 1...20, using: &generator))
                weights[name] = Bool.random(using: &generator) ? UInt32.random(in: 0...100, using: &generator) : nil
            }
            for name in weights.keys where !final.contains(where: { $0.name == name }) { weights[name] = nil }
            for member in final.shuffled(using: &generator) { weights[member.name] = member.weight }
            let members = weights.map { TableMember(name: $0.key, weight: $0.value) }.shuffled(using: &generator)
            let table = try ShardTable.build(members: members, size: size)
            #expect(table.digest == expected.digest)
        }
    }

    /// Every version of the program, on every machine, has to come to these; another value breaks mixed tiers.
    @Test func theDigestOfAKnownTableIsFixed() throws {
        let small = try ShardTable.build(members: NameSet.numbered.members(3) { UInt32($0) }, size: 251)
        let large = try ShardTable.build(members: NameSet.numbered.members(40), size: 4093)
        #expect(small.digestText == "fa803e585b395d0c")
        #expect(large.digestText == "78b9004e70eb53f1")
    }

    @Test func theDigestTellsEveryDifference() throws {
        let members = NameSet.numbered.members(5)
        var digests: Set<UInt64> = []
        digests.insert(try ShardTable.build(members: members, size: 251).digest)
        digests.insert(try ShardTable.build(members: members, size: 257).digest)
        digests.insert(try ShardTable.build(members: Array(members.dropLast()), size: 251).digest)
        digests.insert(try ShardTable.build(members: NameSet.numbered.members(5) { _ in 2 }, size: 251).digest)
        digests.insert(try ShardTable.build(members: NameSet.hostnames.members(5), size: 251).digest)
        #expect(digests.count == 5)
        #expect(try ShardTable.build(members: members, size: 251, epoch: 9).epoch == 9)
    }

    /// Shares follow the weights to within a slot, or a thousandth of the member's own, however unequal they are.
    @Test(arguments: NameSet.allCases)
    func sharesFollowWeights(names: NameSet) throws {
        let weightings: [@Sendable (Int) -> UInt32] = [
            { $0 == 1 ? 100 : 1 }, { $0 == 1 ? 1 : 100 }, { UInt32($0) }, { UInt32(1 + $0 * $0 % 97) },
        ]
        for weighting in weightings {
            for count in [2, 7, 40] {
                let table = try ShardTable.build(members: names.members(count, weight: weighting), size: 65537)
                let total = table.members.reduce(0) { $0 + Int($1.weight) }
                for (member, share) in zip(table.members, table.shares()) {
                    let due = Double(member.weight) * 65537 / Double(total)
                    #expect(abs(Double(share) - due) <= max(1, due / 1000))
                }
            }
        }
    }

    @Test func weightZeroTakesNoSlotAndTheLeastWeightTakesOne() throws {
        let members = [
            TableMember(name: "huge", weight: 65535), TableMember(name: "none", weight: 0),
            TableMember(name: "tiny", weight: 1),
        ]
        let table = try ShardTable.build(members: members, size: 251)
        #expect(table.members.map(\.name) == ["huge", "none", "tiny"])
        #expect(table.shares() == [250, 0, 1])
    }

    /// Webster's method is population monotone.
    @Test func nobodyIsDueFewerSlotsWhenSomebodyLeaves() throws {
        var generator = SeededGenerator(state: 3)
        for _ in 0..<50 {
            let members = NameSet.numbered.members(20) { _ in UInt32.random(in: 1...300, using: &generator) }
            let before = try ShardTable.build(members: members, size: 1009)
            let leaver = Int.random(in: 0..<20, using: &generator)
            var rest = members
            rest.remove(at: leaver)
            let difference = try ShardTable.build(members: rest, size: 1009).difference(from: before)
            for change in difference.changes where change.name != members[leaver].name {
                #expect(change.gained >= change.lost)
            }
        }
    }

    @Test func mistakesAreNamedWithTheirRemedy() {
        let one = TableMember(name: "a")
        expect([], 251, .noMembers, says: "add a backend")
        expect([TableMember(name: "a", weight: 0)], 251, .noActiveMembers(members: 1), says: "weight above 0")
        expect([one, TableMember(name: "b"), one], 251, .duplicateMember(name: "a"), says: "'a'")
        expect([TableMember(name: "")], 251, .emptyName, says: "name each")
        expect(
            [TableMember(name: "a", weight: 65536)], 251, .weightTooLarge(name: "a", weight: 65536), says: "above 65535"
        )
        expect([one], 4096, .sizeNotPrime(size: 4096, nearest: 4099), says: "take 4099")
        expect([one], 4094, .sizeNotPrime(size: 4094, nearest: 4093), says: "take 4093")
        expect([one], 1, .sizeTooSmall(size: 1, members: 1, smallest: 2, recommended: 101), says: "at least 2")
        expect(
            NameSet.numbered.members(10), 7, .sizeTooSmall(size: 7, members: 10, smallest: 11, recommended: 1009),
            says: "1009 for shares within 1 %")
        expect([one], 16_777_259, .sizeTooLarge(size: 16_777_259, largest: 16_777_213), says: "at most")
        expect(
            NameSet.numbered.members(65536), 65537, .tooManyMembers(count: 65536), says: "split the pool")
    }

    @Test func everyTableSizeFromTheLeastOnIsFilled() throws {
        for (count, size) in [(1, 2), (2, 2), (3, 3), (5, 5), (1, 65537), (251, 251), (5000, 5003)] {
            let table = try ShardTable.build(members: NameSet.numbered.members(count), size: size)
            #expect(table.shares().min()! >= size / count)
            #expect(table.shares().max()! <= (size + count - 1) / count)
        }
    }

    @Test func theSlotsAreAlignedPaddedAndTheSameForAllReaders() throws {
        let table = try ShardTable.build(members: NameSet.numbered.members(3), size: 251)
        let slots = table.slots
        let (address, same) = unsafe table.storage.withUnsafeSlots { buffer in
            unsafe (UInt(bitPattern: buffer.baseAddress!), buffer.elementsEqual(slots))
        }
        #expect(address % 64 == 0)
        #expect(same)
        #expect((0..<251).allSatisfy { table[$0] == Int(slots[$0]) })
    }

    private func expect(
        _ members: [TableMember], _ size: Int, _ error: SelectionError, says part: String,
        location: SourceLocation = #_sourceLocation
    ) {
        #expect(throws: error, sourceLocation: location) { try ShardTable.build(members: members, size: size) }
        #expect(error.description.contains(part), sourceLocation: location)
    }
}
