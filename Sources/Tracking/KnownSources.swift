import Synchronization

/// Which sources have lately sent a packet whose fragments all came: when room runs short, they are given more patience.
///
/// A flood from random addresses cannot be told by how much each source holds, because each holds one; but none of its
/// packets ever becomes whole. Who goes to the trouble of completing a packet under each of the 4,096 slots makes all
/// alike known, and then the oldest packets go first: no worse than without this filter.
struct KnownSources: ~Copyable {
    /// How long a source stays known after a whole packet, in nanoseconds.
    static var memory: Int64 { 60_000_000_000 }
    /// How often the time is noted at most: workers share the line, so it is mostly read.
    private static var grain: Int64 { 1_000_000_000 }

    /// When the last packet of a slot became whole.
    private let times: Slab<Atomic<Int64>>

    static func reserve(in plan: inout RegionPlan) -> RegionPlan.Place<Atomic<Int64>> {
        plan.reserve(Atomic<Int64>.self, count: SourceLedger.slots)
    }

    init(_ place: RegionPlan.Place<Atomic<Int64>>, in region: borrowing MappedRegion) {
        times = region.slab(place)
        for slot in 0..<times.count { times.initialize(slot, to: Atomic(.min)) }
    }

    /// Notes that a packet of `slot` has become whole.
    @inline(__always)
    func note(_ slot: UInt16, _ now: Int64) {
        let last = times[UInt32(slot)].load(ordering: .relaxed)
        if last == .min || now &- last > Self.grain { times[UInt32(slot)].store(now, ordering: .relaxed) }
    }

    /// Whether a packet of `slot` has become whole within the last minute.
    func contains(_ slot: UInt16, _ now: Int64) -> Bool {
        let last = times[UInt32(slot)].load(ordering: .relaxed)
        return last != .min && now &- last <= Self.memory
    }
}
