/// Numbers and names of IP protocols (IPv4 protocol field, IPv6 next header), as IANA assigns them.
///
/// A namespace of `UInt8` constants rather than an enum with raw values: any of the 256 numbers can be met in a packet
/// and be configured in a service. They are computed rather than stored, so that code proven free of locks can
/// use them (a stored global is set up by `swift_once`).
public enum TransportProtocol {
    /// IPv6 hop-by-hop options, an extension header (RFC 8200 §4.3).
    @inlinable public static var hopByHop: UInt8 { @_noAllocation @_noLocks get { 0 } }
    /// ICMP for IPv4 (RFC 792).
    @inlinable public static var icmp: UInt8 { @_noAllocation @_noLocks get { 1 } }
    /// IPv4 inside IP (RFC 2003).
    @inlinable public static var ipip: UInt8 { @_noAllocation @_noLocks get { 4 } }
    /// TCP (RFC 9293).
    @inlinable public static var tcp: UInt8 { @_noAllocation @_noLocks get { 6 } }
    /// UDP (RFC 768).
    @inlinable public static var udp: UInt8 { @_noAllocation @_noLocks get { 17 } }
    /// IPv6 inside IP (RFC 2473).
    @inlinable public static var ipv6: UInt8 { @_noAllocation @_noLocks get { 41 } }
    /// IPv6 routing header, an extension header (RFC 8200 §4.4).
    @inlinable public static var routing: UInt8 { @_noAllocation @_noLocks get { 43 } }
    /// IPv6 fragment header, an extension header (RFC 8200 §4.5).
    @inlinable public static var fragment: UInt8 { @_noAllocation @_noLocks get { 44 } }
    /// Generic routing encapsulation (RFC 2784).
    @inlinable public static var gre: UInt8 { @_noAllocation @_noLocks get { 47 } }
    /// Encapsulating security payload (RFC 4303).
    @inlinable public static var esp: UInt8 { @_noAllocation @_noLocks get { 50 } }
    /// Authentication header (RFC 4302); an extension header in IPv6.
    @inlinable public static var ah: UInt8 { @_noAllocation @_noLocks get { 51 } }
    /// ICMP for IPv6 (RFC 4443).
    @inlinable public static var icmpv6: UInt8 { @_noAllocation @_noLocks get { 58 } }
    /// IPv6: nothing follows (RFC 8200 §4.7).
    @inlinable public static var noNextHeader: UInt8 { @_noAllocation @_noLocks get { 59 } }
    /// IPv6 destination options, an extension header (RFC 8200 §4.6).
    @inlinable public static var destinationOptions: UInt8 { @_noAllocation @_noLocks get { 60 } }
    /// SCTP (RFC 9260).
    @inlinable public static var sctp: UInt8 { @_noAllocation @_noLocks get { 132 } }
    /// IPv6 mobility header, an extension header (RFC 6275 §6.1).
    @inlinable public static var mobility: UInt8 { @_noAllocation @_noLocks get { 135 } }
    /// UDP-Lite (RFC 3828).
    @inlinable public static var udplite: UInt8 { @_noAllocation @_noLocks get { 136 } }
    /// Host Identity Protocol, an IPv6 extension header (RFC 7401).
    @inlinable public static var hip: UInt8 { @_noAllocation @_noLocks get { 139 } }
    /// Shim6, an IPv6 extension header (RFC 5533).
    @inlinable public static var shim6: UInt8 { @_noAllocation @_noLocks get { 140 } }

    /// The name of a protocol number, or the number in decimal when it has none here.
    public static func name(of number: UInt8) -> String {
        names.first { $0.number == number }?.name ?? String(number)
    }

    /// The number of a protocol given by name (any case) or as a decimal number 0…255; nil if it is neither.
    public static func number(named text: String) -> UInt8? {
        let wanted = text.lowercased()
        if let found = names.first(where: { $0.name == wanted }) { return found.number }
        guard wanted.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else { return nil }
        return UInt8(wanted)
    }

    /// All names known here, for error messages that suggest one.
    public static var knownNames: [String] { names.map(\.name) }

    private static let names: [(name: String, number: UInt8)] = [
        ("hopopt", 0), ("icmp", 1), ("igmp", 2), ("ipip", 4), ("tcp", 6), ("egp", 8), ("udp", 17), ("dccp", 33),
        ("ipv6", 41), ("ipv6-route", 43), ("ipv6-frag", 44), ("rsvp", 46), ("gre", 47), ("esp", 50), ("ah", 51),
        ("icmpv6", 58), ("ipv6-nonxt", 59), ("ipv6-opts", 60), ("eigrp", 88), ("ospf", 89), ("pim", 103),
        ("ipcomp", 108), ("vrrp", 112), ("l2tp", 115), ("sctp", 132), ("mobility", 135), ("udplite", 136),
        ("hip", 139), ("shim6", 140),
    ]
}
