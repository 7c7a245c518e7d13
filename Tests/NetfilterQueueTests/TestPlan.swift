import Classification
import Dataplane
import Selection
import Wire

/// One service for everything to 10.0.0.100 over three backends with the marks 1, 2, 3.
func threeBackends() throws -> SnapshotPublisher {
    let names = ["b1", "b2", "b3"]
    var plan = SnapshotPlan()
    plan.services = [
        SnapshotPlan.Service(
            ServiceDefinition(
                name: "all", priority: 1, match: ServiceMatch(destinations: [IPPrefix("10.0.0.100/32")!]),
                pool: "three", hash: .fourTuple),
            counterSlot: 0)
    ]
    plan.pools = [
        SnapshotPlan.Pool(
            name: "three", table: try ShardTable.build(members: names.map { TableMember(name: $0) }, size: 4093),
            backends: names.enumerated().map { SnapshotPlan.Backend(name: $1, mark: UInt32($0 + 1), counterSlot: $0) })
    ]
    return SnapshotPublisher(try Snapshot(plan, generation: 1, capacity: CounterCapacity()))
}

/// A generator that gives the same numbers in every run (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }
}

/// A UDP packet from a random address and port to 10.0.0.100:53, 64 bytes long.
func udpPacket(_ random: inout SeededGenerator, to last: UInt8 = 100) -> [UInt8] {
    let port = UInt16.random(in: 1024...65535, using: &random)
    let source = (0..<3).map { _ in UInt8.random(in: 1...254, using: &random) }
    return [0x45, 0, 0, 64, 0, 1, 0x40, 0, 64, 17, 0, 0, 10] + source + [10, 0, 0, last]
        + [UInt8(port >> 8), UInt8(truncatingIfNeeded: port), 0, 53, 0, 44, 0, 0] + [UInt8](repeating: 0, count: 36)
}
