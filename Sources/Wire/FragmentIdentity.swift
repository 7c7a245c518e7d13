/// What the fragments of one packet have in common, as far as it can be told from a fragment that cannot be read whole.
///
/// For packets that ``Packet/init(parsing:wireLength:)`` refuses: the rest of such a packet must be refused too.
public struct FragmentIdentity: Hashable, Sendable {
    /// Source and destination of the fragment itself.
    public let source, destination: IPAddress
    /// Protocol number of an IPv4 header; next-header value behind an IPv6 fragment header.
    public let transport: UInt8
    /// The sender's number for the packet, host order.
    public let identification: UInt32

    /// Finds it in the bytes from the IP header on; nil if they are no fragment, or end before it can be told.
    public init?(_ bytes: RawSpan) {
        guard bytes.byteCount >= 20 else { return nil }
        switch bytes.uncheckedByte(0) >> 4 {
        case 4:
            guard bytes.uncheckedHalf(6) & 0x3FFF != 0 else { return nil }
            source = bytes.uncheckedIPv4Address(12)
            destination = bytes.uncheckedIPv4Address(16)
            transport = bytes.uncheckedByte(9)
            identification = UInt32(bytes.uncheckedHalf(4))
        case 6:
            guard bytes.byteCount >= 40 else { return nil }
            var chain = HeaderChain(first: bytes.uncheckedByte(6), offset: 40)
            // Whatever the walk meets, what counts is whether it had passed a fragment header.
            try? chain.walk(bytes, end: 40 + Int(bytes.uncheckedHalf(4)))
            guard chain.fragmentHeader != 0, chain.fragmentOffset != 0 || chain.moreFragments else { return nil }
            source = bytes.uncheckedIPv6Address(8)
            destination = bytes.uncheckedIPv6Address(24)
            transport = chain.next
            identification = chain.identification
        default:
            return nil
        }
    }
}
