/// The version of the Internet Protocol a packet or an address belongs to.
///
/// The raw value is the version field of the header (RFC 791 §3.1, RFC 8200 §3).
@frozen
public enum IPFamily: UInt8, Hashable, Sendable {
    case ipv4 = 4
    case ipv6 = 6

    /// Spelled out because the synthesized one goes through the raw value generically, which the compiler cannot prove
    /// free of locks.
    @inlinable @_noAllocation @_noLocks
    public static func == (left: IPFamily, right: IPFamily) -> Bool {
        switch (left, right) {
        case (.ipv4, .ipv4), (.ipv6, .ipv6): true
        default: false
        }
    }
}
