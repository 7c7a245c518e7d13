extension PacketBuilder {
    /// Cuts a packet into fragments of at most `mtu` bytes, as a router (IPv4, RFC 791 §3.2) or a host (IPv6,
    /// RFC 8200 §4.5) does.
    ///
    /// A packet that fits is returned alone and unchanged. An IPv4 fragment may be cut again.
    ///
    /// - Parameters:
    ///   - packet: A well-formed packet, from its IP header on.
    ///   - mtu: Room for the headers and at least 8 bytes of payload.
    ///   - identification: For IPv6 the fragment header's number; IPv4 packets keep their own.
    public static func fragments(of packet: [UInt8], mtu: Int, identification: UInt32 = 1) -> [[UInt8]] {
        guard packet.count > mtu else { return [packet] }
        return packet[0] >> 4 == 4
            ? ipv4Fragments(packet, mtu) : ipv6Fragments(packet, mtu, identification)
    }

    /// One fragment of a packet that need not be there as a whole.
    ///
    /// - Parameter body: The fragment's bytes behind the IPv4 header or the IPv6 fragment header: `fragment.length` many.
    public func fragment(_ fragment: FragmentInfo, transport: UInt8, body: [UInt8]) -> [UInt8] {
        precondition(fragment.length == body.count, "the fragment is not there in full")
        var builder = self
        builder.identification = fragment.identification
        guard family == .ipv4 else {
            builder.extensionHeaders.append(
                .fragment(offset: fragment.offset, more: fragment.more, identification: fragment.identification))
            return builder.packet(transport: transport, body: body)
        }
        builder.dontFragment = false
        var packet = builder.packet(transport: transport, body: body)
        Self.store(UInt16(fragment.offset / 8) | (fragment.more ? 0x2000 : 0), at: 6, in: &packet)
        Self.store(0, at: 10, in: &packet)
        Self.store(InternetChecksum.of(Array(packet[..<(packet.count - body.count)])), at: 10, in: &packet)
        return packet
    }

    private static func ipv4Fragments(_ packet: [UInt8], _ mtu: Int) -> [[UInt8]] {
        let headerLength = Int(packet[0] & 0x0F) * 4
        let payload = packet[headerLength...]
        let fields = UInt16(packet[6]) << 8 | UInt16(packet[7])
        let base = Int(fields & 0x1FFF) * 8
        let laterHeader = Array(packet[..<20]) + copiedOptions(packet[20..<headerLength])
        var result: [[UInt8]] = []
        var offset = 0
        while offset < payload.count {
            var fragment = offset == 0 ? Array(packet[..<headerLength]) : laterHeader
            let room = (mtu - fragment.count) & ~7
            precondition(room >= 8, "no room for 8 bytes of payload in \(mtu)")
            let part = payload.dropFirst(offset).prefix(room)
            let more = fields & 0x2000 != 0 || offset + part.count < payload.count
            fragment[0] = 0x40 | UInt8(fragment.count / 4)
            store(UInt16(fragment.count + part.count), at: 2, in: &fragment)
            store(UInt16((base + offset) / 8) | (more ? 0x2000 : 0) | fields & 0xC000, at: 6, in: &fragment)
            store(0, at: 10, in: &fragment)
            store(InternetChecksum.of(fragment), at: 10, in: &fragment)
            result.append(fragment + part)
            offset += part.count
        }
        return result
    }

    /// The options that later fragments carry too: those with the copied flag (RFC 791 §3.1), filled up to 4 bytes.
    private static func copiedOptions(_ options: ArraySlice<UInt8>) -> [UInt8] {
        var rest = options
        var copied: [UInt8] = []
        while let kind = rest.first, kind != 0 {
            let length = kind == 1 ? 1 : Int(rest.dropFirst().first ?? 0)
            guard length >= 1, length <= rest.count else { break }
            if kind & 0x80 != 0 { copied += rest.prefix(length) }
            rest = rest.dropFirst(length)
        }
        return copied + [UInt8](repeating: 0, count: (4 - copied.count % 4) % 4)
    }

    private static func ipv6Fragments(_ packet: [UInt8], _ mtu: Int, _ identification: UInt32) -> [[UInt8]] {
        let (length, nextField) = unfragmentablePart(packet)
        let payload = packet[length...]
        let room = (mtu - length - 8) & ~7
        precondition(room >= 8, "no room for 8 bytes of payload in \(mtu)")
        return stride(from: 0, to: payload.count, by: room).map { offset in
            let part = payload.dropFirst(offset).prefix(room)
            let header = ExtensionHeader.fragment(
                offset: offset, more: offset + part.count < payload.count, identification: identification)
            var fragment = Array(packet[..<length])
            fragment[nextField] = TransportProtocol.fragment
            store(UInt16(length - 40 + 8 + part.count), at: 4, in: &fragment)
            return fragment + header.bytes(next: packet[nextField]) + part
        }
    }

    /// How long the headers are that every fragment repeats, and where the byte stands that names what follows them:
    /// all up to a routing header, else up to a hop-by-hop header, else the IPv6 header alone.
    private static func unfragmentablePart(_ packet: [UInt8]) -> (length: Int, nextField: Int) {
        var best = (length: 40, nextField: 6)
        var (offset, field) = (40, 6)
        let walkable = [
            TransportProtocol.hopByHop, TransportProtocol.routing, TransportProtocol.destinationOptions,
        ]
        while walkable.contains(packet[field]), offset + 8 <= packet.count {
            let kind = packet[field]
            field = offset
            offset += (Int(packet[offset + 1]) + 1) * 8
            if kind != TransportProtocol.destinationOptions { best = (offset, field) }
        }
        return best
    }
}
