import Tracking

/// What a ``PayloadCollector`` has done, and what it holds.
///
/// `fragments` = `fragmentsOfWhole` + `duplicates` + `fragmentsPoisoned` + `fragmentsRefused` + `fragmentsGivenUp` +
/// `waiting` after every call.
public struct CollectorStatistics: Equatable, Sendable {
    /// Fragments given.
    public internal(set) var fragments: UInt64 = 0
    /// Packets that became whole, and their fragments.
    public internal(set) var whole: UInt64 = 0, fragmentsOfWhole: UInt64 = 0
    /// Exact copies of fragments.
    public internal(set) var duplicates: UInt64 = 0
    /// Packets that were poisoned, by reason in the order of `FragmentFault.allCases`.
    public internal(set) var faults = [UInt64](repeating: 0, count: FragmentFault.allCases.count)
    /// Fragments of poisoned packets.
    public internal(set) var fragmentsPoisoned: UInt64 = 0
    /// Packets there was no room for while they grew, and fragments that were refused.
    public internal(set) var refused: UInt64 = 0, fragmentsRefused: UInt64 = 0
    /// Packets that no fragment came for within the ttl.
    public internal(set) var expired: UInt64 = 0
    /// Packets given up by the source that had most.
    public internal(set) var evicted: UInt64 = 0
    /// Packets taken back because others of their fragments went another way.
    public internal(set) var withdrawn: UInt64 = 0
    /// Fragments of packets that expired, were evicted or taken back.
    public internal(set) var fragmentsGivenUp: UInt64 = 0
    /// Fragments that are kept now.
    public internal(set) var waiting = 0
    /// Packets that are known now.
    public internal(set) var packets = 0
    /// Bytes of memory in use now, and the most there ever were.
    public internal(set) var bytes = 0, peakBytes = 0

    /// Packets that were poisoned, for whatever reason.
    public var poisoned: UInt64 { faults.reduce(0, +) }
}
