/// The ones' complement checksum of IP, TCP, UDP and ICMP (RFC 1071).
///
/// Bytes are added in native order, eight at a time; the sum is turned round once at the end, which RFC 1071 §2(B)
/// shows to be the same.
@frozen
public struct InternetChecksum: Sendable {
    /// The sum so far in native order, not yet folded to 16 bits.
    @usableFromInline var sum: UInt64 = 0

    /// A sum of nothing.
    @inlinable
    public init() {}

    /// Adds bytes. Those added before must be an even number of bytes; an odd last byte counts as if followed by 0.
    @inlinable @_noAllocation @_noLocks
    public mutating func add(_ bytes: RawSpan) {
        let count = bytes.byteCount
        var offset = 0
        // SAFETY: each load ends at or before `count`.
        while offset + 8 <= count {
            addWide(unsafe bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt64.self))
            offset += 8
        }
        while offset + 2 <= count {
            addWide(UInt64(unsafe bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt16.self)))
            offset += 2
        }
        if offset < count { add(half: UInt16(bytes.uncheckedByte(offset)) << 8) }
    }

    /// Adds one 16-bit value given in host order.
    @inlinable @_noAllocation @_noLocks
    public mutating func add(half: UInt16) {
        addWide(UInt64(half.bigEndian))
    }

    /// Adds the pseudo-header of TCP, UDP, SCTP's kin and ICMPv6 (RFC 9293 §3.1, RFC 8200 §8.1).
    ///
    /// - Parameter length: Bytes of the transport header and its payload, 0…65,535.
    @inlinable @_noAllocation @_noLocks
    public mutating func addPseudoHeader(source: IPAddress, destination: IPAddress, transport: UInt8, length: Int) {
        add(source)
        add(destination)
        add(half: UInt16(transport))
        add(half: UInt16(truncatingIfNeeded: length))
    }

    /// The value for the packet's checksum field, host order. Over bytes that hold a right checksum it is 0.
    @inlinable public var value: UInt16 {
        @_noAllocation @_noLocks get {
            var folded = (sum & 0xFFFF_FFFF) + (sum >> 32)
            folded = (folded & 0xFFFF) + (folded >> 16 & 0xFFFF) + (folded >> 32)
            folded = (folded & 0xFFFF) + (folded >> 16)
            folded = (folded & 0xFFFF) + (folded >> 16)
            return UInt16(bigEndian: ~UInt16(truncatingIfNeeded: folded))
        }
    }

    /// The checksum of whole bytes.
    @inlinable @_noAllocation @_noLocks
    public static func of(_ bytes: RawSpan) -> UInt16 {
        var checksum = InternetChecksum()
        checksum.add(bytes)
        return checksum.value
    }

    /// The checksum of an array's bytes.
    static func of(_ bytes: [UInt8]) -> UInt16 {
        // SAFETY: the span of an array of bytes has no padding that could be uninitialized.
        unsafe of(bytes.span.bytes)
    }

    /// The checksum of a transport header with its payload and the pseudo-header.
    ///
    /// UDP writes a result of 0 as 0xFFFF (RFC 768); that is left to the caller.
    @inlinable @_noAllocation @_noLocks
    public static func transport(
        _ bytes: RawSpan, source: IPAddress, destination: IPAddress, transport: UInt8
    ) -> UInt16 {
        var checksum = InternetChecksum()
        checksum.addPseudoHeader(
            source: source, destination: destination, transport: transport, length: bytes.byteCount)
        checksum.add(bytes)
        return checksum.value
    }

    @inlinable @_noAllocation @_noLocks
    mutating func add(_ address: IPAddress) {
        addWide(UInt64(address.word0) << 32 | UInt64(address.word1))
        addWide(UInt64(address.word2) << 32 | UInt64(address.word3))
    }

    /// Adds with end-around carry.
    @inlinable @_noAllocation @_noLocks
    mutating func addWide(_ value: UInt64) {
        let (partial, overflow) = sum.addingReportingOverflow(value)
        sum = partial &+ (overflow ? 1 : 0)
    }
}
