/// A block of addresses in CIDR form (RFC 4632, RFC 4291 §2.3).
@frozen
public struct IPPrefix: Hashable, Sendable {
    /// The first address of the block; its host bits are zero.
    public let address: IPAddress
    /// How many leading bits all addresses of the block share: 0…32 or 0…128.
    public let length: UInt8

    /// The mask in words as they lie in a packet, made once so that ``contains(_:)`` is a handful of instructions.
    @usableFromInline let mask0: UInt32
    @usableFromInline let mask1: UInt32
    @usableFromInline let mask2: UInt32
    @usableFromInline let mask3: UInt32

    /// Makes a prefix; nil if the length is out of range or `address` has a bit set behind it.
    public init?(address: IPAddress, length: Int) {
        guard (0...Self.bits(address.family)).contains(length) else { return nil }
        self.init(masking: address, length: length)
        guard self.address == address else { return nil }
    }

    /// The prefix of `length` bits that `address` lies in. `length` is 0…32 (IPv4) or 0…128 (IPv6).
    public init(masking address: IPAddress, length: Int) {
        precondition((0...Self.bits(address.family)).contains(length), "prefix length \(length) out of range")
        func mask(_ word: Int) -> UInt32 {
            let kept = min(max(length - 32 * word, 0), 32)
            return kept == 0 ? 0 : (UInt32.max << UInt32(32 - kept)).bigEndian
        }
        mask0 = mask(0)
        mask1 = mask(1)
        mask2 = mask(2)
        mask3 = mask(3)
        var masked = address
        masked.word0 &= mask0
        masked.word1 &= mask1
        masked.word2 &= mask2
        masked.word3 &= mask3
        self.address = masked
        self.length = UInt8(length)
    }

    /// Whether an address lies in the block. Never for an address of the other family.
    @inlinable @_noAllocation @_noLocks
    public func contains(_ candidate: IPAddress) -> Bool {
        let differing =
            (candidate.word0 ^ address.word0) & mask0 | (candidate.word1 ^ address.word1) & mask1
            | (candidate.word2 ^ address.word2) & mask2 | (candidate.word3 ^ address.word3) & mask3
        return differing == 0 && candidate.family == address.family
    }

    private static func bits(_ family: IPFamily) -> Int { family == .ipv4 ? 32 : 128 }
}

extension IPPrefix: LosslessStringConvertible {
    /// Reads `10.0.0.0/8` or `fd00::/8`; an address without a length is the block of that one host. Nil if the text
    /// is no address, the length is out of range, or a bit behind the length is set.
    public init?(_ description: String) {
        let parts = description.split(separator: "/", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), let address = IPAddress(String(parts[0])) else { return nil }
        guard parts.count == 2 else {
            self.init(masking: address, length: Self.bits(address.family))
            return
        }
        let digits = parts[1].utf8
        guard (1...3).contains(digits.count), digits.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else { return nil }
        guard let length = Int(parts[1]) else { return nil }
        self.init(address: address, length: length)
    }

    /// The text that ``init(_:)`` reads, always with its length.
    public var description: String { "\(address)/\(length)" }
}
