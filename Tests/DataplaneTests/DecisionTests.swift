import Dataplane
import Testing
import Wire

@Suite("From packet to outcome")
struct DecisionTests {
    let snapshot: Snapshot

    init() throws { snapshot = try TestSnapshot().snapshot }

    static let clients: [PacketBuilder] = [
        PacketBuilder(from: "10.9.0.1", to: "10.0.0.100"), PacketBuilder(from: "fd09::1", to: "fd00::100"),
    ]

    @Test(arguments: clients) func aFlowKeepsItsBackendAndFlowsSpreadOverAll(client: PacketBuilder) {
        var marks: Set<UInt32> = []
        for port in UInt16(1024)...1200 {
            let small = decide(client.udp(from: port, to: 80), snapshot)
            let large = decide(client.udp(from: port, to: 80, payload: [UInt8](repeating: 7, count: 900)), snapshot)
            #expect(small.outcome == .forwarded && small.service == 0 && small.pool == 0)
            #expect(small.verdict == large.verdict && small.shard == large.shard)
            #expect(snapshot.backendName(small.backend).map { "b\(small.verdict.mark - 100)" == $0 } == true)
            marks.insert(small.verdict.mark)
        }
        #expect(marks == [101, 102, 103])
    }

    @Test(arguments: clients) func anErrorAboutAnAnswerReachesTheFlowsBackend(client: PacketBuilder) {
        for port in UInt16(1024)...1100 {
            let request = client.udp(from: port, to: 80)
            // The backend answered with something too big; a router on the way tells the virtual address.
            let answer = client.reversed.udp(from: 80, to: port, payload: [UInt8](repeating: 7, count: 1400))
            let router = PacketBuilder(
                from: client.family == .ipv4 ? IPAddress("10.8.0.1")! : IPAddress("fd08::1")!, to: client.destination)
            let error = router.icmpError(.packetTooBig(mtu: 1280), about: answer)
            let decision = decide(error, snapshot)
            #expect(decision.outcome == .forwardedError)
            #expect(decision.verdict == decide(request, snapshot).verdict)
        }
    }

    @Test func aPacketOfNoServiceGetsTheConfiguredVerdict() throws {
        let stranger = PacketBuilder(from: "10.9.0.1", to: "10.0.0.99").udp(from: 1, to: 80)
        for policy in [FallbackPolicy.accept, .drop, .mark(7)] {
            var test = try TestSnapshot()
            test.plan.onNoService = policy
            let decision = decide(stranger, try test.snapshot)
            #expect(decision.outcome == .noService && decision.verdict == policy.verdict && decision.service == -1)
        }
    }

    @Test func aPoolWithoutBackendsGetsTheConfiguredVerdict() throws {
        for policy in [FallbackPolicy.accept, .drop, .mark(7)] {
            var test = try TestSnapshot()
            test.plan.onNoBackend = policy
            test.plan.pools[0].table = nil
            let decision = decide(Self.clients[0].udp(from: 1, to: 80), try test.snapshot)
            #expect(decision.outcome == .noBackend && decision.verdict == policy.verdict && decision.service == 0)
        }
    }

    @Test func whatCannotBeReadIsNamedAndGetsTheConfiguredVerdict() throws {
        var test = try TestSnapshot()
        test.plan.onMalformed = .mark(9)
        let snapshot = try test.snapshot
        var packet = Self.clients[0].udp(from: 1, to: 80)
        let cut = decide(packet, snapshot, copied: 22)
        #expect(cut.outcome == .unreadable && cut.error == .beyondCapture && cut.verdict == .accept(mark: 9))
        packet[0] = 0x44
        let broken = decide(packet, snapshot)
        #expect(broken.outcome == .malformed && broken.error == .badHeaderLength && broken.verdict == .accept(mark: 9))
    }

    @Test func aServiceHashedOnTheSourceKeepsAClientTogether() {
        var marks: Set<UInt32> = []
        for port in UInt16(1024)...1100 {
            let decision = decide(Self.clients[0].tcp(from: port, to: 443), snapshot)
            #expect(decision.service == 1)
            marks.insert(decision.verdict.mark)
        }
        #expect(marks.count == 1)
        let ping = decide(Self.clients[0].echo(identifier: 77, sequence: 1), snapshot)
        #expect(ping.outcome == .forwarded)
    }
}
