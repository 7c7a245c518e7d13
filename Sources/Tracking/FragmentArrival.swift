import Wire

/// One fragment, as the tracker must know it.
@frozen
public struct FragmentArrival: Sendable {
    /// Where it belongs in its packet.
    public var fragment: FragmentInfo
    /// Protocol number of what the packet carries (TCP's flags must not be overwritten by a second fragment).
    public var transport: UInt8
    /// For the first fragment: what was decided for the packet (a mark, a backend: the tracker does not look into it).
    public var decision: UInt64
    /// For the first fragment: whether its whole header chain is there, transport header included (RFC 7112).
    public var headersComplete: Bool
    /// What the caller will know the fragment by if it must be parked; nil if that is known only after parking
    /// (``FragmentTracker/confirm(_:token:)``).
    public var token: UInt64?

    /// Describes one fragment; see the properties.
    @inlinable
    public init(
        _ fragment: FragmentInfo, transport: UInt8, decision: UInt64 = 0, headersComplete: Bool = true,
        token: UInt64? = nil
    ) {
        self.fragment = fragment
        self.transport = transport
        self.decision = decision
        self.headersComplete = headersComplete
        self.token = token
    }
}

/// What to do with a fragment.
@frozen
public enum FragmentOutcome: Equatable, Sendable {
    /// Send it where the packet's first fragment was decided to go. If `released`, parked fragments of the packet follow:
    /// ``FragmentTracker/takeReleased(into:now:worker:)``.
    case useDecision(UInt64, released: Bool)
    /// The first fragment has not come: park it under this name.
    case park(ParkedFragment)
    /// An exact copy of one that has come: drop it; the packet is not harmed.
    case duplicate
    /// The packet is not to be: drop it. Its parked fragments, if any, wait in
    /// ``FragmentTracker/takeDropped(into:now:worker:)``.
    case drop(FragmentFault)
    /// There is no room to follow the packet. A first fragment may still go by its own decision; others are lost.
    case noRoom
}

/// The name of a parked fragment: 32 bits, so that it can travel with the packet as its firewall mark. Never 0.
@frozen
public struct ParkedFragment: RawRepresentable, Hashable, Sendable {
    /// Record number in the low 20 bits, how often the record has been used in the 12 above, modulo 4,095, plus 1.
    public var rawValue: UInt32

    /// A name that came back from the kernel.
    @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// Most records a tracker can have.
    static var recordLimit: Int { 1 << 20 }

    init(record: UInt32, use: UInt32) { rawValue = (use % 4095 + 1) << 20 | record }

    var record: UInt32 { rawValue & 0xF_FFFF }
}

/// A parked fragment that may go now.
@frozen
public struct ReleasedFragment: Equatable, Sendable {
    /// What the caller knows it by.
    public var token: UInt64
    /// Where it goes: its packet's decision.
    public var decision: UInt64
    /// Where it belongs in its packet, in bytes: fragments of one packet come in this order.
    public var offset: Int

    /// An empty place in a buffer.
    @inlinable public init() {
        token = 0
        decision = 0
        offset = 0
    }

    init(token: UInt64, decision: UInt64, offset: Int) {
        self.token = token
        self.decision = decision
        self.offset = offset
    }
}

/// A parked fragment that must be dropped.
@frozen
public struct DroppedFragment: Equatable, Sendable {
    /// What the caller knows it by.
    public var token: UInt64
    /// Why.
    public var fault: FragmentFault

    /// An empty place in a buffer.
    @inlinable public init() {
        token = 0
        fault = .expired
    }

    init(token: UInt64, fault: FragmentFault) {
        self.token = token
        self.fault = fault
    }
}
