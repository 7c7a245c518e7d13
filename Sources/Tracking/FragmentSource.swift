/// Who is answerable for a fragmented packet when room runs short: the address in IPv4, the /64 prefix in IPv6, within
/// which one host can take any address it likes.
public struct FragmentSource: BitwiseCopyable, Hashable, Sendable {
    private let prefix, family: UInt64

    /// The source of the packet with that key.
    public init(_ key: FragmentKey) {
        prefix = key.source0
        family = UInt64(key.kind >> 8)
    }
}
