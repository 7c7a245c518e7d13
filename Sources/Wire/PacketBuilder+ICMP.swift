/// The errors that ICMP (RFC 792) and ICMPv6 (RFC 4443) report, by meaning.
public enum ICMPError: Hashable, Sendable {
    /// Type 3, ICMPv6 type 1, with a code (IPv4: 1 host, 3 port; IPv6: 3 address, 4 port).
    case unreachable(code: UInt8)
    /// The next link takes at most `mtu` bytes: type 3 code 4 (RFC 1191), ICMPv6 type 2.
    case packetTooBig(mtu: UInt32)
    /// Type 11, ICMPv6 type 3. Code 0 in transit, 1 while waiting for fragments.
    case timeExceeded(code: UInt8)
    /// Type 12, ICMPv6 type 4: the byte at `pointer` of the packet makes no sense.
    case parameterProblem(code: UInt8, pointer: UInt32)
    /// IPv4 type 4, deprecated by RFC 6633 but still met.
    case sourceQuench
    /// IPv4 type 5: a better gateway for the destination.
    case redirect(gateway: IPAddress)

    /// The message's first eight bytes, checksum left 0; nil if the family has no such error.
    func header(_ family: IPFamily) -> [UInt8]? {
        switch (self, family) {
        case (.unreachable(let code), .ipv4): [3, code, 0, 0, 0, 0, 0, 0]
        case (.unreachable(let code), .ipv6): [1, code, 0, 0, 0, 0, 0, 0]
        case (.packetTooBig(let mtu), .ipv4): [3, 4, 0, 0, 0, 0] + networkOrder(UInt16(clamping: mtu))
        case (.packetTooBig(let mtu), .ipv6): [2, 0, 0, 0] + networkOrder(mtu)
        case (.timeExceeded(let code), .ipv4): [11, code, 0, 0, 0, 0, 0, 0]
        case (.timeExceeded(let code), .ipv6): [3, code, 0, 0, 0, 0, 0, 0]
        case (.parameterProblem(let code, let pointer), .ipv4): [12, code, 0, 0, UInt8(clamping: pointer), 0, 0, 0]
        case (.parameterProblem(let code, let pointer), .ipv6): [4, code, 0, 0] + networkOrder(pointer)
        case (.sourceQuench, .ipv4): [4, 0, 0, 0, 0, 0, 0, 0]
        case (.redirect(let gateway), .ipv4): [5, 1, 0, 0] + gateway.networkBytes
        case (.sourceQuench, .ipv6), (.redirect, .ipv6): nil
        }
    }
}

extension PacketBuilder {
    /// An ICMP or ICMPv6 echo request or reply.
    public func echo(
        identifier: UInt16, sequence: UInt16 = 0, reply: Bool = false, payload: [UInt8] = []
    ) -> [UInt8] {
        let type: UInt8 =
            switch (family, reply) {
            case (.ipv4, false): 8
            case (.ipv4, true): 0
            case (.ipv6, false): 128
            case (.ipv6, true): 129
            }
        return icmp([type, 0, 0, 0] + networkOrder(identifier) + networkOrder(sequence) + payload)
    }

    /// An ICMP or ICMPv6 error about a packet, with as much of that packet as the standards let in: 576 bytes in all
    /// for IPv4 (RFC 1812 §4.3.2.3), 1,280 for IPv6 (RFC 4443 §2.4).
    ///
    /// - Parameters:
    ///   - offending: The packet the error is about, from its IP header on. It may be anything, for tests.
    ///   - limit: At most so many bytes of it, if fewer are wanted (RFC 792 asked for the header and 8 bytes).
    public func icmpError(_ error: ICMPError, about offending: [UInt8], limit: Int = .max) -> [UInt8] {
        guard let header = error.header(family) else { preconditionFailure("ICMPv6 has no error like \(error)") }
        let overhead = packet(transport: 0, body: header).count
        let room = (family == .ipv4 ? 576 : 1280) - overhead
        return icmp(header + offending.prefix(min(limit, room)))
    }

    /// An ICMP or ICMPv6 message of any bytes; its checksum field (bytes 2 and 3) is filled in.
    public func icmp(_ message: [UInt8]) -> [UInt8] {
        let transport = family == .ipv4 ? TransportProtocol.icmp : TransportProtocol.icmpv6
        var body = message
        guard body.count >= 4 else { return packet(transport: transport, body: body) }
        Self.store(0, at: 2, in: &body)
        // Only ICMPv6 covers the pseudo-header (RFC 4443 §2.3).
        let checksum =
            family == .ipv4 ? InternetChecksum.of(body) : transportChecksum(body, transport)
        Self.store(checksum, at: 2, in: &body)
        return packet(transport: transport, body: body)
    }
}
