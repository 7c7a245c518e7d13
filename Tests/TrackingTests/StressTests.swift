import Simulation
import Synchronization
import Testing
import Wire

@testable import Tracking

/// What several threads use at once.
private final class Shared: Sendable {
    let tracker: FragmentTracker
    let flows: FlowTable

    init(_ limits: FragmentLimits, _ flows: FlowLimits) throws {
        tracker = try FragmentTracker(limits)
        self.flows = try FlowTable(flows)
    }
}

@Suite(.serialized) struct StressTests {
    #if DEBUG
        static let rounds = 3000
    #else
        static let rounds = 300_000
    #endif

    @Test(arguments: [2, 4, 8])
    func threadsOnOneTrackerLoseNothing(threads: Int) throws {
        let limits = FragmentLimits(size: 97, buckets: 64, ttl: 5_000_000, parked: 64, workers: threads)
        let shared = try Shared(limits, FlowLimits(size: 1, buckets: 0))
        onThreads(threads) { worker in
            var random = SplitMix(state: UInt64(worker) + 1)
            var released = [ReleasedFragment](repeating: ReleasedFragment(), count: 8)
            var dropped = [DroppedFragment](repeating: DroppedFragment(), count: 8)
            for round in 0..<Self.rounds {
                // The threads' clocks run apart by up to half a ttl.
                let now = Int64(round) * 2000 + Int64(random.next() % 2_500_000)
                let key = FragmentKey(
                    source: IPAddress(10, 0, 0, UInt8(random.next() % 5)), destination: IPAddress(192, 0, 2, 1),
                    transport: 17, identification: UInt32(random.next() % 60))
                let place = Int(random.next() % 4)
                let info = FragmentInfo(identification: 0, offset: place * 800, length: 800, more: place < 3)
                let isLate = random.next() % 8 == 0
                let arrival = FragmentArrival(info, transport: 17, decision: 1, token: isLate ? nil : 5)
                let outcome = shared.tracker.track(
                    arrival, key: key, hash: shared.tracker.hash(key), now: now, worker: worker)
                if isLate, case .park(let name) = outcome { _ = shared.tracker.confirm(name, token: 6) }
                if let entry = shared.tracker.table.hold(
                    key, now: now, worker: UInt32(worker), owner: shared.tracker)
                {
                    shared.tracker.table.entries[entry].lock.lock()
                    let decision = shared.tracker.table.entries[entry].state.decision
                    shared.tracker.table.entries[entry].lock.unlock()
                    precondition(decision <= 1)
                    shared.tracker.table.letGo(entry, UInt32(worker))
                }
                if round % 16 == 0 {
                    var releasedSpan = released.mutableSpan
                    _ = shared.tracker.takeReleased(into: &releasedSpan, now: now, worker: worker)
                    var droppedSpan = dropped.mutableSpan
                    _ = shared.tracker.takeDropped(into: &droppedSpan, now: now, worker: worker)
                }
                if round % 4096 == 0 { _ = shared.tracker.statistics(now: now) }
            }
        }
        var now = Int64(Self.rounds) * 2000 + 1_000_000_000
        #expect(shared.tracker._checkInvariants() == nil)
        let sum = shared.tracker.statistics(now: now)
        #expect(sum.inserts == sum.rejected + UInt64(sum.active) + sum.objGC + sum.reassembled + sum.evicted)
        #expect(sum.stored == sum.released + sum.discarded + sum.lost + UInt64(sum.parked))
        #expect(shared.tracker.table.orphans == 0)
        // Time goes on: every record comes back.
        var released = [ReleasedFragment](repeating: ReleasedFragment(), count: 64)
        var dropped = [DroppedFragment](repeating: DroppedFragment(), count: 64)
        for _ in 0..<8 {
            now += limits.ttl * 2
            for worker in 0..<threads {
                var releasedSpan = released.mutableSpan
                _ = shared.tracker.takeReleased(into: &releasedSpan, now: now, worker: worker)
                var droppedSpan = dropped.mutableSpan
                _ = shared.tracker.takeDropped(into: &droppedSpan, now: now, worker: worker)
            }
        }
        #expect(shared.tracker.statistics(now: now).parked == 0)
        #expect(shared.tracker._checkInvariants() == nil)
    }

    @Test(arguments: [2, 4, 8])
    func threadsOnOneFlowTableAgreeOnEachFlow(threads: Int) throws {
        let shared = try Shared(
            FragmentLimits(size: 1, buckets: 0, workers: 1),
            FlowLimits(size: 211, buckets: 300, backends: 8, workers: threads))
        let disagreements = Atomic<Int>(0)
        onThreads(threads) { worker in
            var random = SplitMix(state: UInt64(worker) + 9)
            for _ in 0..<Self.rounds {
                let flow = UInt16(random.next() % 400)
                let key = FlowKey(
                    source: IPAddress(10, 0, 0, 1), destination: IPAddress(192, 0, 2, 1), sourcePort: flow,
                    destinationPort: 80, transport: 17)
                // All threads would choose alike for a flow, so whoever was first, all must see that.
                let choice = FlowBinding(backend: flow % 8, mark: UInt32(flow))
                let outcome = shared.flows.bind(
                    key, hash: shared.flows.hash(key), tcpFlags: 0, choice: choice, now: 5, worker: worker)
                if case .pinned(let binding) = outcome, binding != choice { disagreements.add(1, ordering: .relaxed) }
                if outcome == .noRoom { disagreements.add(1, ordering: .relaxed) }
            }
        }
        #expect(disagreements.load(ordering: .relaxed) == 0)
        #expect((0..<8).reduce(0) { $0 + shared.flows.flows(on: $1) } == 400)
        #expect(shared.flows.table._checkInvariants() == nil)
    }
}
