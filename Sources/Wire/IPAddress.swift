/// An IPv4 or IPv6 address.
///
/// The words hold the address as it lies in a packet: each is a native load of four bytes in network order, which is
/// what the kernel's `jhash` eats. An IPv4 address uses `word0`; the other words are 0.
@frozen
public struct IPAddress: Hashable, Sendable {
    /// Bytes 0…3 as they lie in the packet.
    public var word0: UInt32
    /// Bytes 4…7 as they lie in the packet; 0 for IPv4.
    public var word1: UInt32
    /// Bytes 8…11 as they lie in the packet; 0 for IPv4.
    public var word2: UInt32
    /// Bytes 12…15 as they lie in the packet; 0 for IPv4.
    public var word3: UInt32
    /// Which of the two protocols the address belongs to.
    public var family: IPFamily

    /// An IPv4 address from the native load of its four bytes in network order.
    @inlinable @_noAllocation @_noLocks
    public init(ipv4 word: UInt32) {
        word0 = word
        word1 = 0
        word2 = 0
        word3 = 0
        family = .ipv4
    }

    /// An IPv6 address from native loads of its sixteen bytes in network order.
    @inlinable @_noAllocation @_noLocks
    public init(word0: UInt32, word1: UInt32, word2: UInt32, word3: UInt32) {
        self.word0 = word0
        self.word1 = word1
        self.word2 = word2
        self.word3 = word3
        family = .ipv6
    }

    /// An IPv4 address from its four bytes in the order people write them.
    @inlinable
    public init(_ a: UInt8, _ b: UInt8, _ c: UInt8, _ d: UInt8) {
        self.init(ipv4: UInt32(bigEndian: UInt32(a) << 24 | UInt32(b) << 16 | UInt32(c) << 8 | UInt32(d)))
    }

    /// An address from 4 or 16 bytes in network order; nil for any other count.
    public init?(networkBytes bytes: some Collection<UInt8>) {
        func word(_ index: Int) -> UInt32 {
            UInt32(bigEndian: bytes.dropFirst(4 * index).prefix(4).reduce(0) { $0 << 8 | UInt32($1) })
        }
        switch bytes.count {
        case 4: self.init(ipv4: word(0))
        case 16: self.init(word0: word(0), word1: word(1), word2: word(2), word3: word(3))
        default: return nil
        }
    }

    /// The 4 or 16 bytes of the address in network order.
    public var networkBytes: [UInt8] {
        let words = family == .ipv4 ? [word0] : [word0, word1, word2, word3]
        return words.flatMap { word in
            let value = UInt32(bigEndian: word)
            return [UInt8(value >> 24), UInt8(value >> 16 & 0xFF), UInt8(value >> 8 & 0xFF), UInt8(value & 0xFF)]
        }
    }
}
