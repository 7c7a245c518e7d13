import Tracking
import Wire

/// Makes the keys of fragmented packets: the same number gives the same key.
struct PacketSource: Sendable {
    /// How keys follow each other.
    enum Order: Sendable {
        /// A few hosts, each counting up its identification, as real traffic has them. A power of two.
        case sequential(hosts: UInt32)
        /// Every address and identification at random.
        case random
    }

    let order: Order
    let seed: UInt64
    let destination = IPAddress(192, 0, 2, 1)

    /// Sequential hosts, so many that none repeats an identification (16 bits) within `distance` packets.
    static func hosts(distance: Double) -> UInt32 {
        var hosts: UInt32 = 16
        while Double(hosts) * 65536 < distance { hosts *= 2 }
        return hosts
    }

    /// The key of packet `number`.
    @inline(__always)
    func key(_ number: UInt64) -> FragmentKey {
        switch order {
        case .sequential(let hosts):
            let host = UInt32(truncatingIfNeeded: number) & (hosts - 1)
            let count = number >> UInt64(hosts.trailingZeroBitCount)
            return FragmentKey(
                source: IPAddress(ipv4: (0x0A00_0000 + host).bigEndian), destination: destination,
                transport: TransportProtocol.udp, identification: UInt32(truncatingIfNeeded: count & 0xFFFF))
        case .random:
            var bits = SplitMix(state: seed &+ number &* 0x2545_F491_4F6C_DD1D)
            let addresses = bits.next()
            return FragmentKey(
                source: IPAddress(ipv4: UInt32(truncatingIfNeeded: addresses)),
                destination: IPAddress(ipv4: UInt32(truncatingIfNeeded: addresses >> 32)),
                transport: TransportProtocol.udp, identification: UInt32(truncatingIfNeeded: bits.next() & 0xFFFF))
        }
    }
}
