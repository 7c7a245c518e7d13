import Testing
import Tracking
import Wire

@testable import Splitter

struct CollectorRoomTests {
    @Test func theHeaviestSourceGivesUpItsOldestFirst() {
        let collector = Collector(CollectorLimits(bytes: 1 << 20))
        let payload = pattern(0..<40_000)
        // One light source, then a heavy one that never finishes anything.
        #expect(collector.add(key(1, from: source(1)), fragments(of: payload, every: 1480)[0]) == .kept)
        var evicted: [FragmentKey] = []
        for number in 0..<100 {
            for part in fragments(of: payload, every: 1480).dropLast() {
                #expect(collector.add(key(number, from: source(2)), part) == .kept)
                #expect(collector.isConsistent())
            }
            for packet in collector.takeGivenUp() {
                #expect(packet.reason == .evicted)
                #expect(packet.originals == (0..<27).map { $0 })
                #expect(packet.hasFirst && packet.fragments.map(\.original) == packet.originals)
                #expect(packet.fragments.flatMap(\.bytes) == Array(payload[..<39_960]))
                evicted.append(packet.key)
            }
        }
        #expect(evicted.count > 50)
        #expect(evicted == (0..<evicted.count).map { key($0, from: source(2)) })
        // What still comes of a packet that was given up is forwarded like the rest of it.
        let last = fragments(of: payload, every: 1480).last!
        #expect(collector.add(evicted.last!, last) == .refused)
        // The light source was not harmed.
        for part in fragments(of: payload, every: 1480).dropFirst().dropLast() {
            #expect(collector.add(key(1, from: source(1)), part) == .kept)
        }
        guard case .whole(let whole) = collector.add(key(1, from: source(1)), last) else {
            Issue.record("the light source lost its packet")
            return
        }
        #expect(whole.bytes == payload)
    }

    @Test func aFloodOfForgedSourcesStarvesItself() {
        let collector = Collector(CollectorLimits(packets: 256))
        let payload = pattern(0..<60_000)
        var forged = 0
        var names: UInt32 = 1000
        for number in 0..<50 {
            for part in fragments(of: payload, every: 1480) {
                // Four forged fragments for each good one.
                for _ in 0..<4 {
                    names += 1
                    forged += 1
                    let junk = TestFragment(8, length: 1480, more: true, original: names)
                    #expect(collector.add(key(forged, from: source(2 + forged % 60_000)), junk) == .kept)
                }
                let outcome = collector.add(key(number, from: source(1)), part)
                if part.info.more {
                    #expect(outcome == .kept)
                } else if case .whole(let whole) = outcome {
                    #expect(whole.bytes == payload)
                } else {
                    Issue.record("\(outcome)")
                }
            }
        }
        #expect(collector.isConsistent())
        // One place was the good packet's, which is whole.
        #expect(collector.statistics.packets == 255)
        #expect(collector.statistics.whole == 50)
        #expect(collector.takeGivenUp().count == forged - 255)
    }

    @Test func aShareBindsAlsoWhileThereIsRoom() {
        let collector = Collector(CollectorLimits(packets: 100, share: 10))
        for number in 0..<30 {
            let part = TestFragment(0, length: 1480, more: true, original: UInt32(number))
            #expect(collector.add(key(number, from: source(1)), part) == .kept)
        }
        #expect(collector.statistics.packets == 10)
        #expect(collector.takeGivenUp().map(\.originals) == (0..<20).map { [$0] })
        #expect(collector.add(key(1, from: source(2)), TestFragment(0, length: 8, more: true, original: 1)) == .kept)
        #expect(collector.takeGivenUp() == [])
    }

    @Test func hostsOfOneIPv6NetworkAreOneSource() {
        let collector = Collector(CollectorLimits(packets: 10, share: 50))
        for number in 0..<20 {
            let host = IPAddress("fd00:1::\(String(number + 1, radix: 16))")!
            let part = TestFragment(0, length: 1232, more: true, original: UInt32(number))
            #expect(collector.add(key(number, from: host), part) == .kept)
        }
        #expect(collector.statistics.packets == 5)
    }

    @Test func poisonedPacketsCannotFillTheMemory() {
        let collector = Collector(CollectorLimits(packets: 1 << 20, bytes: 1 << 20))
        for number in 0..<20_000 {
            let part = TestFragment(0, length: 4, more: false, original: 1)
            #expect(collector.add(key(number, from: source(number)), part) == .poisoned(.tinyFirst, originals: [1]))
        }
        #expect(collector.isConsistent())
        #expect(collector.statistics.bytes <= 1 << 18)
        let payload = pattern(0..<65_515)
        for part in fragments(of: payload, every: 1480).dropLast() {
            #expect(collector.add(key(-1 & 0xFFFF), part) == .kept)
        }
    }

    /// Every name comes back exactly once, whatever is sent; judged by the model where nothing was given up.
    @Test(arguments: 0..<12)
    func everyOriginalComesBackExactlyOnce(seed: Int) {
        var random = FixedRandom(state: UInt64(seed) &* 7919 &+ 1)
        let tight = seed % 2 == 1
        let collector = Collector(
            tight
                ? CollectorLimits(
                    packets: 20, bytes: 1 << 20, share: seed % 4 == 1 ? 100 : 40, fragments: 12, ttl: 1_000_000)
                : CollectorLimits(ttl: 1_000_000))
        var models: [FragmentKey: CollectorModel] = [:]
        var outstanding: Set<UInt32> = []
        var now: Int64 = 0
        func back(_ names: [UInt32]) {
            for name in names { #expect(outstanding.remove(name) != nil, "\(name) came back twice") }
        }
        for name in 0..<UInt32(20_000) {
            // Loose runs stay within one ttl for each epoch of keys, so that the model need not know of time.
            let epoch = Int(name) / 400
            now = tight ? now + Int64.random(in: 0...20_000, using: &random) : Int64(epoch) * 10_000_000
            let number = Int.random(in: 0..<(tight ? 60 : 12), using: &random) + epoch * 100
            let packet = key(number, from: source(Int.random(in: 0..<3, using: &random)))
            let offset = 8 * Int.random(in: 0..<6, using: &random)
            let more = Int.random(in: 0..<6, using: &random) > 0
            let length =
                more
                ? 8 * Int.random(in: 1...3, using: &random) : Int.random(in: 1...16, using: &random)
            var fragment = TestFragment(offset, length: length, more: more, original: name)
            if Int.random(in: 0..<40, using: &random) == 0 { fragment.bytes[0] ^= 1 }
            outstanding.insert(name)
            let outcome = collector.add(packet, fragment, now: now)
            for packet in collector.takeGivenUp() { back(packet.originals) }
            switch outcome {
            case .kept: break
            case .whole(let whole): back(whole.originals)
            case .duplicate, .refused: back([name])
            case .poisoned(_, let names): back(names)
            }
            if name % 64 == 0 { #expect(collector.isConsistent()) }
            guard !tight else { continue }
            switch models[packet, default: CollectorModel()].add(fragment) {
            case .kept: #expect(outcome == .kept)
            case .duplicate: #expect(outcome == .duplicate)
            case .whole(let bytes, let names):
                guard case .whole(let whole) = outcome else {
                    Issue.record("\(outcome) is not whole")
                    continue
                }
                #expect(whole.bytes == bytes)
                #expect(whole.originals == names)
                models[packet] = nil
            case .fault(let fault):
                guard case .poisoned(let why, _) = outcome else {
                    Issue.record("\(outcome) is not \(fault)")
                    continue
                }
                #expect(why == fault)
                // From here on the packet is remembered as poisoned: another key takes the model's place.
                models[packet] = nil
                collector.expire(now: now + 1_000_001)
                for packet in collector.takeGivenUp() {
                    back(packet.originals)
                    models[packet.key] = nil
                }
            }
        }
        collector.giveUpAll()
        for packet in collector.takeGivenUp() { back(packet.originals) }
        #expect(outstanding.isEmpty)
        #expect(collector.isEmpty)
        #expect(collector.isConsistent())
    }

    @Test func theHeaviestIsAlwaysFirst() {
        var random = FixedRandom(state: 5)
        var heap = SourceHeap()
        var model: [Int: (weight: Int, age: UInt64)] = [:]
        for step in 0..<20_000 {
            let source = Int.random(in: 0..<50, using: &random)
            if Int.random(in: 0..<3, using: &random) == 0, model[source] != nil {
                heap.remove(source)
                model[source] = nil
            } else {
                let weight = Int.random(in: 0..<10, using: &random)
                heap.set(source, weight: weight, age: UInt64(step))
                model[source] = (weight, UInt64(step))
            }
            let expected = model.max { a, b in
                a.value.weight != b.value.weight ? a.value.weight < b.value.weight : a.value.age > b.value.age
            }
            #expect(heap.first == expected?.key)
        }
    }
}
