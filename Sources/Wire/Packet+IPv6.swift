extension Packet {
    /// Reads an IPv6 packet. `bytes` are at least 20 and begin with version 6.
    ///
    /// Destination and source are those of the IPv6 header: a routing header's further addresses (RFC 8200 §4.4) are
    /// the business of the nodes it names, and type 0 is gone (RFC 5095).
    @_noAllocation @_noLocks
    static func parseIPv6(_ bytes: RawSpan, wireLength: Int) throws(WireError) -> Packet {
        let start = bytes.uncheckedWord(0)
        guard wireLength >= 40 else { throw .truncatedHeader }
        guard bytes.byteCount >= 40 else { throw .beyondCapture }
        let payloadLength = Int(bytes.uncheckedHalf(4))
        let next = bytes.uncheckedByte(6)
        guard payloadLength > 0 || next != TransportProtocol.hopByHop else { throw .jumboPayload }
        guard 40 + payloadLength <= wireLength else { throw .payloadLengthBeyondPacket }
        var packet = Packet(
            source: bytes.uncheckedIPv6Address(8), destination: bytes.uncheckedIPv6Address(24), transport: next,
            trafficClass: UInt8(truncatingIfNeeded: start >> 20), totalLength: 40 + payloadLength,
            transportOffset: 40)
        guard try packet.walkExtensionHeaders(bytes) else { return packet }
        try packet.readTransport(bytes)
        return packet
    }

    /// Finds the transport header and notes the fragment, if it is one.
    ///
    /// - Returns: Whether a transport header follows; false for a later fragment.
    @_noAllocation @_noLocks
    private mutating func walkExtensionHeaders(_ bytes: RawSpan) throws(WireError) -> Bool {
        var chain = HeaderChain(first: transport, offset: 40)
        try chain.walk(bytes, end: totalLength)
        transport = chain.next
        key.transport = chain.next
        transportOffset = chain.offset
        // Atomic fragments are whole packets (RFC 6946 §4).
        guard chain.fragmentOffset != 0 || chain.moreFragments else { return true }
        let payloadStart = chain.fragmentHeader + 8
        let info = FragmentInfo(
            identification: chain.identification, offset: chain.fragmentOffset, length: totalLength - payloadStart,
            more: chain.moreFragments)
        // Headers before the fragment header count against the 65,535 bytes of the whole packet's payload.
        try setFragment(info, lengthBefore: chain.fragmentHeader - 40)
        return info.isFirst
    }
}
