/// What a captured frame has inside its link-layer header.
public enum FrameContent: Hashable, Sendable {
    /// An IP packet (by the link layer's word; whether it is well-formed is for `Packet` to say).
    case ip
    /// Another protocol of this EtherType, 0x0806 for ARP. 0 where the link layer has no EtherTypes.
    case otherProtocol(etherType: UInt16)
    /// An IEEE 802.3 frame with a length instead of an EtherType: spanning tree and its kind.
    case llc
    /// The frame ends, or was cut by the capture, inside its link-layer header.
    case truncatedLinkHeader
}

/// The link-layer headers that are understood.
enum LinkLayer: Sendable {
    case ethernet
    case linuxCooked
    case linuxCooked2
    case rawIP
    /// Four bytes with the address family, in the order of the machine that captured (null) or in network order
    /// (loop).
    case loopback

    /// Finds where the IP packet begins.
    ///
    /// - Parameter byte: The captured byte at an offset, nil behind the capture's end.
    /// - Returns: What is in the frame and how long the link-layer header is.
    func strip(_ byte: (Int) -> UInt8?) -> (content: FrameContent, headerLength: Int) {
        switch self {
        case .rawIP: (.ip, 0)
        case .ethernet: Self.etherType(at: 12, behind: 14, byte)
        case .linuxCooked: Self.etherType(at: 14, behind: 16, byte)
        case .linuxCooked2: Self.etherType(at: 0, behind: 20, byte)
        case .loopback: Self.addressFamily(byte)
        }
    }

    /// Follows any number of VLAN tags (802.1Q, 802.1ad and its forerunner 0x9100), as stacked as they may be.
    private static func etherType(
        at start: Int, behind headerLength: Int, _ byte: (Int) -> UInt8?
    ) -> (FrameContent, Int) {
        var (at, length) = (start, headerLength)
        while true {
            guard byte(length - 1) != nil, let high = byte(at), let low = byte(at + 1) else {
                return (.truncatedLinkHeader, 0)
            }
            let type = UInt16(high) << 8 | UInt16(low)
            switch type {
            case 0x8100, 0x88A8, 0x9100:
                // A tag is two bytes of its own and the next EtherType, both in front of the payload.
                at = length + 2
                length += 4
            case 0x0800, 0x86DD:
                return (.ip, length)
            case 0..<0x0600:
                return (.llc, length)
            default:
                return (.otherProtocol(etherType: type), length)
            }
        }
    }

    private static func addressFamily(_ byte: (Int) -> UInt8?) -> (FrameContent, Int) {
        guard let first = byte(0), let second = byte(1), let third = byte(2), let fourth = byte(3) else {
            return (.truncatedLinkHeader, 0)
        }
        guard second == 0, third == 0 else { return (.otherProtocol(etherType: 0), 4) }
        switch (first, fourth) {
        // AF_INET, and AF_INET6 of Linux, NetBSD, FreeBSD and Darwin, in either byte order.
        case (2, 0), (0, 2), (10, 0), (0, 10), (24, 0), (0, 24), (28, 0), (0, 28), (30, 0), (0, 30):
            return (.ip, 4)
        default:
            return (.otherProtocol(etherType: 0), 4)
        }
    }
}
