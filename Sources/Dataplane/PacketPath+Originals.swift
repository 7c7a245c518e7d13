import Tracking
import Wire

extension PacketPath {
    /// What is kept of a decision while the packet waits: snapshots may change meanwhile.
    public func keep(_ decision: Decision) -> UInt64 { view.keep(decision).rawValue }

    /// The decision for a packet that was to be split and is not: it goes where it would have gone.
    ///
    /// - Parameters:
    ///   - kept: What ``keep(_:)`` gave.
    ///   - isFragment: Whether the packet is one of several that the payload came in.
    public func forward(_ kept: UInt64, isFragment: Bool) -> Decision {
        var decision = view.decision(KeptDecision(rawValue: kept))
        if decision.outcome == .forwardedFragment && !isFragment { decision.outcome = .forwarded }
        return decision
    }

    /// The decision for a packet whose payload was split; it is dropped.
    ///
    /// - Parameter answered: Whether the client has an answer.
    public func end(_ kept: UInt64, answered: Bool) -> Decision {
        var decision = Decision(answered ? .splitAnswered : .splitDropped, .drop)
        decision.service = view.decision(KeptDecision(rawValue: kept)).service
        return decision
    }

    /// Counts a packet that was parked as an original.
    public func countParked() { counters.add(.packetsParked) }

    /// Counts the outcome of a packet that was parked as an original.
    public func countUnparked(_ decision: Decision, wireLength: Int) {
        count(decision, wireLength)
        counters.add(.packetsUnparked)
    }

    /// The decision for a parked packet that was never seen again.
    public var lostDecision: Decision { Decision(.fragmentLost, .drop) }

    /// The name of the service that a decision names.
    public func serviceName(_ decision: Decision) -> String? { current.serviceName(decision.service) }

    /// The snapshot that packets are decided by until the next `refresh`.
    public var currentSnapshot: Snapshot { current }
}

extension PacketPath {
    /// The decision for a fragment that another load balancer is to handle; nil if it is this one's.
    public func peerDecision(_ packet: Packet, _ bytes: RawSpan, sender: UInt64) -> Decision? {
        view.peer(for: packet.outerAddresses(in: bytes), sender)
    }

    /// Whether fragments of this packet went the ordinary way, here or past another worker: the others have to follow.
    public func follows(_ key: FragmentKey) -> Bool { fragments.tracker.knows(key, now: now) }

    /// The decision for a fragment that was parked as an original, and goes the ordinary way after all. If that is to park
    /// it, it goes on waiting, and its outcome is counted with those of all parked fragments.
    public func decideOriginal(_ bytes: RawSpan, wireLength: Int) -> Decision {
        guard let packet = try? Packet.parseCarefully(bytes, wireLength: wireLength), let fragment = packet.fragment
        else { return refused(.incompleteHeaders) }
        return track(packet, fragment, bytes)
    }

    /// The decision for an original whose packet must not be, or, without a fault, for which there was no room.
    public func refused(_ fault: FragmentFault?) -> Decision {
        var decision = Decision(fault == nil ? .fragmentNoRoom : .fragmentRejected, .drop)
        decision.fault = fault
        return decision
    }

    /// The decision for an original whose packet's first fragment has not come when the queue is given back: it goes on
    /// without a mark, as all that comes from then on.
    public var unplacedDecision: Decision { Decision(.forwardedFragment, .accept) }

    /// The decision for an exact copy of a fragment that has come.
    public var duplicateDecision: Decision { Decision(.fragmentDuplicate, .drop) }
}
