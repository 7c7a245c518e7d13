/// What an ICMP type means to a load balancer.
enum ICMPMeaning {
    case echo
    case error
    case other

    /// - Parameter family: ICMP for IPv4 (RFC 792) and ICMPv6 (RFC 4443) number their types apart.
    @_noAllocation @_noLocks
    init(type: UInt8, family: IPFamily) {
        switch (family, type) {
        case (.ipv4, 0), (.ipv4, 8), (.ipv6, 128), (.ipv6, 129):
            self = .echo
        // Unreachable, source quench, redirect, time exceeded, parameter problem.
        case (.ipv4, 3...5), (.ipv4, 11...12):
            self = .error
        // Unreachable, packet too big, time exceeded, parameter problem.
        case (.ipv6, 1...4):
            self = .error
        default:
            self = .other
        }
    }

    @_noAllocation @_noLocks
    static func isICMP(_ transport: UInt8, _ family: IPFamily) -> Bool {
        transport == (family == .ipv4 ? TransportProtocol.icmp : TransportProtocol.icmpv6)
    }
}

extension Packet {
    /// Reads an ICMP or ICMPv6 message. ICMP inside the wrong IP version is just another protocol.
    @_noAllocation @_noLocks
    mutating func readICMP(_ bytes: RawSpan) throws(WireError) {
        guard ICMPMeaning.isICMP(transport, family) else { return }
        try requireHeader(4, bytes, or: .truncatedICMP)
        switch ICMPMeaning(type: bytes.uncheckedByte(transportOffset), family: family) {
        case .echo:
            try requireHeader(8, bytes, or: .truncatedICMP)
            let identifier = bytes.uncheckedHalf(transportOffset + 4)
            key.sourcePort = identifier
            key.destinationPort = identifier
            kind = .echo
            payloadOffset = transportOffset + 8
        case .error:
            try requireHeader(8, bytes, or: .truncatedICMP)
            kind = .icmpError
            payloadOffset = transportOffset + 8
            errorInner = .unusable
            switch family {
            case .ipv4: try readInnerIPv4(bytes)
            case .ipv6: try readInnerIPv6(bytes)
            }
        case .other:
            payloadOffset = min(transportOffset + 8, totalLength)
        }
    }

    /// Reads the IPv4 packet inside an ICMP error (RFC 792: its header and at least 8 bytes behind it).
    ///
    /// Its total length is not compared with anything: it is cut on purpose, and some stacks return it in host order.
    @_noAllocation @_noLocks
    private mutating func readInnerIPv4(_ bytes: RawSpan) throws(WireError) {
        let start = payloadOffset
        guard try holds(start + 20, bytes) else { return }
        let versionAndLength = bytes.uncheckedByte(start)
        let headerLength = Int(versionAndLength & 0x0F) * 4
        guard versionAndLength >> 4 == 4, headerLength >= 20 else { return }
        setInner(
            source: bytes.uncheckedIPv4Address(start + 12), destination: bytes.uncheckedIPv4Address(start + 16),
            transport: bytes.uncheckedByte(start + 9))
        guard bytes.uncheckedHalf(start + 6) & 0x1FFF == 0 else { return }
        try readInnerTransport(bytes, at: start + headerLength)
    }

    /// Reads the IPv6 packet inside an ICMPv6 error, extension headers included.
    @_noAllocation @_noLocks
    private mutating func readInnerIPv6(_ bytes: RawSpan) throws(WireError) {
        let start = payloadOffset
        guard try holds(start + 40, bytes) else { return }
        guard bytes.uncheckedByte(start) >> 4 == 6 else { return }
        setInner(
            source: bytes.uncheckedIPv6Address(start + 8), destination: bytes.uncheckedIPv6Address(start + 24),
            transport: bytes.uncheckedByte(start + 6))
        var chain = HeaderChain(first: key.transport, offset: start + 40)
        do {
            try chain.walk(bytes, end: totalLength)
        } catch .beyondCapture {
            throw .beyondCapture
        } catch {
            key.transport = chain.next
            return
        }
        key.transport = chain.next
        guard chain.fragmentOffset == 0 else { return }
        try readInnerTransport(bytes, at: chain.offset)
    }

    /// Completes the key with the inner packet's ports, which are reversed like its addresses.
    @_noAllocation @_noLocks
    private mutating func readInnerTransport(_ bytes: RawSpan, at offset: Int) throws(WireError) {
        switch key.transport {
        case TransportProtocol.tcp, TransportProtocol.udp, TransportProtocol.sctp:
            guard try holds(offset + 4, bytes) else { return }
            key.sourcePort = bytes.uncheckedHalf(offset + 2)
            key.destinationPort = bytes.uncheckedHalf(offset)
        case TransportProtocol.icmp where family == .ipv4, TransportProtocol.icmpv6 where family == .ipv6:
            guard try holds(offset + 6, bytes) else { return }
            if case .echo = ICMPMeaning(type: bytes.uncheckedByte(offset), family: family) {
                let identifier = bytes.uncheckedHalf(offset + 4)
                key.sourcePort = identifier
                key.destinationPort = identifier
            }
        default:
            break
        }
        errorInner = .flow
    }

    @_noAllocation @_noLocks
    private mutating func setInner(source: IPAddress, destination: IPAddress, transport: UInt8) {
        key = FlowKey(
            source: destination, destination: source, sourcePort: 0, destinationPort: 0, transport: transport)
        errorInner = .addresses
    }

    /// Whether the ICMP message reaches up to `end`. Throws if it does but was not captured so far.
    @_noAllocation @_noLocks
    private func holds(_ end: Int, _ bytes: RawSpan) throws(WireError) -> Bool {
        guard end <= totalLength else { return false }
        guard end <= bytes.byteCount else { throw .beyondCapture }
        return true
    }
}
