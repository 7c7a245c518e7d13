/// The state of Bob Jenkins' lookup3 hash, as Linux calls it `jhash`.
///
/// Input is taken in 32-bit words, each the little-endian load of four bytes, so on the little-endian machines this runs
/// on a word is a plain native load. The kernel mixes the state only *before* the word that would not fit any more, never
/// after the last one; ``absorb(_:)`` does the same.
///
/// Everything is inlined by force: left to itself the compiler calls `mix`, and the state then lies in memory between
/// the steps, which costs as much as the mixing itself.
@frozen
@usableFromInline
struct JenkinsHash {
    @usableFromInline var a: UInt32
    @usableFromInline var b: UInt32
    @usableFromInline var c: UInt32
    /// How many of `a`, `b`, `c` have taken a word since the last mix.
    @usableFromInline var taken: UInt32 = 0

    /// Begins a hash over `length` bytes.
    @inlinable
    @inline(__always)
    @_noAllocation
    @_noLocks
    init(length: UInt32, seed: UInt32) {
        a = 0xdead_beef &+ length &+ seed
        b = a
        c = a
    }

    /// Takes the next word in.
    @inlinable
    @inline(__always)
    @_noAllocation
    @_noLocks
    mutating func absorb(_ word: UInt32) {
        switch taken {
        case 0: a &+= word
        case 1: b &+= word
        case 2: c &+= word
        default:
            mix()
            a &+= word
            taken = 0
        }
        taken &+= 1
    }

    /// Gives the hash. A hash over nothing is the state's beginning, as in the kernel.
    @inlinable
    @inline(__always)
    @_noAllocation
    @_noLocks
    mutating func finish() -> UInt32 {
        if taken > 0 { finalMix() }
        return c
    }

    /// Reversible mixing of the state between blocks of three words.
    @inlinable
    @inline(__always)
    @_noAllocation
    @_noLocks
    mutating func mix() {
        a &-= c
        a ^= rotated(c, 4)
        c &+= b
        b &-= a
        b ^= rotated(a, 6)
        a &+= c
        c &-= b
        c ^= rotated(b, 8)
        b &+= a
        a &-= c
        a ^= rotated(c, 16)
        c &+= b
        b &-= a
        b ^= rotated(a, 19)
        a &+= c
        c &-= b
        c ^= rotated(b, 4)
        b &+= a
    }

    /// Spreads the last block's words over all bits of `c`.
    @inlinable
    @inline(__always)
    @_noAllocation
    @_noLocks
    mutating func finalMix() {
        c ^= b
        c &-= rotated(b, 14)
        a ^= c
        a &-= rotated(c, 11)
        b ^= a
        b &-= rotated(a, 25)
        c ^= b
        c &-= rotated(b, 16)
        a ^= c
        a &-= rotated(c, 4)
        b ^= a
        b &-= rotated(a, 14)
        c ^= b
        c &-= rotated(b, 24)
    }

    @inlinable
    @inline(__always)
    @_noAllocation
    @_noLocks
    func rotated(_ value: UInt32, _ bits: UInt32) -> UInt32 {
        (value &<< bits) | (value &>> (32 &- bits))
    }
}

/// The Linux kernel's `jhash` (include/linux/jhash.h; Bob Jenkins, lookup3, 2006) over any bytes.
///
/// - Parameters:
///   - bytes: the key, at most 2³² − 1 bytes.
///   - seed: the kernel's `initval`, nft's `seed`.
/// - Returns: the 32-bit hash; ``shardIndex(hash:shards:)`` scales it as nft's `mod` does.
@inlinable
@_noAllocation
@_noLocks
public func jhash(_ bytes: borrowing RawSpan, seed: UInt32) -> UInt32 {
    let length = bytes.byteCount
    var state = JenkinsHash(length: UInt32(truncatingIfNeeded: length), seed: seed)
    var offset = 0
    while length &- offset >= 4 {
        state.absorb(bytes.word(at: offset))
        offset &+= 4
    }
    if offset < length {
        var last: UInt32 = 0
        var shift: UInt32 = 0
        while offset < length {
            last |= UInt32(bytes.octet(at: offset)) &<< shift
            shift &+= 8
            offset &+= 1
        }
        state.absorb(last)
    }
    return state.finish()
}

extension RawSpan {
    /// The four bytes at `offset` as a little-endian number.
    @inlinable
    @_noAllocation
    @_noLocks
    func word(at offset: Int) -> UInt32 {
        // SAFETY: the load checks its bounds; any bit pattern is a valid UInt32.
        UInt32(littleEndian: unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }

    /// The byte at `offset`.
    @inlinable
    @_noAllocation
    @_noLocks
    func octet(at offset: Int) -> UInt8 {
        // SAFETY: the load checks its bounds; any bit pattern is a valid UInt8.
        unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: UInt8.self)
    }
}
