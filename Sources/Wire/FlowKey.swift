/// What tells one flow from another: addresses, ports and the transport protocol.
///
/// Ports are in host order and 0 where there are none. ICMP echo messages have their identifier as both ports, so that
/// a ping and its answer are one flow in either direction.
@frozen
public struct FlowKey: Hashable, Sendable {
    /// The address the packet comes from.
    public var source: IPAddress
    /// The address the packet goes to.
    public var destination: IPAddress
    /// Source port, host order.
    public var sourcePort: UInt16
    /// Destination port, host order.
    public var destinationPort: UInt16
    /// Protocol number, see ``TransportProtocol``.
    public var transport: UInt8

    /// Makes a key from its parts; both addresses are of one family.
    @inlinable @_noAllocation @_noLocks
    public init(
        source: IPAddress, destination: IPAddress, sourcePort: UInt16, destinationPort: UInt16, transport: UInt8
    ) {
        self.source = source
        self.destination = destination
        self.sourcePort = sourcePort
        self.destinationPort = destinationPort
        self.transport = transport
    }

    /// The key of the flow's other direction.
    @inlinable
    public var reversed: FlowKey {
        @_noAllocation @_noLocks get {
            FlowKey(
                source: destination, destination: source, sourcePort: destinationPort, destinationPort: sourcePort,
                transport: transport)
        }
    }
}

extension FlowKey: CustomStringConvertible {
    /// `udp 10.0.0.1:5000 → 10.0.0.2:53`
    public var description: String {
        let from = Endpoint(address: source, port: sourcePort)
        let to = Endpoint(address: destination, port: destinationPort)
        return "\(TransportProtocol.name(of: transport)) \(from) → \(to)"
    }
}
