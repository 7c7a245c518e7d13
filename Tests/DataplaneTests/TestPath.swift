import Dataplane
import Tracking
import Wire

/// A worker's path with a clock of its own, and the parking queue that the kernel would keep for it.
struct TestPath: ~Copyable {
    let counters = WorkerCounters(capacity: CounterCapacity())
    let publisher: SnapshotPublisher
    let fragments: FragmentTracking
    private var path: PacketPath
    private var parked: [(name: UInt32, wireLength: Int)] = []
    private(set) var now: Int64 = 1_000_000_000

    init(_ snapshot: Snapshot, limits: FragmentLimits = FragmentLimits()) throws {
        publisher = SnapshotPublisher(snapshot)
        fragments = try FragmentTracking(limits)
        path = PacketPath(publisher: publisher, counters: counters, fragments: fragments, now: now)
    }

    /// Packets that are parked or have met their outcome.
    var settled: UInt64 {
        counters.packets + counters.count(.packetsParked) - counters.count(.packetsUnparked)
    }
    /// Fragments that wait.
    var waiting: UInt64 { counters.count(.packetsParked) - counters.count(.packetsUnparked) }

    mutating func advance(milliseconds: Int64) {
        now += milliseconds * 1_000_000
        path.refresh(now: now)
    }

    mutating func publish(_ snapshot: Snapshot) {
        publisher.publish(snapshot)
        path.refresh(now: now)
    }

    /// Decides a packet; a parked one stands in the parking queue from then on, under its place in it.
    mutating func process(_ packet: [UInt8], sender: UInt64 = 0) -> Decision {
        let decision = unsafe path.process(packet.span.bytes, wireLength: packet.count, sender: sender)
        if decision.verdict.action == .park { parked.append((decision.verdict.mark, packet.count)) }
        return decision
    }

    /// What the parking queue has had: names are told from `from` on.
    mutating func confirm(from first: Int = 0) {
        for (id, fragment) in parked.enumerated().dropFirst(first) {
            let token = ParkingToken(place: 0, id: UInt32(id), wireLength: fragment.wireLength)
            _ = path.confirm(fragment.name, token: token)
        }
    }

    /// Everything that may leave the parking queue now.
    mutating func takeUnparked() -> [UnparkedFragment] {
        var result: [UnparkedFragment] = []
        var buffer = InlineArray<16, UnparkedFragment>(repeating: UnparkedFragment())
        while true {
            var span = buffer.mutableSpan
            let count = path.takeUnparked(into: &span)
            if count == 0 { return result }
            for index in 0..<count { result.append(span[index]) }
        }
    }
}
