import Testing

@testable import Tracking

@Suite struct MemoryTests {
    @Test func allMemoryIsResidentFromTheStart() throws {
        let limits = FragmentLimits(size: 20_000, buckets: 20_000, parked: 10_000, workers: 3)
        let tracker = try FragmentTracker(limits)
        let page = 4096
        #expect(tracker.residentBytes >= limits.memory / page * page)
        let flowLimits = FlowLimits(size: 30_000, buckets: 30_000, workers: 2)
        let flows = try FlowTable(flowLimits)
        #expect(flows.residentBytes >= flowLimits.memory / page * page)
    }
}
