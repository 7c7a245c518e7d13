import Dataplane
import Selection
import Testing
import Tracking
import Wire

@Suite("Flows that keep their backend")
struct FlowDecisionTests {
    private let flows: FlowTracking
    private var test: TestSnapshot

    init() throws {
        flows = try FlowTracking(FlowLimits(size: 512, buckets: 512, backends: 4096))
        test = try TestSnapshot()
        test.plan.pools[0].pinsFlows = true
    }

    private func snapshot(_ generation: UInt64 = 1, _ change: (inout SnapshotPlan) throws -> Void = { _ in })
        throws -> Snapshot
    {
        var plan = test.plan
        try change(&plan)
        return try Snapshot(plan, generation: generation, capacity: CounterCapacity(), flows: flows)
    }

    /// The pool without shards for the backend with this mark, which drains or is gone.
    private func without(_ mark: UInt32, keeps: Bool, _ plan: inout SnapshotPlan) throws {
        let index = plan.pools[0].backends.firstIndex { $0.mark == mark }!
        plan.pools[0].backends[index].keepsFlows = keeps
        let members = plan.pools[0].backends.map { TableMember(name: $0.name, weight: $0.mark == mark ? 0 : 100) }
        plan.pools[0].table = try ShardTable.build(members: members, size: 4093)
    }

    private static let client = PacketBuilder(from: "10.9.0.1", to: "10.0.0.100")

    @Test func aDrainingBackendKeepsItsFlowsAndGetsNoNewOnes() throws {
        var path = try TestPath(try snapshot())
        var marks: [UInt16: UInt32] = [:]
        for port in UInt16(1000)..<1200 {
            marks[port] = path.process(Self.client.tcp(from: port, to: 80, flags: .syn)).verdict.mark
        }
        path.publish(try snapshot(2) { try without(102, keeps: true, &$0) })
        for port in UInt16(1000)..<1200 {
            #expect(path.process(Self.client.tcp(from: port, to: 80, flags: .ack)).verdict.mark == marks[port])
        }
        for port in UInt16(2000)..<2200 {
            #expect(path.process(Self.client.tcp(from: port, to: 80, flags: .syn)).verdict.mark != 102)
        }
        #expect(flows.table.flows(on: 102) == marks.values.count { $0 == 102 })
        // It returns, and the flows that began meanwhile stay where they are.
        path.publish(try snapshot(3))
        for port in UInt16(2000)..<2200 {
            #expect(path.process(Self.client.tcp(from: port, to: 80, flags: .ack)).verdict.mark != 102)
        }
    }

    @Test func theFlowsOfABackendThatIsGoneMoveOnce() throws {
        var path = try TestPath(try snapshot())
        for port in UInt16(1000)..<1200 { _ = path.process(Self.client.udp(from: port, to: 80)) }
        let on102 = flows.table.flows(on: 102)
        #expect(on102 > 20)
        path.publish(try snapshot(2) { try without(102, keeps: false, &$0) })
        var marks: [UInt16: UInt32] = [:]
        for port in UInt16(1000)..<1200 {
            marks[port] = path.process(Self.client.udp(from: port, to: 80)).verdict.mark
            #expect(marks[port] != 102)
        }
        #expect(path.counters.count(.flowsMoved) == UInt64(on102) && flows.table.flows(on: 102) == 0)
        path.publish(try snapshot(3))
        for port in UInt16(1000)..<1200 {
            #expect(path.process(Self.client.udp(from: port, to: 80)).verdict.mark == marks[port])
        }
    }

    @Test func flowsGoOnWhileAllBackendsDrain() throws {
        var path = try TestPath(try snapshot())
        let before = path.process(Self.client.udp(from: 1, to: 80))
        path.publish(try snapshot(2) { $0.pools[0].table = nil })
        let after = path.process(Self.client.udp(from: 1, to: 80))
        #expect(after.outcome == .forwarded && after.verdict == before.verdict)
        #expect(path.process(Self.client.udp(from: 2, to: 80)).outcome == .noBackend)
    }

    @Test func fragmentsGoWhereTheirFlowIsPinned() throws {
        var path = try TestPath(try snapshot())
        let port = UInt16((1...500).first { path.process(Self.client.udp(from: $0, to: 80)).verdict.mark == 102 }!)
        path.publish(try snapshot(2) { try without(102, keeps: true, &$0) })
        let long = Self.client.udp(from: port, to: 80, payload: [UInt8](repeating: 1, count: 4_000))
        for part in PacketBuilder.fragments(of: long, mtu: 1500, identification: 8) {
            let decision = path.process(part)
            #expect(decision.verdict.mark == 102 && decision.outcome == .forwardedFragment)
        }
    }

    @Test func anErrorFollowsItsFlowAndIsNoSignOfLife() throws {
        var path = try TestPath(try snapshot())
        let port = UInt16((1...500).first { path.process(Self.client.udp(from: $0, to: 80)).verdict.mark == 102 }!)
        path.publish(try snapshot(2) { try without(102, keeps: true, &$0) })
        let answer = Self.client.reversed.udp(from: 80, to: port, payload: [UInt8](repeating: 7, count: 1400))
        let error = PacketBuilder(from: IPAddress("10.8.0.1")!, to: Self.client.destination)
            .icmpError(.packetTooBig(mtu: 1280), about: answer)
        let decision = path.process(error)
        #expect(decision.outcome == .forwardedError && decision.verdict.mark == 102)
        // UDP flows are idle after two minutes, whatever errors came.
        path.advance(milliseconds: 119_000)
        #expect(path.process(error).verdict.mark == 102)
        path.advance(milliseconds: 2_000)
        #expect(path.process(error).verdict.mark != 102)
    }

    @Test func aResetOfAConnectionThatNobodyKnowsPinsNothing() throws {
        var path = try TestPath(try snapshot())
        _ = path.process(Self.client.tcp(from: 9, to: 80, flags: [.rst, .ack]))
        #expect(flows.table.statistics(now: path.now).inserts == 0)
    }

    @Test func aFullTableIsCountedAndHarmsNobody() throws {
        let small = try FlowTracking(FlowLimits(size: 1, buckets: 0, backends: 4096))
        var path = try TestPath(
            try Snapshot(test.plan, generation: 1, capacity: CounterCapacity(), flows: small))
        for port in UInt16(1)...100 {
            #expect(path.process(Self.client.udp(from: port, to: 80)).outcome == .forwarded)
        }
        #expect(path.counters.count(.flowsNotPinned) == 99)
    }
}
