import Dataplane
import Testing
import Tracking
import Wire

@Suite("Changing tables while packets come")
struct SnapshotPublisherTests {
    @Test func aWorkerTakesUpANewSnapshotBetweenBatches() throws {
        var test = try TestSnapshot()
        let publisher = SnapshotPublisher(try test.snapshot)
        let counters = WorkerCounters(capacity: CounterCapacity())
        var path = PacketPath(
            publisher: publisher, counters: counters, fragments: try FragmentTracking(FragmentLimits()))
        let packet = PacketBuilder(from: "10.9.0.1", to: "10.0.0.100").udp(from: 1, to: 80)
        func process() -> UInt32 { unsafe path.process(packet.span.bytes, wireLength: packet.count).verdict.mark }
        #expect((101...103).contains(process()))

        test.plan.pools[0].table = nil
        test.plan.onNoBackend = .mark(5)
        publisher.publish(try Snapshot(test.plan, generation: 2, capacity: CounterCapacity()))
        #expect((101...103).contains(process()))
        path.refresh(now: 1)
        #expect(process() == 5)
        #expect(counters.packets == 3 && counters.packets(.forwarded) == 2 && counters.packets(.noBackend) == 1)
    }
}
