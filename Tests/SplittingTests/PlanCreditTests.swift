import Splitting
import Testing

/// Nodes that are full, late or too slow, and credit that is scarce.
@Suite("What a plan does when nodes are busy")
struct PlanCreditTests: PlanTests {
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

    @Test func littleCreditMeansFewerChunks() throws {
        let conditions = ["a": NodeCondition(credit: 1), "b": NodeCondition(credit: 1)]
        #expect(try plan(conditions: conditions).ranges.count == 2)
    }
}
