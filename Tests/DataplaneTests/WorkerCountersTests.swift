import Dataplane
import Testing
import Tracking
import Wire

@Suite("Counters")
struct WorkerCountersTests {
    @Test func noTwoCountersShareAPlace() {
        // Every counter is raised by a number of its own; then every one must hold just its number.
        let counters = WorkerCounters(capacity: CounterCapacity(services: 9, backends: 5))
        let ofBatches: Set<WorkerEvent> = [.packetsReceived, .batches, .decisionNanoseconds]
        for (index, event) in WorkerEvent.allCases.enumerated() where !ofBatches.contains(event) {
            counters.writer.add(event, UInt64(index + 1))
        }
        counters.writer.addBatch(packets: 33, nanoseconds: 330)
        for (index, event) in WorkerEvent.allCases.enumerated() where !ofBatches.contains(event) {
            #expect(counters.count(event) == UInt64(index + 1))
        }
        #expect(counters.count(.batches) == 1 && counters.count(.decisionNanoseconds) == 330)
        #expect(counters.count(.packetsReceived) == 33)
        #expect((0..<16).map { counters.batches(inBucket: $0) } == (0..<16).map { $0 == 5 ? 1 : 0 })
        #expect((0..<16).map { counters.packets(inDecisionTimeBucket: $0) } == (0..<16).map { $0 == 3 ? 33 : 0 })
        #expect(counters.packets == 0)
        #expect(WireError.allCases.allSatisfy { counters.packets(unreadableFor: $0) == 0 })
        #expect((0..<9).allSatisfy { counters.packets(service: $0) == 0 })
        #expect((0..<5).allSatisfy { counters.packets(backend: $0) == 0 && counters.bytes(backend: $0) == 0 })
    }

    @Test func packetsAndBytesAreCountedWhereTheyWent() throws {
        let counters = WorkerCounters(capacity: CounterCapacity())
        let path = PacketPath(
            publisher: SnapshotPublisher(try TestSnapshot().snapshot), counters: counters,
            fragments: try FragmentTracking(FragmentLimits()))
        let client = PacketBuilder(from: "10.9.0.1", to: "10.0.0.100")
        var expected: [Int: (packets: UInt64, bytes: UInt64)] = [:]
        for port in UInt16(1)...500 {
            let packet = client.udp(from: port, to: 80, payload: [UInt8](repeating: 0, count: Int(port)))
            let decision = unsafe path.process(packet.span.bytes, wireLength: packet.count)
            let slot = Int(decision.verdict.mark)
            expected[slot, default: (0, 0)].packets += 1
            expected[slot, default: (0, 0)].bytes += UInt64(packet.count)
        }
        for slot in 101...103 {
            #expect(counters.packets(backend: slot) == expected[slot]?.packets)
            #expect(counters.bytes(backend: slot) == expected[slot]?.bytes)
        }
        #expect(counters.packets(service: 0) == 500 && counters.packets(.forwarded) == 500)
    }
}
