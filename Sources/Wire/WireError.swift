/// The ways in which a packet can be malformed, one case each.
///
/// The raw value indexes counters and stays stable between releases: new cases go to the end. ``name`` is the word
/// used in counters, `explain`, `trace` and `replay`.
///
/// Checksums are not verified here. The kernel has already dropped IPv4 headers with a wrong checksum before a packet
/// reaches a queue, and the receiving host verifies the transport's checksum (often still to be filled in by the
/// network card when a queue sees the packet).
public enum WireError: UInt8, Error, CaseIterable, Hashable, Sendable {
    /// The packet on the wire is shorter than the fixed IPv4 (20 bytes) or IPv6 (40 bytes) header.
    case truncatedHeader
    /// The version nibble is neither 4 nor 6.
    case badVersion
    /// The IPv4 header length field is below 5 words (RFC 791 §3.1).
    case badHeaderLength
    /// The IPv4 total length is smaller than the header it counts.
    case badTotalLength
    /// The IPv4 total length promises more bytes than the packet has on the wire.
    case totalLengthBeyondPacket
    /// The IPv6 payload length promises more bytes than the packet has on the wire.
    case payloadLengthBeyondPacket
    /// An IPv6 payload length of 0 before a hop-by-hop header: a jumbogram (RFC 2675), which is not balanced.
    case jumboPayload
    /// An IPv6 extension header runs past the end of the packet.
    case truncatedExtensionHeader
    /// More than ``Packet/maximumExtensionHeaders`` IPv6 extension headers.
    case tooManyExtensionHeaders
    /// A hop-by-hop header elsewhere than directly behind the IPv6 header (RFC 8200 §4.1).
    case misplacedHopByHop
    /// An authentication header shorter than its fixed 12 bytes (RFC 4302 §2.2).
    case badAuthenticationHeader
    /// A second IPv6 fragment header in one packet: fragments of fragments never leave an honest sender.
    case repeatedFragmentHeader
    /// A fragment that is not the last has a length that is no multiple of 8 (RFC 791 §3.2, RFC 8200 §4.5).
    case badFragmentLength
    /// A fragment without a single byte of payload.
    case emptyFragment
    /// The packet this fragment belongs to would be longer than 65,535 bytes (RFC 791 §3.2, RFC 8200 §4.5).
    case fragmentBeyondMaximum
    /// A first IPv4 fragment so small that it cuts the transport's fixed header (RFC 1858 §3, RFC 3128).
    case tinyFirstFragment
    /// A first IPv6 fragment that does not hold the whole header chain, transport header included (RFC 7112 §5).
    case firstFragmentWithoutHeaderChain
    /// A later fragment that begins inside the transport's fixed header and could overwrite it (RFC 1858 §4,
    /// RFC 3128).
    case fragmentInsideHeader
    /// The packet ends inside the fixed 20-byte TCP header.
    case truncatedTCP
    /// The TCP data offset is below 5 words or points past the end of the packet (RFC 9293 §3.1).
    case badTCPDataOffset
    /// The packet ends inside the 8-byte UDP header.
    case truncatedUDP
    /// The UDP length is below 8 or counts more bytes than the packet has (RFC 768).
    case badUDPLength
    /// The packet ends inside the 12-byte SCTP common header (RFC 9260 §3.1).
    case truncatedSCTP
    /// The packet ends inside the ICMP header: 4 bytes, 8 for echo and error messages (RFC 792, RFC 4443 §2.1).
    case truncatedICMP
    /// Not malformed: a header that is needed lies behind the part of the packet that was captured. The cure is a
    /// longer copy range (snapshot length).
    case beyondCapture

    /// The stable lowerCamel word for counters and reports. Not for the hot path.
    public var name: String { String(describing: self) }
}
