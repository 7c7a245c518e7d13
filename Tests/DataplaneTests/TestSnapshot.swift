import Classification
import Dataplane
import Selection
import Wire

/// Two services: `web` (TCP and UDP to port 80 of the virtual addresses) over three backends and `rest` (everything
/// else to them, hashed on the source address) over two.
struct TestSnapshot {
    var plan = SnapshotPlan()
    var snapshot: Snapshot {
        get throws { try Snapshot(plan, generation: 1, capacity: CounterCapacity()) }
    }

    init() throws {
        let virtual = [IPPrefix("10.0.0.100/32")!, IPPrefix("fd00::100/128")!]
        plan.services = [
            SnapshotPlan.Service(
                ServiceDefinition(
                    name: "rest", priority: 1, match: ServiceMatch(destinations: virtual), pool: "two", hash: .source),
                counterSlot: 1),
            SnapshotPlan.Service(
                ServiceDefinition(
                    name: "web", priority: 10,
                    match: ServiceMatch(
                        protocols: [TransportProtocol.tcp, TransportProtocol.udp], destinations: virtual,
                        destinationPorts: [80...80]),
                    pool: "three", hash: .fourTuple),
                counterSlot: 0),
        ]
        plan.pools = [
            try Self.pool("three", backends: 3, firstMark: 101), try Self.pool("two", backends: 2, firstMark: 201),
        ]
    }

    static func pool(_ name: String, backends: Int, firstMark: Int) throws -> SnapshotPlan.Pool {
        let names = (1...backends).map { "b\($0)" }
        return SnapshotPlan.Pool(
            name: name, table: try ShardTable.build(members: names.map { TableMember(name: $0) }, size: 4093),
            backends: names.enumerated().map {
                SnapshotPlan.Backend(name: $1, mark: UInt32(firstMark + $0), counterSlot: firstMark + $0)
            })
    }
}

/// Decides a packet of which everything was copied.
func decide(_ packet: [UInt8], _ snapshot: Snapshot, copied: Int = .max) -> Decision {
    let bytes = Array(packet.prefix(copied))
    // SAFETY: bytes of an array are initialized.
    return snapshot.decide(unsafe bytes.span.bytes, wireLength: packet.count)
}
