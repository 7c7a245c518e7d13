extension Packet {
    /// Notes a fragment's place after checking what IPv4 and IPv6 ask of it alike.
    ///
    /// - Parameter lengthBefore: Bytes that count against the 65,535 of the whole packet besides its payload.
    @_noAllocation @_noLocks
    mutating func setFragment(_ info: FragmentInfo, lengthBefore: Int) throws(WireError) {
        guard info.length > 0 else { throw .emptyFragment }
        guard info.isLast || info.length & 7 == 0 else { throw .badFragmentLength }
        guard lengthBefore + info.end <= 65_535 else { throw .fragmentBeyondMaximum }
        // An honest first fragment holds the fixed header, so no other begins inside it. One that does would replace
        // ports or flags that a filter has already judged by.
        guard info.isFirst || info.offset >= Self.fixedHeaderLength(transport) else { throw .fragmentInsideHeader }
        fragmentState = info.more ? .more : .last
        fragmentIdentification = info.identification
        fragmentOffset = info.offset
        fragmentLength = info.length
    }

    /// Bytes of the transport's fixed header; 0 for protocols without ports.
    @_noAllocation @_noLocks
    static func fixedHeaderLength(_ transport: UInt8) -> Int {
        switch transport {
        case TransportProtocol.tcp: 20
        case TransportProtocol.udp: 8
        case TransportProtocol.sctp: 12
        default: 0
        }
    }
}
