import Testing
import Wire

@testable import Tracking

@Suite struct FragmentTrackerTests {
    @Test func laterFragmentsFollowTheFirst() throws {
        let harness = try FragmentHarness()
        let key = harness.key(1)
        #expect(harness.send(key, 0, decision: 5) == .useDecision(5, released: false))
        #expect(harness.send(key, 1480, decision: 6) == .useDecision(5, released: false))
        #expect(harness.send(key, 2960, 100, more: false) == .useDecision(5, released: false))
        #expect(harness.statistics.reassembled == 1)
        #expect(harness.statistics.active == 0)
        harness.check()
    }

    @Test func fragmentsBeforeTheFirstAreReleasedInOffsetOrder() throws {
        let harness = try FragmentHarness()
        let key = harness.key(1)
        for offset in [4440, 1480, 2960] {
            guard case .park = harness.send(key, offset, more: offset != 4440) else {
                Issue.record("offset \(offset) was not parked")
                return
            }
        }
        harness.check()
        #expect(harness.released().isEmpty)
        #expect(harness.send(key, 0, decision: 9) == .useDecision(9, released: true))
        let released = harness.released()
        #expect(released.map(\.token) == [1480, 2960, 4440])
        #expect(released.allSatisfy { $0.decision == 9 })
        #expect(harness.statistics.reassembled == 1)
        #expect(harness.statistics.parked == 0)
        harness.check()
    }

    @Test func parkedFragmentsAreHandedBackWhenTheirTimeIsOver() throws {
        let harness = try FragmentHarness()
        harness.send(harness.key(1), 1480)
        harness.now += 150 * FragmentHarness.millisecond
        harness.send(harness.key(2), 1480)
        #expect(harness.dropped().isEmpty)
        harness.now += 51 * FragmentHarness.millisecond
        #expect(harness.dropped() == [DroppedFragment(token: 1480, fault: .expired)])
        harness.now += 150 * FragmentHarness.millisecond
        #expect(harness.dropped().count == 1)
        #expect(harness.statistics.discarded == 2)
        #expect(harness.statistics.active == 0)
        harness.check()
    }

    @Test func aFragmentRenewsItsPacketsTime() throws {
        let harness = try FragmentHarness()
        let key = harness.key(1)
        for step in 1...5 {
            guard case .park = harness.send(key, 1480 * step) else {
                Issue.record("not parked")
                return
            }
            harness.now += 150 * FragmentHarness.millisecond
            #expect(harness.dropped().isEmpty)
        }
        #expect(harness.send(key, 0) == .useDecision(77, released: true))
        #expect(harness.released().count == 5)
        harness.check()
    }

    @Test func anExactCopyIsNotAnOverlap() throws {
        let harness = try FragmentHarness()
        let key = harness.key(1)
        harness.send(key, 1480)
        #expect(harness.send(key, 1480) == .duplicate)
        harness.send(key, 0)
        #expect(harness.send(key, 0) == .duplicate)
        #expect(harness.send(key, 1480) == .duplicate)
        #expect(harness.send(key, 2960, 7, more: false) == .useDecision(77, released: false))
        #expect(harness.released().count == 1)
        #expect(harness.statistics.reassembled == 1)
        #expect(harness.statistics.duplicates == 3)
        harness.check()
    }

    @Test func anOverlapDropsTheWholePacket() throws {
        let harness = try FragmentHarness()
        let key = harness.key(1)
        harness.send(key, 1480)
        #expect(harness.send(key, 1488) == .drop(.overlap))
        #expect(harness.dropped() == [DroppedFragment(token: 1480, fault: .overlap)])
        #expect(harness.send(key, 0) == .drop(.overlap))
        #expect(harness.statistics.poisoned == 1)
        harness.check()
        // Its time is not renewed, so the identification can be used again after one ttl.
        harness.now += 201 * FragmentHarness.millisecond
        #expect(harness.send(key, 0) == .useDecision(77, released: false))
        harness.check()
    }

    @Test func eachWayToBeMalformedHasItsReason() throws {
        let tcp = TransportProtocol.tcp
        let cases: [(FragmentFault, (FragmentHarness, FragmentKey) -> FragmentOutcome)] = [
            (
                .contradictoryLength,
                {
                    $0.send($1, 2960, 8, more: false); return $0.send($1, 2968, 8)
                }
            ),
            (
                .contradictoryLength,
                {
                    $0.send($1, 2960, 8, more: false); return $0.send($1, 4000, 8, more: false)
                }
            ),
            (
                .contradictoryLength,
                {
                    $0.send($1, 2960, 16); return $0.send($1, 1480, 8, more: false)
                }
            ),
            (.tooLong, { $0.send($1, 65_512, 8) }),
            (.unalignedLength, { $0.send($1, 0, 1479) }),
            (.empty, { $0.send($1, 1480, 0, more: false) }),
            (.tinyFirst, { $0.send($1, 0, 8, transport: tcp) }),
            (.tinyFirst, { $0.send($1, 8, 1480, transport: tcp) }),
            (.incompleteHeaders, { $0.send($1, 0, complete: false) }),
            (
                .overlap,
                {
                    $0.send($1, 0); return $0.send($1, 0, 2960)
                }
            ),
        ]
        for (fault, send) in cases {
            let harness = try FragmentHarness()
            let key = harness.key(3)
            #expect(send(harness, key) == .drop(fault))
            #expect(harness.send(key, 16_000) == .drop(fault))
            #expect(harness.statistics.faults[Int(fault.rawValue)] == 1)
            harness.check()
        }
    }

    @Test func moreGapsThanAPacketCanHavePoisonAndNothingLeaks() throws {
        let harness = try FragmentHarness()
        let key = harness.key(1)
        harness.send(key, 0, 8)
        for gap in 1..<128 { #expect(harness.send(key, gap * 16, 8) == .useDecision(77, released: false)) }
        #expect(harness.statistics.borrowed == 19)
        harness.check()
        #expect(harness.send(key, 128 * 16, 8) == .drop(.tooManyHoles))
        #expect(harness.statistics.borrowed == 0)
        harness.check()
    }

    @Test func recordsLentForGapsComeBackWhenThePacketsTimeIsOver() throws {
        let harness = try FragmentHarness()
        for id in UInt32(0)..<3 {
            for gap in 0..<30 { harness.send(harness.key(id), gap * 16, 8) }
        }
        #expect(harness.statistics.borrowed == 6)
        harness.check()
        harness.now += 201 * FragmentHarness.millisecond
        #expect(harness.dropped().isEmpty)
        #expect(harness.statistics.borrowed == 0)
        harness.check()
    }

    @Test func withoutARecordForItsGapsAPacketIsDropped() throws {
        let harness = try FragmentHarness(FragmentLimits(size: 16, buckets: 16, parked: 0))
        for gap in 0..<19 { #expect(harness.send(harness.key(1), gap * 16, 8) == .useDecision(77, released: false)) }
        #expect(harness.send(harness.key(1), 19 * 16, 8) == .drop(.noRecord))
        harness.check()
    }

    @Test func ipv6KeysDoNotLookAtTheNextHeader() {
        let a = IPAddress("2001:db8::1")!
        let b = IPAddress("2001:db8::2")!
        func key(_ transport: UInt8, _ id: UInt32) -> FragmentKey {
            FragmentKey(source: a, destination: b, transport: transport, identification: id)
        }
        #expect(key(17, 0xFFFF_0001) == key(60, 0xFFFF_0001))
        #expect(key(17, 1) != key(17, 0x1_0001))
        let four = IPAddress(10, 0, 0, 1)
        #expect(
            FragmentKey(source: four, destination: four, transport: 17, identification: 1)
                != FragmentKey(source: four, destination: four, transport: 6, identification: 1))
    }

    @Test func aTokenThatComesLaterIsWaitedFor() throws {
        let harness = try FragmentHarness()
        let key = harness.key(1)
        guard case .park(let early) = harness.send(key, 1480, token: .some(nil)),
            case .park(let late) = harness.send(key, 2960, token: .some(nil))
        else {
            Issue.record("not parked")
            return
        }
        #expect(early.rawValue != 0 && late.rawValue != 0 && early != late)
        harness.send(key, 0)
        #expect(harness.released().isEmpty)
        #expect(harness.confirm(late, token: 22))
        #expect(harness.released().map(\.token) == [22])
        #expect(harness.confirm(early, token: 11))
        #expect(!harness.confirm(early, token: 12))
        #expect(harness.released().map(\.token) == [11])
        // The records have been freed: old names are nobody's.
        #expect(!harness.confirm(early, token: 13))
        #expect(!harness.confirm(ParkedFragment(rawValue: .max), token: 1))
        harness.check()
    }

    @Test func aTokenThatNeverComesIsCounted() throws {
        let harness = try FragmentHarness()
        let key = harness.key(1)
        harness.send(key, 1480, token: .some(nil))
        harness.send(key, 0)
        harness.send(harness.key(2), 1480, token: .some(nil))
        for _ in 0..<4 {
            harness.now += 201 * FragmentHarness.millisecond
            #expect(harness.released().isEmpty && harness.dropped().isEmpty)
        }
        #expect(harness.statistics.lost == 2)
        #expect(harness.statistics.parked == 0)
        harness.check()
    }

    @Test func aCondemnedPacketIsDroppedWhatEverComes() throws {
        let harness = try FragmentHarness()
        let key = harness.key(1)
        harness.send(key, 1480)
        #expect(harness.condemn(key))
        #expect(harness.dropped().map(\.fault) == [.condemned])
        #expect(harness.send(key, 0) == .drop(.condemned))
        #expect(harness.condemn(harness.key(2)))
        #expect(harness.send(harness.key(2), 0) == .drop(.condemned))
        harness.check()
    }

    @Test(arguments: [1, 2, 3, 4, 5, 6])
    func everyOrderOfInterleavedPacketsArrivesWhole(seed: UInt64) throws {
        var random = SplitMix(state: seed)
        let harness = try FragmentHarness(FragmentLimits(size: 64, buckets: 64, parked: 1024))
        var sent: UInt64 = 0
        for round in 0..<200 {
            var events: [(FragmentKey, Int, Int, Bool)] = []
            let length = 2000 + Int(random.next() % 58_000)
            for packet in 0..<2 {
                let key = harness.key(UInt32(round * 2 + packet))
                for offset in stride(from: 0, to: length, by: 1480) {
                    events.append((key, offset, min(1480, length - offset), offset + 1480 < length))
                }
            }
            switch round % 3 {
            case 0: events.shuffle(using: &random)
            case 1: events.reverse()
            default: break
            }
            var passed = 0
            for (key, offset, size, more) in events {
                switch harness.send(key, offset, size, more: more) {
                case .useDecision: passed += 1
                case .park: break
                case let other: Issue.record("\(other) at \(offset) of \(length) in round \(round)")
                }
                passed += harness.released().count
            }
            #expect(passed == events.count)
            sent += 2
            harness.now += FragmentHarness.millisecond
        }
        #expect(harness.statistics.reassembled == sent)
        #expect(harness.statistics.parked == 0)
        #expect(harness.statistics.active == 0)
        harness.check()
    }

    @Test func invariantsHoldAfterEachFragmentWhateverComes() throws {
        var random = SplitMix(state: 99)
        let harness = try FragmentHarness(FragmentLimits(size: 5, buckets: 6, parked: 16))
        for _ in 0..<20_000 {
            harness.now += Int64(random.next() % 12) * FragmentHarness.millisecond
            let key = harness.key(UInt32(random.next() % 30), from: UInt8(random.next() % 4))
            harness.send(
                key, 8 * Int(random.next() % 40), 8 * Int(1 + random.next() % 4), more: random.next() % 3 != 0)
            if random.next() % 4 == 0 { _ = harness.released() }
            if random.next() % 4 == 0 { _ = harness.dropped() }
            if harness.tracker._checkInvariants() != nil { break }
        }
        harness.check()
        harness.now += 10_000 * FragmentHarness.millisecond
        for _ in 0..<4 {
            _ = harness.released()
            _ = harness.dropped()
        }
        #expect(harness.statistics.parked == 0)
        #expect(harness.statistics.active == 0)
    }
}
