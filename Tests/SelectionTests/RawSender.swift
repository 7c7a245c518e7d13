import Glibc
import Wire

/// Sends packets with any source address: whole IP packets through raw sockets.
struct RawSender: ~Copyable {
    private let ipv4: Int32
    private let ipv6: Int32

    init() throws {
        ipv4 = socket(AF_INET, Int32(SOCK_RAW.rawValue) | Int32(SOCK_CLOEXEC.rawValue), Int32(IPPROTO_RAW))
        ipv6 = socket(AF_INET6, Int32(SOCK_RAW.rawValue) | Int32(SOCK_CLOEXEC.rawValue), Int32(IPPROTO_RAW))
        guard ipv4 >= 0, ipv6 >= 0 else { throw PrivateNetwork.Failure(description: "socket: errno \(errno)") }
    }

    deinit {
        close(ipv4)
        close(ipv6)
    }

    /// Sends the flow's packet: the ports and 20 more bytes of zeros behind the IP header.
    func send(_ key: FlowKey) throws {
        let transport = bigEndian(key.sourcePort) + bigEndian(key.destinationPort) + [UInt8](repeating: 0, count: 20)
        let sent: Int
        if key.source.family == .ipv4 {
            // The kernel fills in length, identification and checksum (raw(7)).
            let header: [UInt8] =
                [0x45, 0] + bigEndian(UInt16(20 + transport.count)) + [0, 0, 0, 0, 64, key.transport, 0, 0]
            let packet = header + key.source.networkBytes + key.destination.networkBytes + transport
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_addr.s_addr = key.destination.word0
            sent = Self.send(packet, on: ipv4, to: &address)
        } else {
            let header: [UInt8] = [0x60, 0, 0, 0] + bigEndian(UInt16(transport.count)) + [key.transport, 64]
            let packet = header + key.source.networkBytes + key.destination.networkBytes + transport
            var address = sockaddr_in6()
            address.sin6_family = sa_family_t(AF_INET6)
            let destination = key.destination
            unsafe address.sin6_addr.__in6_u.__u6_addr32 = (
                destination.word0, destination.word1, destination.word2, destination.word3
            )
            sent = Self.send(packet, on: ipv6, to: &address)
        }
        guard sent > 0 else { throw PrivateNetwork.Failure(description: "sendto \(key): errno \(errno)") }
    }

    private static func send<Address>(_ packet: [UInt8], on socket: Int32, to address: inout Address) -> Int {
        // SAFETY: a socket address of the family it names, passed with its own length, and read during the call only.
        unsafe withUnsafeBytes(of: &address) { address in
            unsafe packet.withUnsafeBytes { packet in
                unsafe sendto(
                    socket, packet.baseAddress, packet.count, 0,
                    address.baseAddress!.assumingMemoryBound(to: sockaddr.self), socklen_t(address.count))
            }
        }
    }

    private func bigEndian(_ value: UInt16) -> [UInt8] { [UInt8(value >> 8), UInt8(value & 0xFF)] }
}
