import Wire

/// The hash of a flow's shard key: exactly what nftables computes for the same fields and seed.
///
/// It equals `jhash FIELDS … seed S` with the fields joined by `.` in canonical order: network order, each field followed
/// by zero bytes up to a multiple of four, then Linux `jhash` over all of it. A *single* field is no concatenation and nft
/// does not pad it, so a port alone is hashed over two bytes and the protocol alone over one. Without any field the hash
/// depends on the seed only: everything falls into one shard.
///
/// - Parameters:
///   - key: the flow; both addresses have the same family.
///   - fields: which fields take part.
///   - seed: nft's `seed`.
@inlinable
@inline(__always)
@_noAllocation
@_noLocks
public func shardHash(_ key: borrowing FlowKey, fields: HashFields, seed: UInt32) -> UInt32 {
    if fields.isFourTuple() {
        return key.source.family == .ipv4 ? fourTupleHashIPv4(key, seed: seed) : fourTupleHashIPv6(key, seed: seed)
    }
    return selectedFieldsHash(key, fields: fields, seed: seed)
}

/// The shard a hash falls into: `(hash · M) >> 32`, the scaling of nft's `mod M` (not the remainder).
///
/// - Parameters:
///   - hash: from ``shardHash(_:fields:seed:)`` or ``jhash(_:seed:)``.
///   - shards: M, the size of the table; above 0.
/// - Returns: 0 ..< shards.
@inlinable
@inline(__always)
@_noAllocation
@_noLocks
public func shardIndex(hash: UInt32, shards: UInt32) -> UInt32 {
    UInt32(truncatingIfNeeded: (UInt64(hash) &* UInt64(shards)) &>> 32)
}

/// A port as `jhash` meets it: its two bytes in network order, then two zero bytes, loaded as one little-endian word.
@inlinable
@inline(__always)
@_noAllocation
@_noLocks
func portWord(_ port: UInt16) -> UInt32 { UInt32(port.byteSwapped) }

/// 16 bytes: source, destination, source port, destination port.
@inlinable
@inline(__always)
@_noAllocation
@_noLocks
func fourTupleHashIPv4(_ key: borrowing FlowKey, seed: UInt32) -> UInt32 {
    var state = JenkinsHash(length: 16, seed: seed)
    state.a &+= key.source.word0
    state.b &+= key.destination.word0
    state.c &+= portWord(key.sourcePort)
    state.mix()
    state.a &+= portWord(key.destinationPort)
    state.finalMix()
    return state.c
}

/// 40 bytes: source, destination, source port, destination port.
@inlinable
@inline(__always)
@_noAllocation
@_noLocks
func fourTupleHashIPv6(_ key: borrowing FlowKey, seed: UInt32) -> UInt32 {
    var state = JenkinsHash(length: 40, seed: seed)
    state.a &+= key.source.word0
    state.b &+= key.source.word1
    state.c &+= key.source.word2
    state.mix()
    state.a &+= key.source.word3
    state.b &+= key.destination.word0
    state.c &+= key.destination.word1
    state.mix()
    state.a &+= key.destination.word2
    state.b &+= key.destination.word3
    state.c &+= portWord(key.sourcePort)
    state.mix()
    state.a &+= portWord(key.destinationPort)
    state.finalMix()
    return state.c
}

/// Any other choice of fields. Kept out of the callers' code: the four-tuple is the one that has to be short.
@usableFromInline
@_noAllocation
@_noLocks
func selectedFieldsHash(_ key: borrowing FlowKey, fields: HashFields, seed: UInt32) -> UInt32 {
    var state = JenkinsHash(length: hashedLength(of: fields, family: key.source.family), seed: seed)
    if fields.hasSourceAddress() { state.absorb(key.source) }
    if fields.hasDestinationAddress() { state.absorb(key.destination) }
    if fields.hasTransport() { state.absorb(UInt32(key.transport)) }
    if fields.hasSourcePort() { state.absorb(portWord(key.sourcePort)) }
    if fields.hasDestinationPort() { state.absorb(portWord(key.destinationPort)) }
    return state.finish()
}

/// How many bytes nft hands to `jhash` for these fields.
@_noAllocation
@_noLocks
func hashedLength(of fields: HashFields, family: IPFamily) -> UInt32 {
    if fields.isTransportAlone() { return 1 }
    if fields.isOnePortAlone() { return 2 }
    let address: UInt32 = family == .ipv4 ? 4 : 16
    var length: UInt32 = 0
    if fields.hasSourceAddress() { length &+= address }
    if fields.hasDestinationAddress() { length &+= address }
    if fields.hasTransport() { length &+= 4 }
    if fields.hasSourcePort() { length &+= 4 }
    if fields.hasDestinationPort() { length &+= 4 }
    return length
}

extension JenkinsHash {
    /// Takes in an address: one word or four.
    @_noAllocation
    @_noLocks
    mutating func absorb(_ address: borrowing IPAddress) {
        absorb(address.word0)
        guard address.family == .ipv6 else { return }
        absorb(address.word1)
        absorb(address.word2)
        absorb(address.word3)
    }
}

/// What the hash asks of a set of fields. Functions with the proofs of their own instead of `contains` and `==`: those are
/// generic code that a debug build does not specialise, and the hot path is proved free of locks there too.
extension HashFields {
    @inlinable @_noAllocation @_noLocks
    func isFourTuple() -> Bool { rawValue == 0b11011 }

    @inlinable @_noAllocation @_noLocks
    func isTransportAlone() -> Bool { rawValue == 0b00100 }

    @inlinable @_noAllocation @_noLocks
    func isOnePortAlone() -> Bool { rawValue == 0b01000 || rawValue == 0b10000 }

    @inlinable @_noAllocation @_noLocks
    func hasSourceAddress() -> Bool { rawValue & 0b00001 != 0 }

    @inlinable @_noAllocation @_noLocks
    func hasDestinationAddress() -> Bool { rawValue & 0b00010 != 0 }

    @inlinable @_noAllocation @_noLocks
    func hasTransport() -> Bool { rawValue & 0b00100 != 0 }

    @inlinable @_noAllocation @_noLocks
    func hasSourcePort() -> Bool { rawValue & 0b01000 != 0 }

    @inlinable @_noAllocation @_noLocks
    func hasDestinationPort() -> Bool { rawValue & 0b10000 != 0 }
}
