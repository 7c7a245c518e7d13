import Splitting
import Testing

@Suite("How a job is planned")
struct ShardManagerTests: PlanTests {
    @Test func withoutHistoryThereAreNumChunksOnDifferentNodes() throws {
        for count in [1, 3, 7] {
            let plan = try plan { $0.chunks = count }
            #expect(plan.ranges.count == count)
            #expect(Set(plan.holders.map { $0[0] }).count == count)
            #expect(plan.holders.allSatisfy { $0.count == 1 })
            #expect(plan.expected == nil)
        }
        var type = RequestTypeSettings(name: "t")
        type.chunks = 2
        #expect(try plan(Self.request(type: type)).ranges.count == 2)
    }

    @Test func minimumSizeAndMaximumNumberBoundTheChunks() throws {
        #expect(try plan(Self.request(3000)).ranges.count == 2)
        #expect(try plan(Self.request(1000)).ranges.count == 1)
        #expect(try plan(Self.request(3000)) { $0.minimumChunkSize = 100 }.ranges.count == 4)
        let heavy = Self.history(fixed: 0, perByte: 10_000)
        #expect(try plan(history: heavy).ranges.count == 8)
        #expect(try plan({ $0.maximumChunks = 5 }, history: heavy).ranges.count == 5)
        var type = RequestTypeSettings(name: "t")
        type.maximumChunks = 3
        type.chunks = 2
        #expect(try plan(Self.request(type: type), history: heavy).ranges.count == 3)
        type.minimumChunkSize = 20_000
        #expect(try plan(Self.request(type: type), history: heavy).ranges.count == 2)
    }

    @Test func historyDecidesHowMany() throws {
        #expect(try plan(history: Self.history(fixed: 0, perByte: 1000)).ranges.count == 8)
        let link = LinkConditions(bytesPerSecond: 10_000_000_000)
        let quick = Dictionary(uniqueKeysWithValues: Self.names.map { ($0, NodeCondition(link: link)) })
        #expect(try plan(conditions: quick, history: Self.history(fixed: 1000, perByte: 0)).ranges.count == 1)
        // Where splitting changes nothing the usual number stays.
        #expect(try plan(history: Self.history(fixed: 10_000_000, perByte: 0)).ranges.count == 4)
        let some = try plan(history: Self.history(fixed: 0, perByte: 5)).ranges.count
        #expect((2...6).contains(some))
    }

    @Test func aSlowNetworkWantsFewerNodes() throws {
        let history = Self.history(fixed: 0, perByte: 100)
        let near = Dictionary(uniqueKeysWithValues: Self.names.map { ($0, NodeCondition()) })
        var far = near
        for name in ["c", "d", "e", "f", "g", "h"] {
            far[name] = NodeCondition(link: LinkConditions(roundTrip: 50_000_000))
        }
        #expect(try plan(conditions: near, history: history).ranges.count == 8)
        let plan = try plan(conditions: far, history: history)
        #expect(plan.ranges.count == 2)
        #expect(Set(plan.holders.map { $0[0] }) == ["a", "b"])
        var thin = near
        for name in Self.names where name > "b" {
            thin[name] = NodeCondition(link: LinkConditions(bytesPerSecond: 100_000))
        }
        #expect(Set(try self.plan(conditions: thin, history: history).holders.map { $0[0] }) == ["a", "b"])
    }

    @Test func theSameKeyGoesToTheSameNodes() throws {
        let first = try plan()
        for port: UInt16 in 1...20 { #expect(try plan(Self.request(port: port)).holders == first.holders) }
        var others = Set<[[String]]>()
        for key in 0..<20 as Range<UInt64> { others.insert(try plan(Self.request(key: key << 59)).holders) }
        #expect(others.count > 10)
    }

    @Test(arguments: [true, false]) func aNodeThatLeavesMovesFewOfTheOthersChunks(configured: Bool) throws {
        var moved = 0
        var chunks = 0
        for number in 0..<300 as Range<UInt64> {
            let request = Self.request(key: JobKey.key(ofType: "t", shard: UInt32(number)))
            let before = try plan(request).holders.map { $0[0] }
            let left = Self.names.filter { $0 != "c" }
            let conditions = Dictionary(uniqueKeysWithValues: left.map { ($0, NodeCondition()) })
            let after = try plan(request, names: configured ? left : Self.names, conditions: conditions)
                .holders.map { $0[0] }
            for (old, new) in zip(before, after) where old != "c" {
                chunks += 1
                moved += old == new ? 0 : 1
            }
        }
        #expect(moved * 100 <= chunks * (configured ? 20 : 15))
    }

    @Test func aLoadedNodeGivesWayToTheLeastLoaded() throws {
        let usual = try plan().holders.map { $0[0] }
        var conditions = Dictionary(uniqueKeysWithValues: Self.names.map { ($0, NodeCondition(load: 0.3)) })
        conditions[usual[1]] = NodeCondition(load: 0.9)
        let idle = try #require(Self.names.last { !usual.contains($0) })
        conditions[idle] = NodeCondition(load: 0)
        let nodes = try plan(conditions: conditions).holders.map { $0[0] }
        #expect(!nodes.contains(usual[1]))
        #expect(nodes.contains(idle))
        #expect(usual.filter { $0 != usual[1] }.allSatisfy(nodes.contains))
        // A little more load is no reason to leave the data.
        conditions[usual[1]] = NodeCondition(load: 0.4)
        conditions[idle] = NodeCondition(load: 0.3)
        #expect(try plan(conditions: conditions).holders.map { $0[0] } == usual)
    }

    @Test func moreChunksThanNodesAreSpreadEvenly() throws {
        let plan = try plan({ $0.chunks = 9 }, names: ["a", "b", "c"])
        let counts = Dictionary(grouping: plan.holders.map { $0[0] }, by: { $0 }).mapValues(\.count)
        #expect(counts == ["a": 3, "b": 3, "c": 3])
    }

    @Test func copiesAreOnFurtherNodes() throws {
        let plan = try plan(Self.request()) {
            $0.replicationFactor = 3
            $0.replication = .parallel
        }
        #expect(plan.holders.allSatisfy { Set($0).count == 3 })
        #expect(plan.activeCopies == 3)
        let counts = Dictionary(grouping: plan.holders.flatMap { $0 }, by: { $0 }).mapValues(\.count)
        #expect((counts.values.max() ?? 0) <= 3)
        #expect(try self.plan(Self.request()) { $0.replicationFactor = 3 }.activeCopies == 1)
        let agreeing = try self.plan(Self.request()) {
            $0.replicationFactor = 3
            $0.reconciliation = .agree
        }
        #expect(agreeing.activeCopies == 2)
    }

    @Test func whatCannotBeDoneIsRefusedWithItsReason() {
        let none = [String: NodeCondition]()
        #expect(throws: JobRefusal.nodes) { try plan(conditions: none) }
        let full = Dictionary(uniqueKeysWithValues: Self.names.map { ($0, NodeCondition(credit: 0)) })
        #expect(throws: JobRefusal.credit) { try plan(conditions: full) }
        #expect(throws: JobRefusal.size) { try plan(Self.request(0)) }
        #expect(throws: JobRefusal.size) { try plan(Self.request(65_536)) }
        #expect(throws: JobRefusal.deadline) { try plan(history: Self.history(fixed: 3e9, perByte: 0)) }
        #expect(throws: JobRefusal.agreement) {
            try plan(
                Self.request(),
                {
                    $0.replicationFactor = 2
                    $0.reconciliation = .agree
                }, conditions: ["a": NodeCondition()])
        }
        var type = RequestTypeSettings(name: "t")
        type.clientShards = true
        #expect(throws: JobRefusal.shards) { try plan(Self.request(type: type)) }
    }

    @Test func theClientsShardsAreTheChunks() throws {
        var type = RequestTypeSettings(name: "t")
        type.clientShards = true
        var request = Self.request(type: type)
        request.payload = try ClientShards.payload(of: [[1], [2, 3], [4]])
        let plan = try plan(request)
        #expect(plan.ranges.map { Array(request.payload[$0]) } == [[1], [2, 3], [4]])
        #expect(Set(plan.holders.map { $0[0] }).count == 3)
    }

    @Test func aClientMayNotCutItsPayloadIntoMoreThanMaxChunks() throws {
        var type = RequestTypeSettings(name: "t")
        type.clientShards = true
        var request = Self.request(type: type)
        request.payload = try ClientShards.payload(of: [[1], [2, 3], [4]])
        #expect(try plan(request, { ($0.maximumChunks, $0.chunks) = (3, 1) }).ranges.count == 3)
        #expect(throws: JobRefusal.shards) { try plan(request, { ($0.maximumChunks, $0.chunks) = (2, 1) }) }
        request.type.maximumChunks = 2
        #expect(throws: JobRefusal.shards) { try plan(request) }
    }

    @Test func theDeadlineOfTheTypeDecidesWhatCannotBeDoneInTime() throws {
        let history = Self.history(fixed: 1_500_000_000, perByte: 0)
        var type = RequestTypeSettings(name: "t")
        #expect(throws: Never.self) { try plan(Self.request(type: type), history: history) }
        #expect(throws: JobRefusal.deadline) {
            try plan(Self.request(type: type), { $0.deadline = .seconds(1) }, history: history)
        }
        type.deadline = .seconds(1)
        #expect(throws: JobRefusal.deadline) { try plan(Self.request(type: type), history: history) }
        type.deadline = .seconds(9)
        #expect(throws: Never.self) {
            try plan(Self.request(type: type), { $0.deadline = .seconds(1) }, history: history)
        }
    }

    @Test func alignmentAndDelimiterOfTheTypeHold() throws {
        var type = RequestTypeSettings(name: "t")
        type.alignment = 4096
        #expect(try plan(Self.request(type: type)).ranges.allSatisfy { $0.lowerBound % 4096 == 0 })
        type.alignment = 1
        type.delimiter = [10]
        var request = Self.request(type: type)
        for place in stride(from: 300, to: 40_000, by: 617) { request.payload[place] = 10 }
        let ranges = try plan(request).ranges
        #expect(ranges.count == 4)
        #expect(ranges.dropLast().allSatisfy { request.payload[$0.upperBound - 1] == 10 })
    }

    @Test func theReassemblyNodeFollowsTheClient() throws {
        var first = Set<String>()
        for port: UInt16 in 1...200 {
            let plan = try plan(Self.request(port: port))
            first.insert(plan.reassembly[0])
            #expect(Set(plan.reassembly) == Set(Self.names))
            #expect(try self.plan(Self.request(key: 5, port: port)).reassembly == plan.reassembly)
        }
        #expect(first.count == Self.names.count)
        let usual = try plan().reassembly
        var conditions = Dictionary(uniqueKeysWithValues: Self.names.map { ($0, NodeCondition()) })
        conditions[usual[0]] = nil
        #expect(try plan(conditions: conditions).reassembly == Array(usual.dropFirst()))
        conditions[usual[0]] = NodeCondition(isSuspect: true)
        #expect(try plan(conditions: conditions).reassembly == Array(usual.dropFirst()) + [usual[0]])
    }

    /// The example of the article Planning.
    @Test func theWorkedExampleHolds() throws {
        let names = ["a", "b", "c", "d"]
        let history = Self.history(fixed: 200_000, perByte: 50)
        let plan = try plan(Self.request(60_000), names: names, history: history)
        #expect(plan.ranges.map(\.count) == [15_000, 15_000, 15_000, 15_000])
        #expect(Set(plan.holders.map { $0[0] }) == Set(names))
        #expect((1_160_000...1_180_000).contains(try #require(plan.expected)))
        var conditions = Dictionary(uniqueKeysWithValues: names.map { ($0, NodeCondition()) })
        conditions["b"] = NodeCondition(load: 0.9)
        let busy = try self.plan(Self.request(60_000), names: names, conditions: conditions, history: history)
        #expect(Set(busy.holders.map { $0[0] }) == ["a", "c", "d"])
        #expect(busy.ranges.count == 3)
    }
}
