import Dataplane
import PacketBuilding
import Testing
import Tracking
import Wire

@Suite("Fragments on their way")
struct FragmentDecisionTests {
    static let clients = DecisionTests.clients

    private func fragments(_ client: PacketBuilder, port: UInt16, id: UInt32, bytes: Int = 8_000) -> [[UInt8]] {
        let packet = client.udp(from: port, to: 80, payload: [UInt8](repeating: 7, count: bytes))
        return PacketBuilder.fragments(of: packet, mtu: 1500, identification: id)
    }

    @Test(arguments: clients) func inAnyOrderAllGoWhereTheFlowsWholePacketsGo(client: PacketBuilder) throws {
        var path = try TestPath(try TestSnapshot().snapshot)
        var random = SeededGenerator(seed: 7)
        var sent = 0
        for round in 0..<300 {
            let port = UInt16(1024 + round)
            let whole = path.process(client.udp(from: port, to: 80))
            let parts = fragments(client, port: port, id: UInt32(round + 1)).shuffled(using: &random)
            var marks: [UInt32] = []
            for part in parts {
                let decision = path.process(part)
                path.confirm()
                if decision.verdict.action == .acceptMarked { marks.append(decision.verdict.mark) }
                marks += path.takeUnparked().map(\.decision.verdict.mark)
            }
            sent += parts.count
            #expect(marks == Array(repeating: whole.verdict.mark, count: parts.count))
        }
        #expect(path.counters.packets(.forwardedFragment) == UInt64(sent))
        #expect(path.waiting == 0)
        let table = path.fragments.tracker.statistics(now: path.now)
        #expect(table.active == 0 && table.parked == 0 && table.reassembled == 300)
        // Bytes are counted for parked fragments as for the others.
        let bytes = (101...103).reduce(0) { $0 + path.counters.bytes(backend: $1) }
        let header = client.family == .ipv4 ? 20 : 48
        #expect(bytes > UInt64(300 * 8_008 + sent * header))
    }

    @Test(arguments: clients) func thoseThatWaitLeaveInTheOrderOfTheirOffsets(client: PacketBuilder) throws {
        var path = try TestPath(try TestSnapshot().snapshot)
        let parts = fragments(client, port: 5, id: 9)
        for part in parts.dropFirst().reversed() {
            let decision = path.process(part)
            #expect(decision.verdict.action == .park && decision.verdict.mark != 0)
        }
        #expect(path.takeUnparked().isEmpty)
        _ = path.process(parts[0])
        #expect(path.takeUnparked().isEmpty, "nobody knows yet where they are")
        path.confirm()
        // The last came first, so its id is the lowest.
        #expect(path.takeUnparked().map(\.token.id) == (0..<UInt32(parts.count - 1)).reversed())
    }

    @Test func aPacketWhoseFirstFragmentDoesNotComeEndsWithItsTime() throws {
        var path = try TestPath(try TestSnapshot().snapshot)
        let parts = fragments(Self.clients[0], port: 5, id: 9)
        for part in parts.dropFirst() { _ = path.process(part) }
        path.confirm()
        path.advance(milliseconds: 199)
        #expect(path.takeUnparked().isEmpty)
        path.advance(milliseconds: 2)
        let dropped = path.takeUnparked()
        #expect(dropped.count == parts.count - 1)
        #expect(dropped.allSatisfy { $0.decision.verdict == .drop && $0.decision.fault == .expired })
        #expect(path.counters.packets(rejectedFor: .expired) == UInt64(parts.count - 1))
        #expect(path.counters.packets(.fragmentRejected) == UInt64(parts.count - 1) && path.waiting == 0)
    }

    @Test func aFragmentThatTheParkingQueueNeverShowsIsCountedAsLost() throws {
        var path = try TestPath(try TestSnapshot().snapshot)
        let parts = fragments(Self.clients[0], port: 5, id: 9)
        _ = path.process(parts[1])
        _ = path.process(parts[0])
        path.advance(milliseconds: 201)
        #expect(path.takeUnparked().isEmpty)
        #expect(path.counters.packets(.fragmentLost) == 1 && path.waiting == 0)
        path.confirm()
        #expect(path.takeUnparked().isEmpty, "it has had its outcome")
    }

    @Test(arguments: clients) func anExactCopyIsDroppedAndHarmsNobody(client: PacketBuilder) throws {
        var path = try TestPath(try TestSnapshot().snapshot)
        let parts = fragments(client, port: 5, id: 9)
        var outcomes: [Outcome: Int] = [:]
        for part in parts.dropLast() + parts.dropLast() + parts.suffix(1) {
            outcomes[path.process(part).outcome, default: 0] += 1
        }
        #expect(outcomes == [.forwardedFragment: parts.count, .fragmentDuplicate: parts.count - 1])
    }

    @Test(arguments: clients) func overlappingFragmentsTakeTheWholePacketWithThem(client: PacketBuilder) throws {
        var path = try TestPath(try TestSnapshot().snapshot)
        let parts = fragments(client, port: 5, id: 9)
        let others = PacketBuilder.fragments(
            of: client.udp(from: 5, to: 80, payload: [UInt8](repeating: 7, count: 8_000)), mtu: 1300, identification: 9)
        #expect(path.process(parts[0]).outcome == .forwardedFragment)
        let overlap = path.process(others[1])
        #expect(overlap.outcome == .fragmentRejected && overlap.fault == .overlap && overlap.verdict == .drop)
        for part in parts.dropFirst() { #expect(path.process(part).outcome == .fragmentRejected) }
        #expect(path.counters.packets(rejectedFor: .overlap) == UInt64(parts.count))
    }

    @Test(arguments: clients) func aPacketWithAFragmentThatCannotBeReadIsRefusedWhole(client: PacketBuilder) throws {
        var path = try TestPath(try TestSnapshot().snapshot)
        let parts = fragments(client, port: 5, id: 9)
        // The UDP length of the first says less than a header has.
        var first = parts[0]
        let udp = client.family == .ipv4 ? 20 : 48
        first[udp + 4] = 0
        first[udp + 5] = 3
        _ = path.process(parts[1])
        path.confirm()
        let decision = path.process(first)
        #expect(decision.outcome == .malformed && decision.error == .badUDPLength)
        #expect(path.takeUnparked().map(\.decision.fault) == [.condemned])
        for part in parts.dropFirst(2) { #expect(path.process(part).outcome == .fragmentRejected) }
        #expect(path.waiting == 0)
    }

    @Test func fragmentsOfNoServiceFollowTheirFirstToo() throws {
        var test = try TestSnapshot()
        test.plan.onNoService = .mark(77)
        var path = try TestPath(try test.snapshot)
        let stranger = PacketBuilder(from: "10.9.0.1", to: "10.0.0.99")
        let parts = fragments(stranger, port: 5, id: 9)
        _ = path.process(parts[2])
        path.confirm()
        let others = parts.enumerated().filter { $0.offset != 2 }.map(\.element)
        for part in others {
            let decision = path.process(part)
            #expect(decision.outcome == .noService && decision.verdict.mark == 77)
        }
        #expect(path.takeUnparked().map(\.decision.outcome) == [.noService])
        #expect(path.counters.packets(.noService) == UInt64(parts.count))
    }

    @Test func withoutRoomOnlyFirstFragmentsGoOn() throws {
        var path = try TestPath(
            try TestSnapshot().snapshot, limits: FragmentLimits(size: 1, buckets: 0, parked: 0))
        let client = Self.clients[0]
        _ = path.process(fragments(client, port: 1, id: 1)[0])
        let other = PacketBuilder(from: "10.9.0.2", to: "10.0.0.100")
        let parts = fragments(other, port: 2, id: 2)
        #expect(path.process(parts[0]).outcome == .forwardedFragment)
        #expect(path.process(parts[1]).outcome == .fragmentNoRoom)
    }

    @Test func changingTablesDoNotTearAPacketApart() throws {
        var test = try TestSnapshot()
        var path = try TestPath(try test.snapshot)
        let parts = fragments(Self.clients[0], port: 5, id: 9)
        let first = path.process(parts[0])
        test.plan.pools[0] = try TestSnapshot.pool("three", backends: 1, firstMark: 150)
        path.publish(try Snapshot(test.plan, generation: 2, capacity: CounterCapacity()))
        for part in parts.dropFirst() { #expect(path.process(part).verdict == first.verdict) }
        #expect(path.process(Self.clients[0].udp(from: 5, to: 80)).verdict.mark == 150)
    }

    @Test func hostileBytesAlwaysEndInOneOutcome() throws {
        var path = try TestPath(try TestSnapshot().snapshot, limits: FragmentLimits(size: 50, buckets: 20, parked: 64))
        var random = SeededGenerator(seed: 11)
        for round in 0..<20_000 {
            let client = Self.clients[round % 2]
            var part = fragments(client, port: 5, id: UInt32(round / 40), bytes: 3_000).randomElement(using: &random)!
            for _ in 0..<Int.random(in: 0...2, using: &random) {
                part[Int.random(in: 0..<60, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            _ = path.process(part)
            if round % 5 == 0 {
                path.confirm(from: max(0, Int(path.counters.count(.packetsParked)) - 5))
                _ = path.takeUnparked()
                path.advance(milliseconds: 1)
            }
            #expect(path.settled == UInt64(round + 1))
        }
        path.advance(milliseconds: 500)
        _ = path.takeUnparked()
        #expect(path.waiting == 0 && path.counters.packets == 20_000)
        #expect(path.fragments.tracker.statistics(now: path.now).parked == 0)
    }
}

@Suite("Several load balancers")
struct TierTests {
    private static let mac1: UInt64 = 0x02_77_02_00_00_01
    private static let mac2: UInt64 = 0x02_77_02_00_00_02

    /// The path of the load balancer `own` of two.
    private func path(_ own: String, alone: Bool = false) throws -> TestPath {
        var test = try TestSnapshot()
        var balancers = try TestSnapshot.pool("balancers", backends: alone ? 1 : 2, firstMark: 301)
        if alone { balancers.backends[0].name = "b1" }
        test.plan.pools.append(balancers)
        test.plan.tier = SnapshotPlan.Tier(
            pool: "balancers", own: own, peers: own == "b1" ? [Self.mac2] : [Self.mac1])
        return try TestPath(try test.snapshot)
    }

    @Test func theFragmentsOfAPacketComeTogetherOnOneWhereverTheyArrive() throws {
        var first = try path("b1")
        var second = try path("b2")
        var handled: Set<UInt32> = []
        for client in 1...40 {
            let builder = PacketBuilder(from: IPAddress("10.9.0.\(client)")!, to: IPAddress("10.0.0.100")!)
            let packet = builder.udp(from: 5, to: 80, payload: [UInt8](repeating: 7, count: 8_000))
            var marks: Set<UInt32> = []
            for (index, part) in PacketBuilder.fragments(of: packet, mtu: 1500, identification: 4).enumerated() {
                // Every other arrives at the second.
                var decision = index % 2 == 0 ? first.process(part) : second.process(part)
                if decision.outcome == .forwardedPeer {
                    handled.insert(decision.verdict.mark)
                    decision =
                        index % 2 == 0
                        ? second.process(part, sender: Self.mac1) : first.process(part, sender: Self.mac2)
                    #expect(decision.outcome == .forwardedFragment)
                }
                marks.insert(decision.verdict.mark)
            }
            #expect(marks.count == 1 && marks.isSubset(of: [101, 102, 103]))
        }
        #expect(handled == [301, 302])
        #expect(first.waiting == 0 && second.waiting == 0)
    }

    @Test func aFragmentFromAnotherIsHandledHereEvenIfTheListsDiffer() throws {
        // The second believes it is alone with the first, the first that it is alone: nothing may go round.
        var first = try path("b1", alone: true)
        var second = try path("b2")
        var sent = 0
        for client in 1...40 {
            let builder = PacketBuilder(from: IPAddress("10.9.0.\(client)")!, to: IPAddress("10.0.0.100")!)
            let packet = builder.udp(from: 5, to: 80, payload: [UInt8](repeating: 7, count: 3_000))
            let part = PacketBuilder.fragments(of: packet, mtu: 1500, identification: 4)[0]
            if second.process(part).outcome == .forwardedPeer {
                sent += 1
                #expect(first.process(part, sender: Self.mac2).outcome == .forwardedFragment)
            }
        }
        #expect((5...35).contains(sent))
    }

    @Test func wholePacketsAreDecidedWhereTheyArrive() throws {
        var first = try path("b1")
        var second = try path("b2")
        for port in UInt16(1)...200 {
            let packet = PacketBuilder(from: "10.9.0.1", to: "10.0.0.100").udp(from: port, to: 80)
            let here = first.process(packet)
            #expect(here.outcome == .forwarded && here.verdict == second.process(packet).verdict)
        }
    }
}
