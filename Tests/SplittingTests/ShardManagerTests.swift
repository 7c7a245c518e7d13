import Selection
import Splitting
import Testing
import Wire

@Suite("How a job is planned")
struct ShardManagerTests {
    static let names = ["a", "b", "c", "d", "e", "f", "g", "h"]

    static func ring(_ names: [String] = names) throws -> ShardTable {
        try ShardTable.build(members: names.map { TableMember(name: $0) }, size: 1009)
    }

    static func request(
        _ size: Int = 40_000, type: RequestTypeSettings = RequestTypeSettings(name: "t"), key: UInt64 = 1 << 60,
        port: UInt16 = 4000
    ) -> SplitRequest {
        let client = Endpoint(address: IPAddress(10, 0, 0, 1), port: port)
        let virtual = Endpoint(address: IPAddress(192, 0, 2, 1), port: 53)
        return SplitRequest(
            payload: [UInt8](repeating: 7, count: size), type: type, key: key,
            endpoints: JobEndpoints(client: client, virtual: virtual))
    }

    /// Measurements of a type that needs `fixed` and `perByte` nanoseconds.
    static func history(fixed: Double, perByte: Double) -> TypeHistory {
        var history = TypeHistory()
        for step in 1...60 {
            let bytes = step * 500
            let worked = UInt32((fixed + perByte * Double(bytes)) / 1000)
            history.recordChunk(bytes: bytes, worked: worked, took: worked)
        }
        return history
    }

    private func plan(
        _ request: SplitRequest = request(), _ change: (inout SplittingSettings) -> Void = { _ in },
        names: [String] = names, conditions: [String: NodeCondition]? = nil, history: TypeHistory = TypeHistory()
    ) throws -> SplitPlan {
        var settings = SplittingSettings()
        change(&settings)
        try settings.validate()
        let conditions = conditions ?? Dictionary(uniqueKeysWithValues: names.map { ($0, NodeCondition()) })
        return try ShardManager(settings: settings).plan(
            request, ring: Self.ring(names), conditions: conditions, history: history)
    }

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

    private func plan(_ change: (inout SplittingSettings) -> Void, history: TypeHistory) throws -> SplitPlan {
        try plan(Self.request(), change, history: history)
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

    @Test func nodesWithoutCreditOrTooSlowGetNothing() throws {
        let usual = try plan().holders.map { $0[0] }
        var conditions = Dictionary(uniqueKeysWithValues: Self.names.map { ($0, NodeCondition()) })
        conditions[usual[0]] = NodeCondition(credit: 0)
        conditions[usual[1]] = NodeCondition(isPassedOver: true)
        let nodes = try plan(conditions: conditions).holders.map { $0[0] }
        #expect(!nodes.contains(usual[0]) && !nodes.contains(usual[1]))
        #expect(nodes.count == 4)
    }

    /// Three times the work of a long chunk, 40 ms of short ones: what would wait longer is refused now, not late then.
    @Test func nothingIsSentToWhereItWouldWaitLong() throws {
        for (work, most) in [(20.0, 3), (4.0, 10), (1.0, 40)] {
            let history = Self.history(fixed: work * 1_000_000, perByte: 0)
            for workers in [1, 4] {
                let full = NodeCondition(credit: 200, workers: workers, ahead: Double(most * workers))
                let room = NodeCondition(credit: 200, workers: workers, ahead: Double(most * workers - 1))
                let names = ["a", "b"]
                #expect(throws: JobRefusal.credit) {
                    try self.plan(names: names, conditions: ["a": full, "b": full], history: history)
                }
                let plan = try self.plan(
                    Self.request(), { $0.chunks = 1 }, names: names, conditions: ["a": full, "b": room],
                    history: history)
                #expect(plan.holders == [["b"]])
            }
        }
    }

    /// A client that has cut its payload itself is not refused for good because its pieces are many.
    @Test func onIdleNodesAJobMayHaveAnyNumberOfChunks() throws {
        var request = Self.request()
        request.type.clientShards = true
        request.payload = try ClientShards.payload(of: (0..<16).map { _ in [UInt8](repeating: 7, count: 1000) })
        let conditions = ["a": NodeCondition(credit: 8), "b": NodeCondition(credit: 8)]
        let slow = Self.history(fixed: 500_000_000, perByte: 0)
        let plan = try plan(
            request, { $0.deadline = .seconds(60) }, names: ["a", "b"], conditions: conditions, history: slow)
        #expect(plan.ranges.count == 16)
    }

    @Test func twoNodesAgreeThoughOneIsLate() throws {
        let conditions = ["a": NodeCondition(isLate: true), "b": NodeCondition()]
        let plan = try self.plan(
            {
                $0.replicationFactor = 2
                $0.reconciliation = .agree
            }, names: ["a", "b"], conditions: conditions)
        #expect(plan.holders.allSatisfy { Set($0) == ["a", "b"] })
    }

    @Test func aLateNodeIsUsedOnlyWhereTheOthersHaveNotEnoughCredit() throws {
        let names = Array(Self.names.prefix(4))
        for (credit, isUsed) in [(2, false), (1, false), (0, true)] {
            let conditions = Dictionary(
                uniqueKeysWithValues: names.map {
                    ($0, NodeCondition(credit: $0 == names[0] ? 4 : credit, ahead: 1, isLate: $0 == names[0]))
                })
            let plan = try plan({ $0.chunks = 4 }, names: names, conditions: conditions)
            #expect(plan.holders.contains { $0[0] == names[0] } == isUsed)
            #expect(plan.reassembly.last == names[0] || isUsed)
        }
    }

    /// A millisecond a kilobyte: the shorter the chunks, the better for this job alone.
    @Test func moreChunksThanUsualLeaveAsMuchCreditForTheNextJob() throws {
        let names = Array(Self.names.prefix(4))
        let history = Self.history(fixed: 0, perByte: 1_000)
        for (credit, chunks) in [(64, 16), (6, 12), (3, 6), (2, 4), (1, 4)] {
            let conditions = Dictionary(
                uniqueKeysWithValues: names.map { ($0, NodeCondition(credit: credit, workers: 16)) })
            let plan = try plan(
                Self.request(16_384), { $0.chunks = 4 }, names: names, conditions: conditions, history: history)
            #expect(plan.ranges.count == chunks, "with credit \(credit) each")
        }
    }

    /// One long chunk in a queue is worse for all than a payload that is forwarded at once.
    @Test func whereCreditIsScarceChunksGrowToTwiceTheirLengthAndNoFurther() throws {
        func chunks(credit: Int, ahead: Double) throws -> Int {
            let conditions = Dictionary(
                uniqueKeysWithValues: Self.names.prefix(4).enumerated().map {
                    ($1, NodeCondition(credit: $0 < credit ? 1 : 0, ahead: ahead))
                })
            return try plan({ $0.chunks = 4 }, names: Array(Self.names.prefix(4)), conditions: conditions).ranges.count
        }
        for credit in 2...4 { #expect(try chunks(credit: credit, ahead: 3) == credit) }
        #expect(throws: JobRefusal.credit) { try chunks(credit: 1, ahead: 3) }
        // Where nobody is busy there is nobody to keep waiting, and nothing that would make the window grow again.
        #expect(try chunks(credit: 1, ahead: 0) == 1)
    }

    /// Whatever credit the nodes have: copies that are worked on are on different nodes, within the credit, and a payload is
    /// refused only when no two nodes have any.
    @Test func scarceCreditIsSharedByCopiesThatAreWorkedOn() throws {
        let names = Array(Self.names.prefix(4))
        var numbers = SeededNumbers(7)
        for _ in 0..<2000 {
            let credit = Dictionary(uniqueKeysWithValues: names.map { ($0, Int.random(in: 0...4, using: &numbers)) })
            let conditions = credit.mapValues { NodeCondition(credit: $0) }
            func plan() throws -> SplitPlan {
                try self.plan(
                    {
                        $0.chunks = 4
                        $0.replicationFactor = 2
                        $0.replication = .parallel
                    }, names: names, conditions: conditions)
            }
            if credit.values.count(where: { $0 > 0 }) < 2 {
                if credit.values.allSatisfy({ $0 == 0 }) { #expect(throws: JobRefusal.credit) { try plan() } }
                continue
            }
            let holders = try plan().holders
            #expect(holders.allSatisfy { $0.count == 2 && $0[0] != $0[1] })
            for name in names { #expect(holders.count { $0.contains(name) } <= credit[name] ?? 0, "\(credit)") }
            // As many chunks as there can be.
            let possible = (1...4).last { count in credit.values.reduce(0) { $0 + min($1, count) } >= 2 * count } ?? 0
            #expect(holders.count == possible, "\(credit)")
        }
    }

    @Test func moreChunksThanNodesAreSpreadEvenly() throws {
        let plan = try plan({ $0.chunks = 9 }, names: ["a", "b", "c"])
        let counts = Dictionary(grouping: plan.holders.map { $0[0] }, by: { $0 }).mapValues(\.count)
        #expect(counts == ["a": 3, "b": 3, "c": 3])
    }

    private func plan(
        _ change: (inout SplittingSettings) -> Void, names: [String], conditions: [String: NodeCondition]? = nil
    ) throws -> SplitPlan {
        try plan(Self.request(), change, names: names, conditions: conditions)
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

    @Test func littleCreditMeansFewerChunks() throws {
        let conditions = ["a": NodeCondition(credit: 1), "b": NodeCondition(credit: 1)]
        #expect(try plan(conditions: conditions).ranges.count == 2)
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
