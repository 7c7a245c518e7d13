import Classification
import Dataplane
import NodeLinks
import Selection
import StateStore
import Testing
import Tracking
import Wire

@testable import NetfilterQueue
@testable import Splitter
@testable import Splitting

/// The splitting thread's engine with queues of its own, into which a test puts packets by hand: what it decides, and what
/// it counts. Without nodes: a payload that would be split is offered, refused and let go.
final class TestBalancer {
    let counters = WorkerCounters(capacity: CounterCapacity())
    let engine: SplitEngine
    private let queues: QueueGroup
    /// Packets that were given.
    private(set) var given: UInt64 = 0
    private var nextID: UInt32 = 1

    static let virtual4 = "10.77.100.1", virtual6 = "fd77:100::1"
    /// Bits of DSCP 46.
    static let flag: UInt8 = 46 << 2

    init(originals: UInt32 = 64, collected: Int = 1 << 20) throws {
        var plan = SnapshotPlan()
        plan.services = [
            SnapshotPlan.Service(
                ServiceDefinition(
                    name: "jobs", priority: 1,
                    match: ServiceMatch(
                        protocols: [TransportProtocol.udp],
                        destinations: [IPPrefix("\(Self.virtual4)/32")!, IPPrefix("\(Self.virtual6)/128")!],
                        destinationPorts: [9000...9000]),
                    pool: "servers", hash: .fourTuple),
                counterSlot: 0)
        ]
        plan.pools = [
            SnapshotPlan.Pool(
                name: "servers",
                table: try ShardTable.build(members: ["b1", "b2"].map { TableMember(name: $0) }, size: 251),
                backends: (0..<2).map {
                    SnapshotPlan.Backend(name: "b\($0 + 1)", mark: UInt32(101 + $0), counterSlot: $0)
                })
        ]
        let publisher = SnapshotPublisher(try Snapshot(plan, generation: 1, capacity: CounterCapacity()))
        let fragments = try FragmentTracking(FragmentLimits(workers: 1))
        var queue = QueueSettings(number: 6)
        queue.parking = 4
        queues = QueueGroup([], publisher: publisher, counters: [], fragments: fragments, guests: [queue])
        try queues.start()
        let settings = SplitterSettings(
            queue: queue, originals: 5, maximumOriginals: originals, collectedBytes: collected,
            fragmentTime: 200_000_000, splitting: SplittingSettings(),
            identity: LinkIdentity(
                name: "lb", role: .balancer, key: try LinkKey(bytes: [UInt8](repeating: 7, count: 32))),
            store: try EmbeddedStore())
        engine = try SplitEngine(
            settings, loop: EventLoop(),
            path: PacketPath(publisher: publisher, counters: counters, fragments: fragments, now: MonotonicClock.now),
            parking: queues.parking, place: 0)
        engine.take(
            SplitterPlan(services: [
                "jobs": ServiceSplitting(dscp: 46, maximumPacketSize: 1400, requestType: "default", rules: [])
            ]))
    }

    deinit { queues.stop() }

    /// A datagram of a client's.
    static func datagram(_ bytes: Int, id: UInt32 = 1, flagged: Bool = true, six: Bool = false) -> [UInt8] {
        var builder =
            six
            ? PacketBuilder(from: "fd78::2", to: "fd77:100::1") : PacketBuilder(from: "10.78.0.2", to: "10.77.100.1")
        builder.trafficClass = flagged ? flag : 0
        builder.identification = id
        return builder.udp(from: 5000, to: 9000, payload: pattern(0..<bytes))
    }

    /// The same in fragments for an Ethernet.
    static func fragments(_ bytes: Int, id: UInt32 = 1, flagged: Bool = true, six: Bool = false) -> [[UInt8]] {
        PacketBuilder.fragments(
            of: datagram(bytes, id: id, flagged: flagged, six: six), mtu: 1500, identification: id)
    }

    /// Decides a packet as the queue would; what is parked arrives in its queue.
    @discardableResult
    func give(_ packet: [UInt8], copied: Int = .max, isAggregate: Bool = false) -> CopyAnswer {
        given += 1
        let bytes = Array(packet.prefix(copied))
        let packet = CopiedPacket(wireLength: packet.count, isAggregate: isAggregate, sender: 0)
        let answer = engine.queue.withPath { path in
            path.refresh(now: MonotonicClock.now)
            let answer = unsafe engine.decide(packet, bytes.span.bytes, &path)
            guard answer == .ordinary else { return answer }
            let decision = unsafe path.process(bytes.span.bytes, wireLength: packet.wireLength)
            if decision.verdict.action == .park {
                let token = ParkingToken(place: 0, id: nextID, wireLength: packet.wireLength)
                let isKnown = path.confirm(decision.verdict.mark, token: token)
                #expect(isKnown)
                nextID += 1
            }
            return answer
        }
        if case .park(let name) = answer {
            let isKnown = engine.originals.confirm(name, id: nextID)
            #expect(isKnown)
            nextID += 1
        }
        return answer
    }

    /// How many packets ended so.
    func ended(_ outcome: Outcome) -> UInt64 { counters.packets(outcome) }

    /// Packets that each backend got.
    var backends: [UInt64] { (0..<2).map { counters.packets(backend: $0) } }

    /// Whether each packet has had its one outcome and nothing waits.
    var isSettled: Bool {
        counters.packets == given && counters.count(.packetsParked) == counters.count(.packetsUnparked)
            && engine.originals.count == 0
    }
}
