import Selection
import Testing

#if !DEBUG
    /// Times. They mean something in a release build only, and so they are tested in one: `swift test -c release`.
    @Suite(.serialized) struct TableSpeedTests {
        @Test func aTableOf65537SlotsForAThousandMembersIsBuiltInFourMilliseconds() throws {
            for (kind, weight) in [("equal", { _ in 1 }), ("unequal", { UInt32(1 + $0 % 100) })]
                as [(String, (Int) -> UInt32)]
            {
                let members = NameSet.hostnames.members(1000, weight: weight)
                var best = Duration.seconds(1)
                for _ in 0..<20 {
                    let begin = ContinuousClock.now
                    let table = try ShardTable.build(members: members, size: 65537)
                    best = min(best, ContinuousClock.now - begin)
                    #expect(table.size == 65537)
                }
                print("table of 65537 slots for 1000 members of \(kind) weights: \(best)")
                #expect(best <= .milliseconds(4))
            }
        }
    }
#endif
