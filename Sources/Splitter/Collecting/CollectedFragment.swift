import Tracking

/// What became of a fragment that was given to a ``PayloadCollector``, and of the originals that wait with it.
///
/// An original is the packet that stays parked in the kernel while its bytes are here; the collector knows it by the name
/// that its caller gave. Every name comes back exactly once: here (with ``duplicate`` and ``refused`` it is the
/// one that was given), or in ``PayloadCollector/takeGivenUp()``.
public enum CollectedFragment: Equatable, Sendable {
    /// Its bytes are kept; more have to come.
    case kept
    /// It was the last that was missing.
    case whole(CollectedPayload)
    /// An exact copy of one that has come: drop this original alone; the packet is not harmed.
    case duplicate
    /// The packet is not to be: drop all these, in offset order, this one among them. Those that still come fare alike.
    case poisoned(FragmentFault, originals: [UInt32])
    /// There is no room for the packet, or there was none: this fragment is not kept and goes the ordinary way, as those
    /// that still come. What had come before is in ``PayloadCollector/takeGivenUp()``.
    case refused
}

/// A packet's payload, put together from its fragments.
public struct CollectedPayload: Equatable, Sendable {
    /// Everything behind the IPv4 header or the IPv6 fragment header: for UDP its header and data.
    public var bytes: [UInt8]
    /// The names of the fragments, in offset order.
    public var originals: [UInt32]
    /// Bytes of all fragments as they came, IP headers included.
    public var wireLength: Int
    /// When the first of them to come was given, in monotonic nanoseconds.
    public var began: Int64
}

/// An unfinished packet that was given up while another fragment was looked at, or because of its age.
public struct GivenUpPacket: Equatable, Sendable {
    /// Why.
    public enum Reason: Equatable, Sendable {
        /// No fragment came within the ttl: it can never be whole; drop the originals.
        case expired
        /// Its source had most when room ran short: it goes the ordinary way.
        case evicted
        /// There was no room for one more of its fragments: it goes the ordinary way.
        case refused
        /// The caller takes all back (``PayloadCollector/giveUpAll()``): it goes the ordinary way.
        case ended
    }

    /// Which packet.
    public var key: FragmentKey
    /// Why it was given up.
    public var reason: Reason
    /// The names of the fragments that had come, in offset order.
    public var originals: [UInt32]
    /// Whether the one with the ports is among them.
    public var hasFirst: Bool
    /// The same fragments as they came, in offset order; none of a packet that has expired, which goes nowhere.
    var fragments: [WithdrawnFragment] = []
}
