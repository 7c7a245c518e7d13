// What lies in a classifier's memory. Plain numbers only, so that the memory needs neither construction nor destruction.

/// `count` entries of some table, from `first` on.
@frozen
@usableFromInline
struct ServiceList: BitwiseCopyable, Hashable, Sendable {
    @usableFromInline var first: UInt32 = 0
    @usableFromInline var count: UInt32 = 0

    @usableFromInline init(first: Int, count: Int) {
        self.first = UInt32(first)
        self.count = UInt32(count)
    }
}

/// A length that configured destination blocks have, longest first; the mask in words as they lie in a packet.
@frozen
@usableFromInline
struct PrefixLength: BitwiseCopyable {
    @usableFromInline var mask0: UInt32
    @usableFromInline var mask1: UInt32
    @usableFromInline var mask2: UInt32
    @usableFromInline var mask3: UInt32
    /// Family and length as one number, never 0.
    @usableFromInline var tag: UInt32
}

/// A slot of the hash table from destination block to services; free when `tag` is 0. Half a cache line.
@frozen
@usableFromInline
struct DestinationSlot: BitwiseCopyable {
    @usableFromInline var word0: UInt32 = 0
    @usableFromInline var word1: UInt32 = 0
    @usableFromInline var word2: UInt32 = 0
    @usableFromInline var word3: UInt32 = 0
    @usableFromInline var tag: UInt32 = 0
    /// The number of the port table behind this block, from 1; 0 when the services are few enough to be walked.
    @usableFromInline var portTable: UInt32 = 0
    /// All services whose destinations contain the block, in `ranks`.
    @usableFromInline var services = ServiceList(first: 0, count: 0)

    init() {}
}

/// An inclusive range of ports.
@frozen
@usableFromInline
struct PortRange: BitwiseCopyable {
    @usableFromInline var first: UInt16
    @usableFromInline var last: UInt16

    @inlinable
    @_noAllocation
    @_noLocks
    func contains(_ port: UInt16) -> Bool { port &- first <= last &- first }
}

/// A set of protocol numbers.
@frozen
@usableFromInline
struct ProtocolSet: BitwiseCopyable {
    @usableFromInline var word0: UInt64 = 0
    @usableFromInline var word1: UInt64 = 0
    @usableFromInline var word2: UInt64 = 0
    @usableFromInline var word3: UInt64 = 0

    /// The numbers in `list`; all numbers if it is empty.
    init(_ list: [UInt8]) {
        for number in list.isEmpty ? Array(0...255) : list {
            let bit = UInt64(1) << UInt64(number & 63)
            switch number >> 6 {
            case 0: word0 |= bit
            case 1: word1 |= bit
            case 2: word2 |= bit
            default: word3 |= bit
            }
        }
    }

    @inlinable
    @_noAllocation
    @_noLocks
    func contains(_ number: UInt8) -> Bool {
        let low = number & 64 == 0 ? word0 : word1
        let high = number & 64 == 0 ? word2 : word3
        return (number < 128 ? low : high) &>> UInt64(number & 63) & 1 != 0
    }
}

/// What one service asks of a packet beside its destination address: one cache line.
@frozen
@usableFromInline
struct ServiceRule: BitwiseCopyable {
    @usableFromInline var protocols: ProtocolSet
    /// The first range of destination ports; all ports for any.
    @usableFromInline var destinationPorts: PortRange
    /// Further ranges, in `ranges`.
    @usableFromInline var furtherPorts: ServiceList
    /// In `ranges`; empty for any.
    @usableFromInline var sourcePorts: ServiceList
    /// In `prefixes`; empty for any.
    @usableFromInline var sources: ServiceList
    private var padding: UInt32 = 0

    init(
        protocols: ProtocolSet, destinationPorts: PortRange, furtherPorts: ServiceList, sourcePorts: ServiceList,
        sources: ServiceList
    ) {
        self.protocols = protocols
        self.destinationPorts = destinationPorts
        self.furtherPorts = furtherPorts
        self.sourcePorts = sourcePorts
        self.sources = sources
    }
}

/// Where a destination block's entry is looked for. The multipliers are odd numbers without pattern (the golden ratio's
/// and the square root of two's fractions); the upper half of the product depends on all of the input.
@inlinable
@_noAllocation
@_noLocks
func destinationHash(_ word0: UInt32, _ word1: UInt32, _ word2: UInt32, _ word3: UInt32, _ tag: UInt32) -> UInt32 {
    let front = UInt64(word0) | UInt64(word1) &<< 32
    let back = (UInt64(word2) | UInt64(word3) &<< 32) &* 0x6A09_E667_F3BC_C909
    let product = (front ^ (back &>> 29) ^ back ^ UInt64(tag) &<< 25) &* 0x9E37_79B9_7F4A_7C15
    return UInt32(truncatingIfNeeded: product &>> 32 ^ product &>> 50)
}

/// The same for an IPv4 block.
@inlinable
@_noAllocation
@_noLocks
func destinationHash(_ word: UInt32, _ tag: UInt32) -> UInt32 {
    let product = (UInt64(word) ^ UInt64(tag) &<< 25) &* 0x9E37_79B9_7F4A_7C15
    return UInt32(truncatingIfNeeded: product &>> 32 ^ product &>> 50)
}
