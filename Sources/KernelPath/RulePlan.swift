import Wire

/// What the firewall has to know: which packets go to the queues, and where marked packets are sent.
///
/// A plan names no ports, because fragments behind the first have none: a rule that looked at ports would let them pass
/// the balancer by.
public struct RulePlan: Equatable, Sendable {
    /// The traffic of one service, as far as a rule may tell it without ports.
    public struct Traffic: Equatable, Sendable {
        /// The service's name, for comments.
        public var service: String
        /// Protocol numbers; empty means every protocol.
        public var protocols: [UInt8]
        /// Virtual addresses; empty means every address.
        public var destinations: [IPPrefix]
        /// The backends that may take its packets while no daemon marks them, best first; of each family the first counts.
        public var fallback: [IPAddress]

        /// All fields.
        public init(
            service: String, protocols: [UInt8], destinations: [IPPrefix], fallback: [IPAddress] = []
        ) {
            self.service = service
            self.protocols = protocols
            self.destinations = destinations
            self.fallback = fallback
        }
    }

    /// Where packets with a mark are sent.
    public struct Route: Equatable, Sendable {
        /// The backend as `pool/name`, for comments.
        public var backend: String
        /// The firewall mark, host byte order.
        public var mark: UInt32
        /// The backend's addresses, one a family at most; none when only the mark is configured.
        public var addresses: [IPAddress]
        /// It is another load balancer, on which fragments are brought together.
        public var isLoadBalancer: Bool

        /// All fields.
        public init(backend: String, mark: UInt32, addresses: [IPAddress], isLoadBalancer: Bool = false) {
            self.backend = backend
            self.mark = mark
            self.addresses = addresses
            self.isLoadBalancer = isLoadBalancer
        }
    }

    /// The services' traffic.
    public var traffic: [Traffic]
    /// Payloads that go to the queue of whole packets instead.
    public var fullCopy: [FullCopy]
    /// One for each mark.
    public var routes: [Route]
    /// The queues' numbers, one after the other.
    public var queues: ClosedRange<UInt16>
    /// Packets pass the rule unmarked while nobody serves the queue (`--queue-bypass`).
    public var bypass: Bool

    /// All fields.
    public init(
        traffic: [Traffic], fullCopy: [FullCopy] = [], routes: [Route], queues: ClosedRange<UInt16>, bypass: Bool = true
    ) {
        self.traffic = traffic
        self.fullCopy = fullCopy
        self.routes = routes
        self.queues = queues
        self.bypass = bypass
    }
}

/// One line of a rule set: packets of a family to an address, of some protocols.
struct RuleSelector: Equatable {
    /// Nil: every address.
    var destination: IPPrefix?
    /// Ascending; nil: every protocol.
    var protocols: [UInt8]?

    /// The lines a family needs, services of one address joined, in the order of the services.
    ///
    /// Where protocols are named, ICMP is one of them: errors have to follow the flow they speak of (RFC 792, RFC 4443
    /// §2.4), and a ping to the virtual address belongs to its service.
    static func all(_ plan: RulePlan, family: IPFamily) -> [RuleSelector] {
        var result: [RuleSelector] = []
        for traffic in plan.traffic {
            let destinations: [IPPrefix?] =
                traffic.destinations.isEmpty ? [nil] : traffic.destinations.filter { $0.address.family == family }
            for destination in destinations {
                let wanted = traffic.protocols.isEmpty ? nil : Set(traffic.protocols)
                if let index = result.firstIndex(where: { $0.destination == destination }) {
                    if let known = result[index].protocols, let wanted {
                        result[index].protocols = wanted.union(known).sorted()
                    } else {
                        result[index].protocols = nil
                    }
                } else {
                    result.append(RuleSelector(destination: destination, protocols: wanted?.sorted()))
                }
            }
        }
        let errors = family == .ipv4 ? TransportProtocol.icmp : TransportProtocol.icmpv6
        return result.map { selector in
            guard let protocols = selector.protocols else { return selector }
            return RuleSelector(destination: selector.destination, protocols: Set(protocols + [errors]).sorted())
        }
    }
}
