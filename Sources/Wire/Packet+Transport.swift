extension Packet {
    /// Reads the header at ``transportOffset`` and completes key, kind and payload offset.
    @_noAllocation @_noLocks
    mutating func readTransport(_ bytes: RawSpan) throws(WireError) {
        switch transport {
        case TransportProtocol.udp:
            try requireHeader(8, bytes, or: .truncatedUDP)
            readPorts(bytes)
            let length = Int(bytes.uncheckedHalf(transportOffset + 4))
            payloadOffset = transportOffset + 8
            // The first fragment carries the length of the whole datagram.
            guard length >= 8 else { throw .badUDPLength }
            if isFragment { return }
            guard transportOffset + length <= totalLength else { throw .badUDPLength }
            payloadEnd = transportOffset + length
        case TransportProtocol.tcp:
            try requireHeader(20, bytes, or: .truncatedTCP)
            readPorts(bytes)
            tcpFlags = bytes.uncheckedByte(transportOffset + 13)
            let headerLength = Int(bytes.uncheckedByte(transportOffset + 12) >> 4) * 4
            guard headerLength >= 20 else { throw .badTCPDataOffset }
            payloadOffset = transportOffset + headerLength
            if payloadOffset > totalLength { try acceptCutOptions() }
        case TransportProtocol.sctp:
            try requireHeader(12, bytes, or: .truncatedSCTP)
            readPorts(bytes)
            payloadOffset = transportOffset + 12
        case TransportProtocol.icmp, TransportProtocol.icmpv6:
            try readICMP(bytes)
        default:
            return
        }
    }

    @_noAllocation @_noLocks
    mutating func readPorts(_ bytes: RawSpan) {
        key.sourcePort = bytes.uncheckedHalf(transportOffset)
        key.destinationPort = bytes.uncheckedHalf(transportOffset + 2)
        kind = .transport
    }

    /// Checks that `length` bytes from ``transportOffset`` on are in the packet and captured.
    @_noAllocation @_noLocks
    func requireHeader(_ length: Int, _ bytes: RawSpan, or error: WireError) throws(WireError) {
        let end = transportOffset + length
        guard end <= bytes.byteCount && end <= totalLength else { throw missingHeader(endingAt: end, error) }
    }

    /// Which error it is that a transport header ends behind the packet or behind the captured bytes.
    @_noAllocation @_noLocks
    func missingHeader(endingAt end: Int, _ error: WireError) -> WireError {
        guard end > totalLength else { return .beyondCapture }
        guard isFragment else { return error }
        return family == .ipv4 ? .tinyFirstFragment : .firstFragmentWithoutHeaderChain
    }

    /// TCP options that run past the packet's end: an error, except in a first IPv4 fragment. There RFC 791 lets the
    /// smallest link cut options off, and RFC 1858 asks only for the fixed header, which is present.
    @_noAllocation @_noLocks
    mutating func acceptCutOptions() throws(WireError) {
        guard isFragment else { throw .badTCPDataOffset }
        guard family == .ipv4 else { throw .firstFragmentWithoutHeaderChain }
        payloadOffset = totalLength
    }
}
