/// Builds whole IP packets with right lengths and checksums.
///
/// For tests, for capture files, and for the few packets the daemon itself sends. It allocates and is not for the way
/// of forwarded packets. Fields that a call does not take are properties, so that one builder makes many alike:
///
/// ```swift
/// var builder = PacketBuilder(from: "10.0.0.1", to: "10.0.0.2")
/// builder.dscp = 46
/// let query = builder.udp(from: 5000, to: 53, payload: question)
/// ```
public struct PacketBuilder: Sendable {
    /// Where the packets come from.
    public var source: IPAddress
    /// Where they go to; of the same family as ``source``.
    public var destination: IPAddress
    /// Time to live, or hop limit.
    public var hopLimit: UInt8 = 64
    /// DSCP and ECN, see ``Packet/trafficClass``.
    public var trafficClass: UInt8 = 0
    /// IPv4: the identification field (its lower 16 bits). IPv6 has none outside a fragment header.
    public var identification: UInt32 = 0
    /// IPv4: the don't-fragment flag.
    public var dontFragment = false
    /// IPv4: options, filled up with zeros (end of list) to a multiple of 4; at most 40 bytes.
    public var options: [UInt8] = []
    /// IPv6: flow label, 20 bits.
    public var flowLabel: UInt32 = 0
    /// IPv6: extension headers in this order.
    public var extensionHeaders: [ExtensionHeader] = []

    /// A builder for packets between two addresses of one family.
    public init(from source: IPAddress, to destination: IPAddress) {
        precondition(source.family == destination.family, "addresses of different families: \(source), \(destination)")
        self.source = source
        self.destination = destination
    }

    /// A builder for packets between two addresses given as text.
    public init(from source: StaticString, to destination: StaticString) {
        guard let from = IPAddress("\(source)"), let to = IPAddress("\(destination)") else {
            preconditionFailure("not an address: \(source) or \(destination)")
        }
        self.init(from: from, to: to)
    }

    /// The differentiated services code point, 0…63: the upper six bits of ``trafficClass``.
    public var dscp: UInt8 {
        get { trafficClass >> 2 }
        set { trafficClass = newValue << 2 | trafficClass & 3 }
    }

    /// IPv4 or IPv6, as the addresses are.
    public var family: IPFamily { source.family }

    /// The same builder for the way back.
    public var reversed: PacketBuilder {
        var other = self
        other.source = destination
        other.destination = source
        return other
    }

    /// An IP packet around any transport bytes.
    ///
    /// The header checksum is right; checksums inside `body` are its own business. The whole must fit the 16-bit
    /// length field.
    public func packet(transport: UInt8, body: [UInt8]) -> [UInt8] {
        family == .ipv4 ? ipv4(transport, body) : ipv6(transport, body)
    }

    private func ipv4(_ transport: UInt8, _ body: [UInt8]) -> [UInt8] {
        precondition(options.count <= 40, "IPv4 options have at most 40 bytes")
        let padded = options + [UInt8](repeating: 0, count: (4 - options.count % 4) % 4)
        let headerLength = 20 + padded.count
        let total = headerLength + body.count
        precondition(total <= 65_535, "an IPv4 packet of \(total) bytes")
        var header: [UInt8] = [0x40 | UInt8(headerLength / 4), trafficClass] + networkOrder(UInt16(total))
        header += networkOrder(UInt16(truncatingIfNeeded: identification)) + [dontFragment ? 0x40 : 0, 0]
        header += [hopLimit, transport, 0, 0] + source.networkBytes + destination.networkBytes + padded
        Self.store(InternetChecksum.of(header), at: 10, in: &header)
        return header + body
    }

    private func ipv6(_ transport: UInt8, _ body: [UInt8]) -> [UInt8] {
        var extensions: [UInt8] = []
        for (index, header) in extensionHeaders.enumerated() {
            let isLast = index == extensionHeaders.count - 1
            extensions += header.bytes(next: isLast ? transport : extensionHeaders[index + 1].kind)
        }
        let length = extensions.count + body.count
        precondition(length <= 65_535, "an IPv6 payload of \(length) bytes")
        let start = 6 << 28 | UInt32(trafficClass) << 20 | flowLabel & 0xF_FFFF
        var header = networkOrder(start) + networkOrder(UInt16(length))
        header += [extensionHeaders.first?.kind ?? transport, hopLimit]
        return header + source.networkBytes + destination.networkBytes + extensions + body
    }

    /// Writes 16 bits in network order.
    static func store(_ value: UInt16, at offset: Int, in bytes: inout [UInt8]) {
        bytes[offset] = UInt8(value >> 8)
        bytes[offset + 1] = UInt8(value & 0xFF)
    }

    /// The checksum of a transport header with its payload between this builder's addresses.
    func transportChecksum(_ body: [UInt8], _ transport: UInt8) -> UInt16 {
        unsafe InternetChecksum.transport(
            body.span.bytes, source: source, destination: destination, transport: transport)
    }
}
