/// CRC-32C: the Castagnoli polynomial, bits reflected. The checksum of SCTP (RFC 9260 §6.8 and appendix A) and one of
/// those that chunks of a split payload may have.
public enum CRC32C {
    /// Eight tables of 256: `tables[256 k + b]` is what byte b does to the remainder k further bytes on.
    private static let tables: [UInt32] = {
        var tables = [UInt32](repeating: 0, count: 8 * 256)
        for byte in 0..<256 {
            var remainder = UInt32(byte)
            for _ in 0..<8 { remainder = remainder >> 1 ^ (remainder & 1 == 0 ? 0 : 0x82F6_3B78) }
            tables[byte] = remainder
        }
        for index in 256..<tables.count {
            let before = tables[index - 256]
            tables[index] = before >> 8 ^ tables[Int(before & 0xFF)]
        }
        return tables
    }()

    /// The checksum of the bytes. SCTP writes it lowest byte first.
    public static func of(_ bytes: [UInt8]) -> UInt32 {
        var remainder = UInt32.max
        unsafe tables.withUnsafeBufferPointer { tables in
            unsafe bytes.withUnsafeBytes { bytes in
                // SAFETY: the tables have 8 · 256 entries and each index is 256 k plus a byte, k < 8; loads stay below
                // `count`.
                var index = 0
                while index + 8 <= bytes.count {
                    let word =
                        unsafe UInt64(
                            littleEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self))
                        ^ UInt64(remainder)
                    remainder = 0
                    for place in 0..<8 {
                        let byte = Int(truncatingIfNeeded: word >> UInt64(8 * place)) & 0xFF
                        unsafe remainder ^= tables[(7 - place) << 8 | byte]
                    }
                    index += 8
                }
                while index < bytes.count {
                    unsafe remainder = remainder >> 8 ^ tables[Int(UInt8(truncatingIfNeeded: remainder) ^ bytes[index])]
                    index += 1
                }
            }
        }
        return ~remainder
    }
}
