import Wire

/// What all fragments of one packet have in common.
///
/// IPv4: source, destination, protocol and identification (RFC 791). IPv6: source, destination and identification only,
/// because the next header may differ between fragments (RFC 8200 §4.5).
@frozen
public struct FragmentKey: BitwiseCopyable, Hashable, Sendable {
    // 38 bytes: source, destination, identification, and family and protocol.
    @usableFromInline let source0, source1, destination0, destination1: UInt64
    /// The identification field, host order.
    public let identification: UInt32
    @usableFromInline let kind: UInt16

    /// The key of a fragment.
    ///
    /// - Parameters:
    ///   - identification: The identification field, host order: 16 bits in IPv4, 32 in IPv6.
    ///   - transport: The protocol number of the IPv4 header; not used for IPv6.
    @inlinable
    public init(source: IPAddress, destination: IPAddress, transport: UInt8, identification: UInt32) {
        source0 = UInt64(source.word0) | UInt64(source.word1) << 32
        source1 = UInt64(source.word2) | UInt64(source.word3) << 32
        destination0 = UInt64(destination.word0) | UInt64(destination.word1) << 32
        destination1 = UInt64(destination.word2) | UInt64(destination.word3) << 32
        self.identification = identification
        kind = UInt16(source.family.rawValue) << 8 | (source.family == .ipv4 ? UInt16(transport) : 0)
    }

    /// A key that no packet has: what vacant buckets hold.
    init() {
        source0 = 0
        source1 = 0
        destination0 = 0
        destination1 = 0
        identification = 0
        kind = 0
    }

    /// Where the packet comes from.
    public var source: IPAddress { Self.address(source0, source1, isIPv4) }
    /// Where it goes.
    public var destination: IPAddress { Self.address(destination0, destination1, isIPv4) }

    private static func address(_ low: UInt64, _ high: UInt64, _ isIPv4: Bool) -> IPAddress {
        let words = (low, low >> 32, high, high >> 32)
        let word = { (word: UInt64) in UInt32(truncatingIfNeeded: word) }
        return isIPv4
            ? IPAddress(ipv4: word(words.0))
            : IPAddress(word0: word(words.0), word1: word(words.1), word2: word(words.2), word3: word(words.3))
    }

    /// Whether the packet is IPv4.
    @inlinable public var isIPv4: Bool { kind >> 8 == 4 }

    /// Who is answerable for the packet when room runs short: the address in IPv4, the /64 prefix in IPv6, within which
    /// one host can take any address it likes.
    @inline(__always)
    func sourceSlot(_ hash: borrowing KeyedHash) -> UInt16 {
        UInt16(truncatingIfNeeded: hash.hash(source0, UInt64(kind >> 8)) >> (64 - SourceLedger.slotBits))
    }
}

extension FragmentKey: TableKey {
    @inlinable @inline(__always)
    func digest(_ hash: borrowing KeyedHash) -> UInt64 {
        hash.hash(
            source0, source1, destination0, destination1, UInt64(identification) | UInt64(kind) << 32)
    }

    /// Compares without branches between the words: the common answer in a chain is "no", at any of them.
    @inline(__always)
    public static func == (a: FragmentKey, b: FragmentKey) -> Bool {
        let rest = UInt64(a.identification ^ b.identification) | UInt64(a.kind ^ b.kind)
        return rest | (a.source0 ^ b.source0) | (a.destination0 ^ b.destination0) | (a.source1 ^ b.source1)
            | (a.destination1 ^ b.destination1) == 0
    }
}
