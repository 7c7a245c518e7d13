import Testing
import Tracking
import Wire

@testable import Splitter

struct PayloadCollectorTests {
    @Test func everyOrderGivesTheSamePayloadAndTheNamesInOffsetOrder() {
        let payload = pattern(0..<1100)
        let parts = fragments(of: payload, every: 240, first: 40)
        for order in permutations(parts.count) {
            let collector = Collector()
            for index in order.dropLast() { #expect(collector.add(key(1), parts[index]) == .kept) }
            let last = collector.add(key(1), parts[order.last!])
            #expect(
                last
                    == .whole(
                        CollectedPayload(bytes: payload, originals: [40, 41, 42, 43, 44], wireLength: 1200, began: 0)))
            #expect(collector.isEmpty)
        }
    }

    @Test(arguments: [1480, 1448, 1232, 576, 48])
    func theLongestPayloadIsCollectedInAnyDirection(size: Int) {
        for address in [IPAddress(192, 0, 2, 1), IPAddress("fd00:1::1")!] {
            let payload = pattern(0..<(address.family == .ipv4 ? 65_515 : 65_535))
            for backwards in [false, true] {
                let collector = Collector(CollectorLimits(bytes: 1 << 20))
                let parts = fragments(of: payload, every: size)
                var result = CollectedFragment.kept
                for part in backwards ? parts.reversed() : parts {
                    #expect(result == .kept)
                    result = collector.add(key(1, from: address), part)
                }
                guard case .whole(let whole) = result else {
                    Issue.record("not whole")
                    continue
                }
                #expect(whole.bytes == payload)
                #expect(whole.originals == parts.map(\.original))
                #expect(collector.isEmpty)
            }
        }
    }

    @Test func anExactCopyComesBackAloneAndHarmsNothing() {
        let collector = Collector()
        let payload = pattern(0..<3000)
        var parts = fragments(of: payload, every: 1480)
        for index in [2, 0] { #expect(collector.add(key(1), parts[index]) == .kept) }
        for index in [0, 2] {
            parts[index].original = 90
            #expect(collector.add(key(1), parts[index]) == .duplicate)
        }
        guard case .whole(let whole) = collector.add(key(1), parts[1]) else {
            Issue.record("not whole")
            return
        }
        #expect(whole.originals == [0, 1, 2])
        #expect(whole.bytes == payload)
        #expect(collector.isEmpty)
    }

    @Test func aCopyWithOtherBytesIsNoCopy() {
        let collector = Collector()
        #expect(collector.add(key(1), TestFragment(8, length: 16, more: true, original: 1)) == .kept)
        var other = TestFragment(8, length: 16, more: true, original: 2)
        other.bytes[15] ^= 1
        #expect(collector.add(key(1), other) == .poisoned(.overlap, originals: [1, 2]))
    }

    /// Each pair has been judged by hand against the words of RFC 791, 1858, 5722 and 8200 §4.5.
    @Test(arguments: [
        ([(0, 16, true), (8, 16, true)], FragmentFault.overlap),
        ([(8, 16, true), (0, 16, true)], .overlap),
        ([(0, 32, true), (8, 8, true)], .overlap),
        ([(8, 8, true), (0, 32, true)], .overlap),
        ([(16, 8, true), (0, 24, false)], .overlap),
        ([(16, 8, true), (24, 8, false), (24, 16, false)], .contradictoryLength),
        ([(8, 8, false), (8, 8, true)], .contradictoryLength),
        ([(8, 8, false), (16, 8, true)], .contradictoryLength),
        ([(8, 8, false), (16, 8, false)], .contradictoryLength),
        ([(32, 8, true), (8, 8, false)], .contradictoryLength),
        ([(0, 12, true)], .unalignedLength),
        ([(8, 0, true)], .empty),
        ([(0, 0, false)], .empty),
        ([(65_512, 4, false)], .tooLong),
        ([(65_528, 8, true)], .tooLong),
        ([(0, 7, false)], .tinyFirst),
    ])
    func whatNoSenderMakesPoisonsThePacket(parts: [(Int, Int, Bool)], fault: FragmentFault) {
        let collector = Collector()
        for (index, part) in parts.enumerated() {
            let fragment = TestFragment(part.0, length: part.1, more: part.2, original: UInt32(index))
            let outcome = collector.add(key(1), fragment)
            guard index == parts.count - 1 else {
                #expect(outcome == .kept)
                continue
            }
            guard case .poisoned(let why, let originals) = outcome else {
                Issue.record("\(outcome)")
                return
            }
            #expect(why == fault)
            let offsets = originals.map { parts[Int($0)].0 }
            #expect(originals.sorted() == (0..<UInt32(parts.count)).map { $0 })
            #expect(offsets == offsets.sorted())
        }
        #expect(collector.statistics.waiting == 0)
        // Whatever still comes fares alike, until the packet is forgotten.
        let late = TestFragment(80, length: 8, more: true, original: 77)
        #expect(collector.add(key(1), late, now: 100_000_000) == .poisoned(fault, originals: [77]))
        #expect(collector.add(key(1), late, now: 200_000_001) == .kept)
    }

    @Test func withoutProgressThePacketComesBackAsExpired() {
        let collector = Collector(CollectorLimits(ttl: 1_000_000))
        let parts = fragments(of: pattern(0..<4000), every: 1480)
        #expect(collector.add(key(1), parts[2], now: 0) == .kept)
        #expect(collector.add(key(2), parts[1], now: 500_000) == .kept)
        // Progress: the first now lives longer than the second.
        #expect(collector.add(key(1), parts[0], now: 1_000_000) == .kept)
        collector.expire(now: 1_500_000)
        #expect(collector.takeGivenUp() == [])
        #expect(collector.nextExpiry == 1_500_001)
        collector.expire(now: 1_500_001)
        #expect(
            collector.takeGivenUp() == [
                GivenUpPacket(key: key(2), reason: .expired, originals: [1], hasFirst: false)
            ])
        // A copy is no progress.
        #expect(collector.add(key(1), parts[0], now: 1_900_000) == .duplicate)
        collector.expire(now: 2_000_001)
        #expect(
            collector.takeGivenUp() == [
                GivenUpPacket(key: key(1), reason: .expired, originals: [0, 2], hasFirst: true)
            ])
        #expect(collector.isEmpty)
    }

    @Test func aRefusedPacketIsRefusedToItsEnd() throws {
        let collector = Collector()
        let parts = fragments(of: pattern(0..<4000), every: 1480)
        #expect(collector.add(key(1), parts[1]) == .kept)
        #expect(collector.refuse(key(1), now: 0))
        let given = try #require(collector.takeGivenUp().first)
        #expect(given.key == key(1) && given.reason == .refused && given.originals == [1] && !given.hasFirst)
        #expect(given.fragments.map(\.fragment) == [parts[1].info] && given.fragments[0].bytes == parts[1].bytes)
        #expect(collector.add(key(1), parts[0]) == .refused)
        #expect(collector.add(key(1), parts[2]) == .refused)
        #expect(!collector.refuse(key(1), now: 0))
        #expect(collector.refuse(key(2), now: 0))
        #expect(collector.takeGivenUp().map(\.originals) == [[]])
        #expect(collector.add(key(2), parts[0]) == .refused)
        #expect(collector.isConsistent())
        collector.expire(now: 300_000_000)
        #expect(collector.isEmpty)
        #expect(collector.takeGivenUp() == [])
    }

    @Test func aPacketOfTooManyFragmentsIsForwardedNotDropped() {
        let collector = Collector(CollectorLimits(fragments: 4))
        for index in 0..<4 {
            let part = TestFragment(8 * index, length: 8, more: true, original: UInt32(index))
            #expect(collector.add(key(1), part) == .kept)
        }
        let fifth = TestFragment(32, length: 8, more: true, original: 4)
        #expect(collector.add(key(1), fifth) == .refused)
        let given = collector.takeGivenUp()
        #expect(given.map(\.originals) == [[0, 1, 2, 3]] && given[0].reason == .refused && given[0].hasFirst)
    }

    @Test func aPacketWithAFragmentThatCannotBeReadIsDroppedToItsEnd() {
        let collector = Collector()
        let parts = fragments(of: pattern(0..<4000), every: 1480)
        #expect(collector.condemn(key(1), now: 0) == [])
        #expect(collector.add(key(1), parts[2]) == .kept)
        #expect(collector.add(key(1), parts[0]) == .kept)
        #expect(collector.condemn(key(1), now: 0) == [0, 2])
        #expect(collector.condemn(key(1), now: 0) == [])
        #expect(collector.add(key(1), parts[1]) == .poisoned(.condemned, originals: [1]))
        #expect(collector.isConsistent() && collector.takeGivenUp() == [])
    }

    @Test func limitsOutOfRangeAreNamed() {
        #expect(CollectorLimits().fault == nil)
        #expect(CollectorLimits(packets: 0).fault?.hasPrefix("packets is 0") == true)
        #expect(CollectorLimits(bytes: 1000).fault?.hasPrefix("bytes is 1000") == true)
        #expect(CollectorLimits(share: 101).fault?.contains("1 to 100") == true)
        #expect(CollectorLimits(fragments: 1).fault?.hasPrefix("fragments") == true)
        #expect(CollectorLimits(ttl: 0).fault?.hasPrefix("ttl") == true)
    }

    @Test func whatIsWithdrawnIsGivenBackAsItCameAndForgotten() throws {
        let collector = Collector()
        let payload = pattern(0..<4_000)
        let parts = fragments(of: payload, every: 1480)
        #expect(collector.add(key(1), parts[2], now: 0) == .kept)
        #expect(collector.add(key(1), parts[0], now: 10) == .kept)
        #expect(collector.add(key(2), parts[0], now: 10) == .kept)
        #expect(collector.add(key(3), parts[0], now: 90) == .kept)
        var asked: [FragmentKey] = []
        func withdraw(now: Int64, _ wanted: FragmentKey) -> [WithdrawnPacket] {
            asked = []
            return collector.withdraw(after: 50, now: now) { key in
                asked.append(key)
                return key == wanted
            }
        }
        #expect(withdraw(now: 60, key(1)) == [] && asked == [])
        let taken = withdraw(now: 100, key(1))
        #expect(asked == [key(1), key(2)])
        #expect(taken.map(\.key) == [key(1)])
        let pieces = try #require(taken.first).fragments
        #expect(pieces.map(\.original) == [0, 2] && pieces.map(\.bytes) == [parts[0].bytes, parts[2].bytes])
        #expect(pieces.map(\.fragment) == [parts[0].info, parts[2].info])
        #expect(collector.isConsistent() && collector.takeGivenUp() == [] && collector.statistics.withdrawn == 1)
        // The others go on, and this one may begin anew.
        #expect(withdraw(now: 1000, key(3)).map(\.key) == [key(3)])
        for part in parts { _ = collector.add(key(1), part, now: 1000) }
        _ = collector.add(key(2), parts[1], now: 1000)
        guard case .whole(let whole) = collector.add(key(2), parts[2], now: 1000) else {
            Issue.record("a packet that was not wanted is gone")
            return
        }
        #expect(whole.bytes == payload && collector.isConsistent() && collector.isEmpty)
    }
}
