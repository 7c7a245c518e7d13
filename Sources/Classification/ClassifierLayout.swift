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

/// The services that can take packets to one address, and how to find the few among them that allow a port.
@frozen
@usableFromInline
struct ServiceGroup: BitwiseCopyable {
    /// All of them, in `ranks`.
    @usableFromInline var services: ServiceList
    /// The first of the group's port intervals.
    @usableFromInline var firstPort: UInt32
    /// How many intervals there are; 0 when `services` is short enough to be walked.
    @usableFromInline var portCount: UInt32

    init(services: ServiceList, firstPort: Int, portCount: Int) {
        self.services = services
        self.firstPort = UInt32(firstPort)
        self.portCount = UInt32(portCount)
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

/// A slot of the hash table from destination block to group; free when `tag` is 0.
@frozen
@usableFromInline
struct DestinationSlot: BitwiseCopyable {
    @usableFromInline var word0: UInt32 = 0
    @usableFromInline var word1: UInt32 = 0
    @usableFromInline var word2: UInt32 = 0
    @usableFromInline var word3: UInt32 = 0
    @usableFromInline var tag: UInt32 = 0
    @usableFromInline var group: UInt32 = 0

    init() {}
}

/// An inclusive range of ports.
@frozen
@usableFromInline
struct PortRange: BitwiseCopyable {
    @usableFromInline var first: UInt16
    @usableFromInline var last: UInt16
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

/// What one service asks of a packet beside its destination address.
@frozen
@usableFromInline
struct ServiceRule: BitwiseCopyable {
    @usableFromInline var protocols: ProtocolSet
    /// In `ranges`; empty for any.
    @usableFromInline var destinationPorts: ServiceList
    /// In `ranges`; empty for any.
    @usableFromInline var sourcePorts: ServiceList
    /// In `prefixes`; empty for any.
    @usableFromInline var sources: ServiceList
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
