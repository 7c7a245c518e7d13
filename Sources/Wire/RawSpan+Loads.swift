/// Unaligned big-endian loads without a bounds check.
///
/// SAFETY: none of these looks at the span's length. Each caller has compared its highest offset with the captured
/// length before the first load, once per header, instead of once per field.
extension RawSpan {
    @inlinable @_noAllocation @_noLocks
    func uncheckedByte(_ offset: Int) -> UInt8 {
        unsafe unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
    }

    @inlinable @_noAllocation @_noLocks
    func uncheckedHalf(_ offset: Int) -> UInt16 {
        unsafe UInt16(bigEndian: unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt16.self))
    }

    @inlinable @_noAllocation @_noLocks
    func uncheckedWord(_ offset: Int) -> UInt32 {
        unsafe UInt32(bigEndian: unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt32.self))
    }

    /// Four bytes as they lie in the packet.
    @inlinable @_noAllocation @_noLocks
    func uncheckedNativeWord(_ offset: Int) -> UInt32 {
        unsafe unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt32.self)
    }

    @inlinable @_noAllocation @_noLocks
    func uncheckedIPv4Address(_ offset: Int) -> IPAddress {
        IPAddress(ipv4: uncheckedNativeWord(offset))
    }

    @inlinable @_noAllocation @_noLocks
    func uncheckedIPv6Address(_ offset: Int) -> IPAddress {
        IPAddress(
            word0: uncheckedNativeWord(offset), word1: uncheckedNativeWord(offset + 4),
            word2: uncheckedNativeWord(offset + 8), word3: uncheckedNativeWord(offset + 12))
    }
}
