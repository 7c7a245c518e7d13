extension Packet {
    /// Reads an IPv4 packet. `bytes` are at least 20 and begin with version 4.
    @_noAllocation @_noLocks
    static func parseIPv4(_ bytes: RawSpan, wireLength: Int) throws(WireError) -> Packet {
        let headerLength = Int(bytes.uncheckedByte(0) & 0x0F) * 4
        let total = Int(bytes.uncheckedHalf(2))
        guard headerLength >= 20 else { throw .badHeaderLength }
        guard total >= headerLength else { throw .badTotalLength }
        guard total <= wireLength else { throw .totalLengthBeyondPacket }
        var packet = Packet(
            source: bytes.uncheckedIPv4Address(12), destination: bytes.uncheckedIPv4Address(16),
            transport: bytes.uncheckedByte(9), trafficClass: bytes.uncheckedByte(1), totalLength: total,
            transportOffset: headerLength)
        let fragmentBits = bytes.uncheckedHalf(6)
        if fragmentBits & 0x3FFF != 0 {
            let info = FragmentInfo(
                identification: UInt32(bytes.uncheckedHalf(4)), offset: Int(fragmentBits & 0x1FFF) * 8,
                length: total - headerLength, more: fragmentBits & 0x2000 != 0)
            // The whole packet's total length, its header included, must fit its 16-bit field.
            try packet.setFragment(info, lengthBefore: headerLength)
            guard info.isFirst else { return packet }
        }
        try packet.readTransport(bytes)
        return packet
    }
}
