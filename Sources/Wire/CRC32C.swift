/// The checksum of SCTP (RFC 9260 §6.8 and appendix A): CRC-32C, the Castagnoli polynomial, bits reflected.
///
/// Worked out bit by bit: it is for packets that are built, never for those that are forwarded.
enum CRC32C {
    /// The value as SCTP writes it, lowest byte first.
    static func of(_ bytes: [UInt8]) -> UInt32 {
        var remainder = UInt32.max
        for byte in bytes {
            remainder ^= UInt32(byte)
            for _ in 0..<8 {
                remainder = remainder >> 1 ^ (remainder & 1 == 0 ? 0 : 0x82F6_3B78)
            }
        }
        return ~remainder
    }
}
