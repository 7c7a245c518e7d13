import CNetfilterQueue

/// Numbers of the netlink and nfnetlink_queue formats (linux/netlink.h, linux/netfilter/nfnetlink_queue.h).
///
/// Headers of netlink are in host byte order, attributes of nfnetlink in network byte order.
enum NetlinkFormat {
    static var headerLength: Int { 16 }
    static var familyHeaderLength: Int { 4 }
    static var attributeHeaderLength: Int { 4 }

    static var typeError: UInt16 { 2 }
    static var typeDone: UInt16 { 3 }
    static var typePacket: UInt16 { UInt16(NFNL_SUBSYS_QUEUE) << 8 | 0 }
    static var typeVerdict: UInt16 { UInt16(NFNL_SUBSYS_QUEUE) << 8 | 1 }
    static var typeBatchVerdict: UInt16 { UInt16(NFNL_SUBSYS_QUEUE) << 8 | 3 }

    static var flagRequest: UInt16 { 1 }
    /// The two top bits of an attribute's type say "nested" and "network byte order".
    static var attributeTypeMask: UInt16 { 0x3FFF }

    static var verdictDrop: UInt32 { 0 }
    static var verdictAccept: UInt32 { 1 }
    /// To another queue, whose number stands in the upper half.
    static var verdictQueue: UInt32 { 3 }
}

extension RawSpan {
    /// 16 bits in host byte order. The bounds are checked.
    @inline(__always)
    func load16(_ offset: Int) -> UInt16 {
        // SAFETY: any bits are a valid integer.
        unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: UInt16.self)
    }

    /// 32 bits in host byte order. The bounds are checked.
    @inline(__always)
    func load32(_ offset: Int) -> UInt32 {
        // SAFETY: any bits are a valid integer.
        unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: UInt32.self)
    }
}
