/// The flags of a TCP header (RFC 9293 §3.1), as ``Packet/tcpFlags`` has them.
public struct TCPFlags: OptionSet, Hashable, Sendable {
    /// The flags octet.
    public let rawValue: UInt8

    /// Any combination of bits.
    @inlinable
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// The sender has no more to say.
    @inlinable public static var fin: TCPFlags { TCPFlags(rawValue: 0x01) }
    /// A connection opens.
    @inlinable public static var syn: TCPFlags { TCPFlags(rawValue: 0x02) }
    /// The connection is refused or broken off.
    @inlinable public static var rst: TCPFlags { TCPFlags(rawValue: 0x04) }
    /// Deliver without waiting for more.
    @inlinable public static var psh: TCPFlags { TCPFlags(rawValue: 0x08) }
    /// The acknowledgment number counts.
    @inlinable public static var ack: TCPFlags { TCPFlags(rawValue: 0x10) }
    /// The urgent pointer counts.
    @inlinable public static var urg: TCPFlags { TCPFlags(rawValue: 0x20) }
}

extension PacketBuilder {
    /// A UDP datagram (RFC 768) with a right checksum.
    public func udp(from sourcePort: UInt16, to destinationPort: UInt16, payload: [UInt8] = []) -> [UInt8] {
        precondition(payload.count <= 65_527, "a UDP payload of \(payload.count) bytes")
        var body = networkOrder(sourcePort) + networkOrder(destinationPort)
        body += networkOrder(UInt16(8 + payload.count)) + [0, 0] + payload
        let checksum = transportChecksum(body, TransportProtocol.udp)
        // 0 would mean that there is no checksum.
        Self.store(checksum == 0 ? 0xFFFF : checksum, at: 6, in: &body)
        return packet(transport: TransportProtocol.udp, body: body)
    }

    /// A TCP segment (RFC 9293 §3.1) with a right checksum.
    ///
    /// - Parameter options: Filled up with zeros (end of list) to a multiple of 4; at most 40 bytes.
    public func tcp(
        from sourcePort: UInt16, to destinationPort: UInt16, flags: TCPFlags = .ack, sequence: UInt32 = 0,
        acknowledgment: UInt32 = 0, window: UInt16 = 65_535, options: [UInt8] = [], payload: [UInt8] = []
    ) -> [UInt8] {
        precondition(options.count <= 40, "TCP options have at most 40 bytes")
        let padded = options + [UInt8](repeating: 0, count: (4 - options.count % 4) % 4)
        var body = networkOrder(sourcePort) + networkOrder(destinationPort)
        body += networkOrder(sequence) + networkOrder(acknowledgment)
        body += [UInt8((20 + padded.count) / 4) << 4, flags.rawValue] + networkOrder(window) + [0, 0, 0, 0]
        body += padded + payload
        Self.store(transportChecksum(body, TransportProtocol.tcp), at: 16, in: &body)
        return packet(transport: TransportProtocol.tcp, body: body)
    }

    /// An SCTP packet (RFC 9260 §3) with a right CRC-32C.
    ///
    /// - Parameter chunks: The chunks' bytes, each filled up to a multiple of 4 by the caller.
    public func sctp(
        from sourcePort: UInt16, to destinationPort: UInt16, verificationTag: UInt32 = 0, chunks: [UInt8] = []
    ) -> [UInt8] {
        var body = networkOrder(sourcePort) + networkOrder(destinationPort)
        body += networkOrder(verificationTag) + [0, 0, 0, 0] + chunks
        // The only field of a packet that stands in the order of Intel processors (RFC 9260 appendix A).
        body.replaceSubrange(8..<12, with: networkOrder(CRC32C.of(body).byteSwapped))
        return packet(transport: TransportProtocol.sctp, body: body)
    }
}
