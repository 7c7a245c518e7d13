import Wire

/// Which packets belong to a service. Each list says what is allowed; an empty list allows everything.
public struct ServiceMatch: Hashable, Sendable {
    /// Protocol numbers, see `TransportProtocol`.
    public var protocols: [UInt8]
    /// Blocks the destination address lies in.
    public var destinations: [IPPrefix]
    /// Blocks the source address lies in.
    public var sources: [IPPrefix]
    /// Ranges the destination port lies in, host order.
    public var destinationPorts: [ClosedRange<UInt16>]
    /// Ranges the source port lies in, host order.
    public var sourcePorts: [ClosedRange<UInt16>]

    /// A match of everything, narrowed by the lists that are given.
    public init(
        protocols: [UInt8] = [], destinations: [IPPrefix] = [], sources: [IPPrefix] = [],
        destinationPorts: [ClosedRange<UInt16>] = [], sourcePorts: [ClosedRange<UInt16>] = []
    ) {
        self.protocols = protocols
        self.destinations = destinations
        self.sources = sources
        self.destinationPorts = destinationPorts
        self.sourcePorts = sourcePorts
    }

    /// Whether a packet belongs to the service: the definition that the compiled ``Classifier`` must agree with.
    ///
    /// - Parameters:
    ///   - key: the packet's flow.
    ///   - portsKnown: false for fragments behind the first; their ports are not asked for.
    ///   - isEcho: whether the packet is an ICMP echo message; a ping is answered by any service of the address, so only
    ///     addresses are looked at.
    public func contains(_ key: FlowKey, portsKnown: Bool = true, isEcho: Bool = false) -> Bool {
        guard destinations.isEmpty || destinations.contains(where: { $0.contains(key.destination) }),
            sources.isEmpty || sources.contains(where: { $0.contains(key.source) })
        else { return false }
        if isEcho { return true }
        guard protocols.isEmpty || protocols.contains(key.transport) else { return false }
        if !portsKnown { return true }
        return (destinationPorts.isEmpty || destinationPorts.contains { $0.contains(key.destinationPort) })
            && (sourcePorts.isEmpty || sourcePorts.contains { $0.contains(key.sourcePort) })
    }
}
