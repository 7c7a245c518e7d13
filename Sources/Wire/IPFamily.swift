/// The version of the Internet Protocol a packet or an address belongs to.
///
/// The raw value is the version field of the header (RFC 791 §3.1, RFC 8200 §3).
@frozen
public enum IPFamily: UInt8, Hashable, Sendable {
    case ipv4 = 4
    case ipv6 = 6
}
