/// What one IP packet says about itself: addresses, ports, lengths, its place among fragments.
///
/// A packet is read once, without copying a byte and without keeping a reference to the bytes. They begin at the IP
/// header, as NFQUEUE delivers them (no link layer).
@frozen
public struct Packet: Hashable, Sendable {
    /// What was read behind the IP headers.
    @frozen
    public enum Kind: UInt8, Hashable, Sendable {
        /// TCP, UDP or SCTP; the key has its ports.
        case transport
        /// ICMP echo request or reply; the key has the identifier as both ports.
        case echo
        /// An ICMP message that reports an error about another packet; see ``Packet/key`` and
        /// ``Packet/errorInner``.
        case icmpError
        /// No ports: another protocol, another ICMP message, or a fragment that is not the first.
        case other
    }

    /// How much of the packet inside an ICMP error could be read.
    @frozen
    public enum ErrorInner: UInt8, Hashable, Sendable {
        /// This packet is no ICMP error.
        case none
        /// All that a packet of this flow is known by: the key is complete.
        case flow
        /// Addresses and protocol only: the inner packet is a later fragment, or is cut before its ports.
        case addresses
        /// Nothing: the inner packet is missing or malformed. The key is that of the ICMP message itself.
        case unusable
    }

    /// At most this many IPv6 extension headers are walked. RFC 8200 §4.1 allows each known one once and destination
    /// options twice, which makes nine; the rest is room for those to come. The bound keeps a made-up chain of
    /// thousands of empty headers from costing more than an ordinary packet.
    @inlinable public static var maximumExtensionHeaders: Int { @_noAllocation @_noLocks get { 12 } }

    /// The flow the packet belongs to. Ports are 0 where there are none.
    ///
    /// For an ICMP error this is the key of the packet the error is *about*, reversed. An error about an answer
    /// (virtual address → client) therefore has the very key of the flow's requests (client → virtual address) and
    /// hashes like them. The addresses of the ICMP message itself are given by ``outerAddresses(in:)``.
    public var key: FlowKey
    /// What was read behind the IP headers.
    public var kind: Kind
    /// Whether an ICMP error's inner packet was usable.
    public var errorInner: ErrorInner
    /// The whole traffic class octet (IPv4: type of service): DSCP in the upper six bits, ECN in the lower two.
    public var trafficClass: UInt8
    /// The protocol of this packet itself, also for an ICMP error. In a later IPv6 fragment: the next-header value of
    /// its fragment header.
    public var transport: UInt8
    /// The flags octet of a TCP header (CWR ECE URG ACK PSH RST SYN FIN), 0 for all else.
    public var tcpFlags: UInt8
    /// Bytes of the packet from the IP header to its end, as the header states it; padding behind is not counted.
    public var totalLength: Int
    /// Where the transport header (or a later fragment's payload) begins.
    public var transportOffset: Int
    /// Where the transport's payload begins; where no known transport header was read, equal to ``payloadEnd``.
    /// May lie beyond the captured bytes.
    public var payloadOffset: Int
    /// Where the transport's payload ends: ``totalLength``, or earlier if a UDP length says so. May lie beyond the
    /// captured bytes.
    public var payloadEnd: Int

    @usableFromInline var fragmentState: FragmentState
    @usableFromInline var fragmentIdentification: UInt32
    @usableFromInline var fragmentOffset: Int
    @usableFromInline var fragmentLength: Int

    @frozen
    @usableFromInline
    enum FragmentState: UInt8, Hashable, Sendable {
        case whole
        case more
        case last
    }

    /// Reads the packet that begins with `bytes`.
    ///
    /// - Parameters:
    ///   - bytes: The captured bytes, from the IP header on. They may be fewer than the packet has (copy range), or
    ///     more (padding of the link layer).
    ///   - wireLength: How many bytes the packet had on the wire, in bytes from the IP header on.
    /// - Throws: The one ``WireError`` that fits, or ``WireError/beyondCapture`` if the answer lies in bytes that
    ///   were not captured.
    ///
    /// IPv4 options are stepped over, not read: nothing here depends on them, and the kernel checks them.
    ///
    /// What is inlined here reads whole TCP and UDP packets without extension headers, nearly all traffic, and keeps
    /// every field in a register until the end (filling a half-made packet in memory costs five times as much, in
    /// store-forwarding stalls). All else, and all that is odd, is read again by ``parseCarefully(_:wireLength:)``,
    /// which alone names errors.
    @inlinable @inline(__always) @_noAllocation @_noLocks
    public init(parsing bytes: borrowing RawSpan, wireLength: Int) throws(WireError) {
        let captured = bytes.byteCount
        guard captured >= 28 else {
            self = try Self.parseCarefully(bytes, wireLength: wireLength)
            return
        }
        let start = bytes.uncheckedWord(0)
        let source: IPAddress
        let destination: IPAddress
        let transport: UInt8
        let trafficClass: UInt8
        let total: Int
        let offset: Int
        let isOrdinary: Bool
        if start >> 28 == 4 {
            source = bytes.uncheckedIPv4Address(12)
            destination = bytes.uncheckedIPv4Address(16)
            transport = bytes.uncheckedByte(9)
            trafficClass = UInt8(truncatingIfNeeded: start >> 16)
            total = Int(start & 0xFFFF)
            offset = Int(start >> 22 & 0x3C)
            isOrdinary = offset >= 20 && bytes.uncheckedHalf(6) & 0x3FFF == 0
        } else if start >> 28 == 6 && captured >= 48 {
            source = bytes.uncheckedIPv6Address(8)
            destination = bytes.uncheckedIPv6Address(24)
            transport = bytes.uncheckedByte(6)
            trafficClass = UInt8(truncatingIfNeeded: start >> 20)
            total = 40 + Int(bytes.uncheckedHalf(4))
            offset = 40
            isOrdinary = true
        } else {
            self = try Self.parseCarefully(bytes, wireLength: wireLength)
            return
        }
        let within = min(captured, total)
        let payloadOffset: Int
        let payloadEnd: Int
        let flags: UInt8
        if isOrdinary && total <= wireLength && transport == TransportProtocol.udp && offset + 8 <= within {
            let length = Int(bytes.uncheckedHalf(offset + 4))
            payloadOffset = offset + 8
            payloadEnd = offset + length
            flags = 0
        } else if isOrdinary && total <= wireLength && transport == TransportProtocol.tcp && offset + 20 <= within {
            // The data offset field is four bits; with fewer than five words the payload would begin too early.
            let words = Int(bytes.uncheckedByte(offset + 12) >> 4)
            payloadOffset = words >= 5 ? offset + words * 4 : Int.max
            payloadEnd = total
            flags = bytes.uncheckedByte(offset + 13)
        } else {
            self = try Self.parseCarefully(bytes, wireLength: wireLength)
            return
        }
        guard payloadOffset <= payloadEnd && payloadEnd <= total else {
            self = try Self.parseCarefully(bytes, wireLength: wireLength)
            return
        }
        key = FlowKey(
            source: source, destination: destination, sourcePort: bytes.uncheckedHalf(offset),
            destinationPort: bytes.uncheckedHalf(offset + 2), transport: transport)
        kind = .transport
        errorInner = .none
        self.trafficClass = trafficClass
        self.transport = transport
        tcpFlags = flags
        totalLength = total
        transportOffset = offset
        self.payloadOffset = payloadOffset
        self.payloadEnd = payloadEnd
        fragmentState = .whole
        fragmentIdentification = 0
        fragmentOffset = 0
        fragmentLength = 0
    }

    /// The same as ``init(parsing:wireLength:)``, with the same result, but not inlined: for callers off the way of
    /// packets.
    @_noAllocation @_noLocks
    public static func parseCarefully(_ bytes: RawSpan, wireLength: Int) throws(WireError) -> Packet {
        guard bytes.byteCount >= 20 else { throw tooShort(bytes, wireLength: wireLength) }
        switch bytes.uncheckedByte(0) >> 4 {
        case 4: return try parseIPv4(bytes, wireLength: wireLength)
        case 6: return try parseIPv6(bytes, wireLength: wireLength)
        default: throw .badVersion
        }
    }

    /// A packet of which nothing behind the IP headers is known yet.
    @_noAllocation @_noLocks
    init(
        source: IPAddress, destination: IPAddress, transport: UInt8, trafficClass: UInt8, totalLength: Int,
        transportOffset: Int
    ) {
        key = FlowKey(
            source: source, destination: destination, sourcePort: 0, destinationPort: 0, transport: transport)
        kind = .other
        errorInner = .none
        self.trafficClass = trafficClass
        self.transport = transport
        tcpFlags = 0
        self.totalLength = totalLength
        self.transportOffset = transportOffset
        payloadOffset = totalLength
        payloadEnd = totalLength
        fragmentState = .whole
        fragmentIdentification = 0
        fragmentOffset = 0
        fragmentLength = 0
    }

    /// The error for fewer captured bytes than any IP header has.
    @_noAllocation @_noLocks
    private static func tooShort(_ bytes: RawSpan, wireLength: Int) -> WireError {
        guard bytes.byteCount > 0 else { return wireLength > 0 ? .beyondCapture : .truncatedHeader }
        let version = bytes.uncheckedByte(0) >> 4
        guard version == 4 || version == 6 else { return .badVersion }
        return wireLength < (version == 4 ? 20 : 40) ? .truncatedHeader : .beyondCapture
    }
}

extension Packet {
    /// The IP version of this packet.
    @inlinable public var family: IPFamily { @_noAllocation @_noLocks get { key.source.family } }

    /// The differentiated services code point (RFC 2474), 0…63.
    @inlinable public var dscp: UInt8 { @_noAllocation @_noLocks get { trafficClass >> 2 } }

    /// Whether the packet is a fragment (an IPv6 atomic fragment is none).
    @inlinable public var isFragment: Bool {
        @_noAllocation @_noLocks get {
            switch fragmentState {
            case .whole: false
            case .more, .last: true
            }
        }
    }

    /// Where this fragment belongs; nil for a whole packet.
    @inlinable public var fragment: FragmentInfo? {
        @_noAllocation @_noLocks get {
            let more: Bool
            switch fragmentState {
            case .whole: return nil
            case .more: more = true
            case .last: more = false
            }
            return FragmentInfo(
                identification: fragmentIdentification, offset: fragmentOffset, length: fragmentLength, more: more)
        }
    }

    /// Bytes of transport payload in this packet (in this fragment, for a first fragment).
    @inlinable public var payloadLength: Int { @_noAllocation @_noLocks get { payloadEnd - payloadOffset } }

    /// Source and destination of the packet itself, for an ICMP error too, whose ``key`` is its inner packet's.
    /// Fragments are brought together by these.
    ///
    /// - Parameter bytes: The bytes this packet was read from.
    @inlinable @_noAllocation @_noLocks
    public func outerAddresses(in bytes: RawSpan) -> (source: IPAddress, destination: IPAddress) {
        guard case .icmpError = kind, bytes.byteCount >= (family == .ipv4 ? 20 : 40) else {
            return (key.source, key.destination)
        }
        return family == .ipv4
            ? (bytes.uncheckedIPv4Address(12), bytes.uncheckedIPv4Address(16))
            : (bytes.uncheckedIPv6Address(8), bytes.uncheckedIPv6Address(24))
    }
}
