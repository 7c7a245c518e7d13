import Testing
import Wire

@testable import Tracking

/// What is known of a packet lies in its bucket's note until an entry is needed.
@Suite struct NoteTests {
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
}
