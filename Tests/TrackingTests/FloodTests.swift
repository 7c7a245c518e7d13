import Testing
import Wire

@testable import Tracking

@Suite struct FloodTests {
    @Test func theHeaviestSourceGivesUpItsOldestFirst() throws {
        // One chain cannot be chosen with a secret hash, so the table has a single main bucket.
        let harness = try FragmentHarness(FragmentLimits(size: 1, buckets: 9))
        for id in UInt32(0)..<3 { harness.send(harness.key(id, from: 1)) }
        for id in UInt32(0)..<7 { harness.send(harness.key(id, from: 2)) }
        for id in UInt32(10)..<13 { #expect(harness.send(harness.key(id, from: 3)) != .noRoom) }
        #expect(harness.statistics.evicted == 3)
        // Host 2 had most and lost 0, 1 and 2: for them a later fragment is one of an unknown packet.
        for id in UInt32(0)..<3 { #expect(harness.send(harness.key(id, from: 1), 0) == .duplicate) }
        for id in UInt32(3)..<7 { #expect(harness.send(harness.key(id, from: 2), 0) == .duplicate) }
        for id in UInt32(10)..<13 { #expect(harness.send(harness.key(id, from: 3), 0) == .duplicate) }
        #expect(harness.send(harness.key(0, from: 2)) == .useDecision(77, released: false))
        #expect(harness.statistics.evicted == 4)
        harness.check()
    }

    @Test func aFragmentFloodStarvesOnlyItself() throws {
        let harness = try FragmentHarness(FragmentLimits(size: 500, buckets: 500, parked: 256))
        var random = SplitMix(state: 3)
        var whole = 0
        let packets = 2000
        for packet in 0..<packets {
            // Twenty-five hostile packets from ten hosts for each honest one: three times what the table can hold.
            func flood(_ count: Int) {
                for _ in 0..<count {
                    let key = harness.key(UInt32(random.next() & 0xFFFF), from: 200 + UInt8(random.next() % 10))
                    harness.send(key, random.next() % 2 == 0 ? 0 : 1480)
                    harness.now += 60_000
                }
                _ = harness.dropped()
            }
            let key = harness.key(UInt32(packet), from: UInt8(packet % 5))
            let isReordered = packet % 3 == 0
            harness.send(key, isReordered ? 1480 : 0, more: !isReordered)
            flood(25)
            let outcome = harness.send(key, isReordered ? 0 : 1480, more: isReordered)
            whole += outcome == .useDecision(77, released: isReordered) ? 1 : 0
            _ = harness.released()
        }
        #expect(harness.statistics.evicted > 0)
        #expect(whole >= packets * 99 / 100)
        harness.check()
    }

    @Test func aFloodFromRandomSourcesSparesThoseWhoseWordIsGood() throws {
        let harness = try FragmentHarness(FragmentLimits(size: 500, buckets: 500, parked: 256))
        var random = SplitMix(state: 8)
        func send(_ key: FragmentKey, beforeTheRest work: () -> Void) -> Bool {
            harness.send(key)
            work()
            return harness.send(key, 1480, more: false) == .useDecision(77, released: false)
        }
        // Five hosts complete one packet each; from then on they are known.
        for host in UInt8(0)..<5 { #expect(send(harness.key(1, from: host)) {}) }
        var whole = 0
        for packet in UInt32(0)..<300 {
            whole +=
                send(harness.key(packet, from: UInt8(packet % 5))) {
                    // As many hostile packets as the table can hold, each from an address of its own.
                    for _ in 0..<1000 {
                        let key = FragmentKey(
                            source: IPAddress(ipv4: UInt32(truncatingIfNeeded: random.next())),
                            destination: IPAddress(192, 0, 2, 1), transport: TransportProtocol.udp,
                            identification: packet)
                        harness.send(key, random.next() % 2 == 0 ? 0 : 1480)
                        harness.now += 10_000
                    }
                    _ = harness.dropped()
                } ? 1 : 0
        }
        #expect(harness.statistics.evicted > 250_000)
        // What is lost shares a slot of 4,096 with a flood that is as large as the table.
        #expect(whole >= 297)
        harness.check()
    }

    @Test func whereAllAreKnownTheOldestGoes() throws {
        let harness = try FragmentHarness(FragmentLimits(size: 1, buckets: 40))
        func complete(_ host: UInt8) {
            harness.send(harness.key(0, from: host))
            harness.send(harness.key(0, from: host), 1480, more: false)
        }
        for host in UInt8(1)...45 { complete(host) }
        // One unfinished packet of each of 41 known hosts fills the table; four more need room.
        for host in UInt8(1)...45 { #expect(harness.send(harness.key(1, from: host)) != .noRoom) }
        #expect(harness.statistics.evicted == 4 && harness.statistics.rejected == 0)
        for host in UInt8(5)...45 { #expect(harness.send(harness.key(1, from: host), 0) == .duplicate) }
        harness.check()
    }

    @Test func aKnownSourceIsForgottenAfterAMinute() throws {
        let harness = try FragmentHarness()
        let key = harness.key(1)
        let slot = key.sourceSlot(harness.tracker.table.hashing)
        func isKnown() -> Bool { harness.tracker.knownSources.contains(slot, harness.now) }
        #expect(!isKnown())
        harness.send(key)
        #expect(!isKnown())
        harness.send(key, 1480, more: false)
        #expect(isKnown())
        harness.now += KnownSources.memory
        #expect(isKnown())
        harness.now += 1
        #expect(!isKnown())
    }

    @Test func aSourceThatWasKnownIsHeldToItsShareLikeOthers() throws {
        // It completes one packet and then floods: the strangers it would push out lose nothing.
        let harness = try FragmentHarness(FragmentLimits(size: 100, buckets: 100))
        harness.send(harness.key(0, from: 9))
        harness.send(harness.key(0, from: 9), 1480, more: false)
        for id in UInt32(1)..<190 { harness.send(harness.key(id, from: 9)) }
        for host in UInt8(20)..<40 { harness.send(harness.key(1, from: host)) }
        for id in UInt32(1000)..<3000 {
            harness.send(harness.key(id, from: 9))
            harness.now += 10_000
        }
        #expect(harness.statistics.evicted > 1500)
        for host in UInt8(20)..<40 { #expect(harness.send(harness.key(1, from: host), 0) == .duplicate) }
        harness.check()
    }

    @Test func parkedFragmentsOfAFloodMakeRoomForOthers() throws {
        let harness = try FragmentHarness(FragmentLimits(size: 1000, buckets: 1000, parked: 64))
        var lost = 0
        for packet in UInt32(0)..<500 {
            for id in UInt32(0)..<4 { harness.send(harness.key(packet * 4 + id, from: 9), 1480) }
            if case .park = harness.send(harness.key(packet, from: 1), 1480, more: false) {} else { lost += 1 }
            harness.send(harness.key(packet, from: 1))
            _ = harness.dropped()
            if harness.released().count != 1 { lost += 1 }
        }
        #expect(lost == 0)
        #expect(harness.statistics.evicted > 0)
        harness.check()
    }

    @Test func anIPv6SourceIsItsPrefix() {
        let hash = KeyedHash(seed: 1)
        func slot(_ text: String) -> UInt16 {
            FragmentKey(
                source: IPAddress(text)!, destination: IPAddress("2001:db8::")!, transport: 0, identification: 0
            ).sourceSlot(hash)
        }
        #expect(slot("2001:db8:1:2::3") == slot("2001:db8:1:2:ffff::"))
        #expect(slot("2001:db8:1:2::3") != slot("2001:db8:1:3::3"))
    }

    @Test func aPacketKeptAliveStaysInReachOfItsQuota() throws {
        // Honest packets come and go at a rate that laps the ring; the hostile one is renewed all the time.
        let harness = try FragmentHarness(FragmentLimits(size: 1, buckets: 9))
        let hostile = (0..<5).map { harness.key(UInt32($0), from: 66) }
        for key in hostile { harness.send(key) }
        for round in UInt32(0)..<400 {
            let key = harness.key(round, from: 1)
            harness.send(key)
            harness.send(key, 1480, more: false)
            harness.now += FragmentHarness.millisecond / 10
        }
        #expect(harness.statistics.reassembled == 400)
        for id in UInt32(1000)..<1008 { #expect(harness.send(harness.key(id, from: UInt8(id - 990))) != .noRoom) }
        #expect(harness.statistics.evicted == 3)
        #expect(harness.statistics.rejected == 0)
        harness.check()
    }
}

extension FragmentHarness {
    /// A first fragment.
    @discardableResult
    func send(_ key: FragmentKey) -> FragmentOutcome { send(key, 0) }
}
