import CXXHash

/// Hashes that never change between machines and versions: tables and their digests are built from them.
///
/// XXH3 has a fixed specification since xxHash 0.8.0.
enum StableHash {
    /// The 64-bit XXH3 of `bytes`.
    static func hash(_ bytes: borrowing RawSpan, seed: UInt64) -> UInt64 {
        // SAFETY: the callee reads exactly the bytes of the buffer and keeps no pointer.
        unsafe bytes.withUnsafeBytes { unsafe XXH3_64bits_withSeed($0.baseAddress, $0.count, seed) }
    }

    /// The 64-bit XXH3 of a name's UTF-8 bytes.
    static func hash(_ name: String, seed: UInt64) -> UInt64 {
        // SAFETY: any byte of a UTF-8 code unit is initialised.
        unsafe hash(name.utf8Span.span.bytes, seed: seed)
    }
}
