/// Where a fragment belongs in its packet.
///
/// Only real fragments have one: an IPv6 atomic fragment (offset 0 and no more to come) is a whole packet and is
/// treated apart from any other with the same identification (RFC 6946 §4, RFC 8200 §4.5).
@frozen
public struct FragmentInfo: Hashable, Sendable {
    /// The sender's number for the packet, host order: 16 bits in IPv4, 32 bits in IPv6.
    public var identification: UInt32
    /// Where this fragment's payload begins in the packet's payload, in bytes; a multiple of 8.
    public var offset: Int
    /// How many bytes of payload this fragment brings (behind the IPv4 header, or behind the IPv6 fragment header).
    public var length: Int
    /// Whether fragments with higher offsets follow.
    public var more: Bool

    /// Makes the description of one fragment.
    @inlinable @_noAllocation @_noLocks
    public init(identification: UInt32, offset: Int, length: Int, more: Bool) {
        self.identification = identification
        self.offset = offset
        self.length = length
        self.more = more
    }

    /// The fragment with offset 0, the only one with ports.
    @inlinable public var isFirst: Bool { @_noAllocation @_noLocks get { offset == 0 } }
    /// The fragment that tells how long the packet is.
    @inlinable public var isLast: Bool { @_noAllocation @_noLocks get { !more } }
    /// The offset of the first byte behind this fragment.
    @inlinable public var end: Int { @_noAllocation @_noLocks get { offset + length } }
}
