/// The digest of a table: XXH3, 64 bits, seed 0, over canonical bytes.
///
/// The bytes, all numbers little-endian: the text `anabranch table 1`, size (8), number of members (4), for each member
/// in order the length of its name (4), the name's UTF-8 and its weight (4), then each slot's member index (2).
func tableDigest(size: Int, members: [TableMember], slots: [UInt16]) -> UInt64 {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(64 + members.count * 32 + slots.count * 2)
    bytes.append(contentsOf: "anabranch table 1".utf8)
    append(UInt64(size), to: &bytes)
    append(UInt32(members.count), to: &bytes)
    for member in members {
        append(UInt32(member.name.utf8.count), to: &bytes)
        bytes.append(contentsOf: member.name.utf8)
        append(member.weight, to: &bytes)
    }
    // SAFETY: plain numbers have no padding; on a little-endian machine their bytes are the canonical ones.
    unsafe slots.withUnsafeBytes { unsafe bytes.append(contentsOf: $0) }
    // SAFETY: an array of bytes has no padding.
    return unsafe StableHash.hash(bytes.span.bytes, seed: 0)
}

private func append(_ number: some FixedWidthInteger, to bytes: inout [UInt8]) {
    for shift in stride(from: 0, to: number.bitWidth, by: 8) {
        bytes.append(UInt8(truncatingIfNeeded: number >> shift))
    }
}
