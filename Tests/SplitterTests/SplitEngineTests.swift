import Dataplane
import Glibc
import NetfilterQueue
import Testing
import Tracking
import Wire

@testable import Splitter
@testable import Splitting

/// In CI a privileged test that cannot run has to fail, not to be skipped.
private let inCI = unsafe getenv("CI") != nil

@Suite("What becomes of the full-copy queue's packets", .serialized, .enabled(if: geteuid() == 0 || inCI))
struct SplitEngineTests {
    private static func run(
        originals: UInt32 = 64, collected: Int = 1 << 20, _ body: (TestBalancer) throws -> Void
    ) throws {
        try TwoHosts.run { _ in
            let balancer = try TestBalancer(originals: originals, collected: collected)
            try body(balancer)
            if !balancer.engine.isClosing { balancer.engine.close() }
            #expect(balancer.isSettled)
        }
    }

    @Test(arguments: [false, true])
    func aFlaggedPayloadIsOfferedWholeOrInFragmentsInAnyOrder(six: Bool) throws {
        try Self.run { balancer in
            guard case .park = balancer.give(TestBalancer.datagram(1401, six: six)) else {
                Issue.record("a whole packet is not parked")
                return
            }
            for packet in TestBalancer.fragments(9000, id: 2, six: six) { balancer.give(packet) }
            for packet in TestBalancer.fragments(9000, id: 3, six: six).reversed() { balancer.give(packet) }
            balancer.engine.receive()
            #expect(balancer.engine.desk.counters.offered == 3)
            #expect(balancer.engine.desk.counters.refusals == [.nodes: 3])
            #expect(balancer.ended(.forwarded) == 1 && balancer.ended(.forwardedFragment) == balancer.given - 1)
        }
    }

    @Test func whatNeedNotBeSplitGoesItsWay() throws {
        try Self.run { balancer in
            #expect(balancer.give(TestBalancer.datagram(1400)) == .ordinary)
            #expect(balancer.give(TestBalancer.datagram(9000, flagged: false)) == .ordinary)
            for packet in TestBalancer.fragments(9000, id: 2, flagged: false) {
                #expect(balancer.give(packet) == .ordinary)
            }
            // Flagged, in fragments, and not long enough: known when all of it is there.
            let small = PacketBuilder.fragments(of: TestBalancer.datagram(1300, id: 3), mtu: 600)
            for packet in small { balancer.give(packet) }
            balancer.engine.receive()
            #expect(balancer.engine.desk.counters.offered == 0)
            #expect(balancer.isSettled && balancer.ended(.fragmentNoRoom) == 0)
        }
    }

    // MARK: Room

    @Test(arguments: [false, true])
    func aPacketThatFindsNoRoomInTheMiddleGoesToOneBackendWhole(six: Bool) throws {
        try Self.run(originals: 4) { balancer in
            for id in 1...20 as ClosedRange<UInt32> {
                let fragments = TestBalancer.fragments(9000, id: id, six: six)
                for (index, packet) in fragments.enumerated() {
                    let answer = balancer.give(packet)
                    if index < 4 {
                        guard case .park = answer else {
                            Issue.record("fragment \(index): \(answer)")
                            return
                        }
                    } else {
                        #expect(answer == .ordinary)
                    }
                }
                balancer.engine.receive()
                balancer.engine.receive()
                #expect(balancer.isSettled)
            }
            #expect(balancer.ended(.forwardedFragment) == balancer.given)
            #expect(balancer.backends.sorted() == [0, balancer.given])
            #expect(balancer.engine.desk.counters.refusals == [.originals: 20])
            #expect(balancer.engine.desk.counters.outcomes == [.forwardedRefused: 20])
            #expect(balancer.engine.desk.counters.offered == 20)
        }
    }

    @Test func withAFullTableNothingIsParkedAndNothingIsLost() throws {
        try Self.run(originals: 1) { balancer in
            // It stays: the rest of its packet does not come.
            balancer.give(TestBalancer.fragments(9000, id: 1)[0])
            let others = TestBalancer.fragments(9000, id: 2) + TestBalancer.fragments(1300, id: 3)
            for packet in others { #expect(balancer.give(packet) == .ordinary) }
            #expect(balancer.ended(.forwardedFragment) + balancer.ended(.forwarded) == UInt64(others.count))
            guard case .decided(let verdict) = balancer.give(TestBalancer.datagram(1401, id: 4)) else {
                Issue.record("a whole packet was not forwarded")
                return
            }
            #expect(verdict.action == .acceptMarked)
            balancer.engine.receive()
            // One that came in fragments, and one that was whole.
            #expect(balancer.engine.desk.counters.refusals == [.originals: 2])
            #expect(balancer.engine.originals.count == 1)
        }
    }

    @Test func whatIsGivenUpForItsMemoryIsForwarded() throws {
        try Self.run(originals: 65_536) { balancer in
            let packets = (1...40).map { TestBalancer.fragments(60_000, id: UInt32($0)) }
            for packet in packets { for fragment in packet.dropLast() { balancer.give(fragment) } }
            balancer.engine.receive()
            let evicted = balancer.engine.collector.statistics.evicted
            #expect(evicted > 10)
            #expect(balancer.ended(.forwardedFragment) == evicted * UInt64(packets[0].count - 1))
            // Their last fragments follow them; the others are whole.
            for packet in packets { balancer.give(packet.last!) }
            balancer.engine.receive()
            #expect(balancer.isSettled && balancer.ended(.forwardedFragment) == balancer.given)
            #expect(balancer.engine.desk.counters.refusals == [.originals: evicted, .nodes: 40 - evicted])
        }
    }

    // MARK: Packets that must not be

    /// A fragment of the packet made unreadable: without bytes, of an odd length, ending too far, or too short for a
    /// header.
    private static func damaged(_ fragments: [[UInt8]], _ kind: String) -> [UInt8] {
        var bytes: [UInt8]
        switch kind {
        case "empty": bytes = Array(fragments[1][..<20])
        case "odd": bytes = Array(fragments[1].dropLast(3))
        case "long":
            bytes = fragments[1]
            (bytes[6], bytes[7]) = (0x3F, 0xF0)
        default: bytes = Array(fragments[0][..<24])
        }
        (bytes[2], bytes[3]) = (UInt8(bytes.count >> 8), UInt8(bytes.count & 0xFF))
        return bytes
    }

    @Test(arguments: ["empty", "odd", "long", "tiny"], [0, 3, 6])
    func aFragmentThatCannotBeReadTakesItsWholePacketAlong(kind: String, place: Int) throws {
        try Self.run { balancer in
            var packets = TestBalancer.fragments(9000)
            #expect(packets.count == 7)
            packets.insert(Self.damaged(packets, kind), at: place)
            for packet in packets { balancer.give(packet) }
            balancer.engine.receive()
            balancer.engine.receive()
            #expect(balancer.engine.desk.counters.offered == 0)
            #expect(balancer.ended(.malformed) == 1, "\(kind)")
            #expect(balancer.ended(.fragmentRejected) == 7)
            #expect(balancer.counters.packets(rejectedFor: .condemned) == 7)
            #expect(balancer.isSettled && balancer.backends == [0, 0])
        }
    }

    // MARK: Packets that cannot be split

    @Test func aPacketThatNoQueueHandsOverWholeIsCounted() throws {
        try Self.run { balancer in
            let longest = TestBalancer.datagram(65_507)
            #expect(longest.count == 65_535)
            #expect(balancer.give(longest, copied: 65_531) == .ordinary)
            #expect(balancer.counters.count(.unsplitTruncated) == 1)
            #expect(balancer.give(TestBalancer.datagram(65_507, flagged: false), copied: 65_531) == .ordinary)
            #expect(balancer.counters.count(.unsplitTruncated) == 1)
            guard case .park = balancer.give(TestBalancer.datagram(65_503), copied: 65_531) else {
                Issue.record("the longest that is handed over whole is not split")
                return
            }
            balancer.engine.receive()
            #expect(balancer.counters.count(.unsplitTruncated) == 1)
            #expect(balancer.engine.desk.counters.offered == 1 && balancer.ended(.forwarded) == 3)
        }
    }

    @Test func aFlaggedAggregateIsCounted() throws {
        try Self.run { balancer in
            #expect(balancer.give(TestBalancer.datagram(14_000), isAggregate: true) == .ordinary)
            #expect(balancer.give(TestBalancer.datagram(14_000, flagged: false), isAggregate: true) == .ordinary)
            #expect(balancer.counters.count(.unsplitAggregates) == 1)
        }
    }

    // MARK: The end

    @Test(arguments: [false, true])
    func atTheEndEveryOriginalHasItsOutcome(six: Bool) throws {
        try Self.run { balancer in
            let fragments = (1...3).map { TestBalancer.fragments(9000, id: UInt32($0), six: six) }
            for packet in fragments[0].dropLast() { balancer.give(packet) }
            for packet in fragments[1].dropFirst() { balancer.give(packet) }
            for packet in fragments[2] { balancer.give(packet) }
            balancer.give(TestBalancer.datagram(9000, id: 4, six: six))
            balancer.engine.receive()
            #expect(!balancer.isSettled)
            balancer.engine.close()
            #expect(balancer.isSettled)
            #expect(balancer.ended(.forwardedFragment) + balancer.ended(.forwarded) == balancer.given)
            // Those without their first fragment go on without a mark, as it will.
            #expect(balancer.backends.reduce(0, +) == balancer.given - UInt64(fragments[1].count - 1))
        }
    }
}
