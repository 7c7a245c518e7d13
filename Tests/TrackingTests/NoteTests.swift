import Testing
import Wire

@testable import Tracking

/// What is known of a packet lies in its bucket's note until an entry is needed.
@Suite struct NoteTests {
    #if DEBUG
        static let rounds = 2000
    #else
        static let rounds = 200_000
    #endif

    @Test func aPacketOfTwoFragmentsInOrderNeedsNoEntry() throws {
        let harness = try FragmentHarness()
        let pool = harness.tracker.table.entryPool.count
        var free: UInt32 { UInt32(harness.tracker.table.entryPool.free) }
        #expect(harness.send(harness.key(1), 0) == .useDecision(77, released: false))
        #expect(harness.send(harness.key(1), 1480, 500, more: false, decision: 5) == .useDecision(77, released: false))
        #expect(free == pool && harness.statistics.reassembled == 1 && harness.statistics.active == 0)
        // A copy, a gap or an overlap is more than a note can say.
        #expect(harness.send(harness.key(2), 0) == .useDecision(77, released: false))
        #expect(free == pool)
        #expect(harness.send(harness.key(2), 0) == .duplicate)
        #expect(free == pool - 1)
        #expect(harness.send(harness.key(2), 1480, 500, more: false) == .useDecision(77, released: false))
        #expect(free == pool && harness.statistics.reassembled == 2)
        #expect(harness.send(harness.key(3), 0) == .useDecision(77, released: false))
        #expect(harness.send(harness.key(3), 1472, 500, more: false) == .drop(.overlap))
        #expect(free == pool - 1)
        harness.check()
    }

    /// Two trackers get the same fragments; in one of them each packet is held for a moment, so that it has an entry.
    @Test func aNoteSaysTheSameAsAnEntry() throws {
        let limits = FragmentLimits(size: 16, buckets: 16, parked: 32)
        let (noted, entered) = (try FragmentHarness(limits), try FragmentHarness(limits))
        var random = SplitMix(state: 8)
        for round in 0..<Self.rounds {
            let step = Int64(random.next() % 8_000_000)
            noted.now += step
            entered.now += step
            let key = noted.key(UInt32(random.next() % 60), from: UInt8(1 + random.next() % 4))
            let place = Int(random.next() % 8) < 5 ? 0 : Int(random.next() % 3)
            let more = place < 1 + Int(random.next() % 2)
            let decision = random.next()
            let one = noted.send(key, place * 1480, more: more, decision: decision)
            let other = entered.send(key, place * 1480, more: more, decision: decision)
            if one != other { Issue.record("round \(round): \(one) with a note, \(other) with an entry") }
            if let entry = entered.hold(key) { entered.letGo(entry) }
            if noted.released() != entered.released() { Issue.record("round \(round): others are released") }
            if noted.dropped() != entered.dropped() { Issue.record("round \(round): others are dropped") }
            if round % 100 == 0 {
                noted.check()
                entered.check()
            }
        }
        #expect(noted.statistics == entered.statistics)
        #expect(noted.statistics.reassembled > 0 && noted.statistics.evicted > 0 && noted.statistics.poisoned > 0)
    }
}
