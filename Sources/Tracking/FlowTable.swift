import Synchronization
import Wire

/// Remembers to which backend each flow goes, so that established flows stay there while tables change and backends
/// drain.
///
/// A flow is forgotten when it has been idle for its protocol's time, or shortly after its TCP connection has ended.
/// The number of flows on each backend is known, so a drain can end when the last is idle: `flows(on:)` after `expire` has
/// gone once round.
///
/// Any number of threads may use one table, each under its own worker number. Time is an argument, in nanoseconds of
/// one monotonic clock.
@safe
public struct FlowTable: ~Copyable, @unchecked Sendable {
    /// The limits it was made with.
    public let limits: FlowLimits
    let table: BucketTable<PinnedKey, NoState>
    /// Flows per backend, each worker's own part; only the sum means something.
    private let counts: Slab<Atomic<UInt32>>
    private let rejections: Slab<Rejections>
    private let region: MappedRegion

    /// A worker's own counter, on a line of its own.
    struct Rejections: ~Copyable {
        let count = Counter()
        private let padding = InlineArray<15, UInt64>(repeating: 0)
    }

    struct Places {
        let table: BucketTable<PinnedKey, NoState>.Places
        let counts: RegionPlan.Place<Atomic<UInt32>>
        let rejections: RegionPlan.Place<Rejections>
    }

    static func reserve(_ limits: FlowLimits, in plan: inout RegionPlan) -> Places {
        Places(
            table: BucketTable.reserve(
                size: limits.size, extra: limits.buckets, holders: nil, workers: limits.workers, in: &plan),
            counts: plan.reserve(Atomic<UInt32>.self, count: limits.backends * limits.workers),
            rejections: plan.reserve(Rejections.self, count: limits.workers))
    }

    /// Takes all memory the table will ever use.
    ///
    /// - Throws: ``TrackingError`` if a limit is out of range or the memory is not to be had.
    public init(_ limits: FlowLimits, hashing: KeyedHash = KeyedHash()) throws(TrackingError) {
        try limits.validate()
        var plan = RegionPlan()
        let places = Self.reserve(limits, in: &plan)
        let region = try MappedRegion(bytes: plan.byteCount)
        self.limits = limits
        table = BucketTable(places.table, in: region, hashing: hashing, key: PinnedKey(), state: NoState())
        counts = region.slab(places.counts)
        for index in 0..<counts.count { counts.initialize(index, to: Atomic(0)) }
        rejections = region.slab(places.rejections)
        for worker in 0..<rejections.count { rejections.initialize(worker, to: Rejections()) }
        self.region = region
    }

    /// Bytes of the table's memory that the kernel holds: all of them from the start.
    var residentBytes: Int { region.residentBytes(of: limits.memory) }

    /// The keyed hash of a flow, for the other calls.
    public func hash(_ key: FlowKey) -> UInt64 { PinnedKey(key).digest(table.hashing) }

    /// Starts to load what the other calls will need for this hash.
    public func prefetch(_ hash: UInt64) { table.prefetch(table.home(hash)) }

    /// Where the packet's flow is pinned, if it is; renews its time. Nil also for a packet that opens a new connection
    /// over one that has ended.
    ///
    /// - Parameters:
    ///   - key: The flow, client to service, also for a reply.
    ///   - hash: The key's ``hash(_:)``.
    ///   - tcpFlags: The flags byte of the TCP header; 0 for other protocols.
    ///   - isReply: Whether the packet comes from the backend.
    public func follow(
        _ key: FlowKey, hash: UInt64, tcpFlags: UInt8, isReply: Bool = false, now: Int64
    ) -> FlowBinding? {
        let home = table.home(hash)
        table.lock(home)
        defer { table.unlock(home) }
        guard let bucket = table.find(PinnedKey(key), home: home, now: now) else { return nil }
        return renew(bucket, tcpFlags, isReply, now)
    }

    /// Where the packet's flow is pinned; if it is not, pins it to `choice`.
    public func bind(
        _ key: FlowKey, hash: UInt64, tcpFlags: UInt8, choice: FlowBinding, now: Int64, worker: Int
    ) -> FlowOutcome {
        let worker = UInt32(truncatingIfNeeded: worker)
        let home = table.home(hash)
        var attempts = 0
        while true {
            table.lock(home)
            var state = PinnedState(choice, transport: key.transport)
            state.learn(tcpFlags, isReply: false)
            let deadline = now &+ state.patience(limits.idle)
            let placement = table.place(
                PinnedKey(key), state.note, home: home, now: now, deadline: deadline, worker: worker, owner: self)
            switch placement {
            case .found(let bucket):
                defer { table.unlock(home) }
                if let binding = renew(bucket, tcpFlags, false, now) { return .pinned(binding) }
                let place = table.buckets.cell(bucket)
                count(PinnedState(place.its.note).backend, -1, worker)
                count(choice.backend, 1, worker)
                place.its.note = state.note
                place.its.deadline = deadline
                return .began
            case .inserted:
                count(choice.backend, 1, worker)
                table.unlock(home)
                return .began
            case .full:
                table.unlock(home)
                attempts += 1
                let freed = table.sweep(now: now, shortest: limits.idle.shortest, worker: worker, owner: self)
                if attempts > 4 || !freed {
                    rejections[worker].count.add()
                    return .noRoom
                }
            }
        }
    }

    /// Pins a flow that is known to another backend, for example because its own has died. False if it is not known.
    public func rebind(_ key: FlowKey, hash: UInt64, to choice: FlowBinding, now: Int64, worker: Int) -> Bool {
        let worker = UInt32(truncatingIfNeeded: worker)
        let home = table.home(hash)
        table.lock(home)
        defer { table.unlock(home) }
        guard let bucket = table.find(PinnedKey(key), home: home, now: now) else { return false }
        var state = PinnedState(table.buckets[bucket].note)
        count(state.backend, -1, worker)
        count(choice.backend, 1, worker)
        state.backend = choice.backend
        state.mark = choice.mark
        table.buckets.cell(bucket).its.note = state.note
        return true
    }

    /// Where a flow is pinned, without renewing its time: for those who only ask.
    public func binding(of key: FlowKey, now: Int64) -> FlowBinding? {
        let home = table.home(hash(key))
        table.lock(home)
        defer { table.unlock(home) }
        guard let bucket = table.find(PinnedKey(key), home: home, now: now) else { return nil }
        return PinnedState(table.buckets[bucket].note).binding
    }

    /// Flows pinned to a backend, those among them that are idle and not yet reclaimed: never too few.
    public func flows(on backend: UInt16) -> Int {
        guard Int(backend) < limits.backends else { return 0 }
        var sum: UInt32 = 0
        for worker in 0..<limits.workers {
            sum &+= counts[UInt32(worker * limits.backends) + UInt32(backend)].load(ordering: .relaxed)
        }
        return Int(Int32(bitPattern: sum))
    }

    /// Reclaims idle flows in the next `count` main buckets; true when a turn of the table is complete. For whoever waits
    /// for a backend to be free of flows.
    public func expire(_ count: Int, now: Int64, worker: Int) -> Bool {
        table.expire(UInt32(count), now: now, worker: UInt32(truncatingIfNeeded: worker), owner: self)
    }

    /// Renews a flow's time after a packet; nil if the packet opens another flow. Chain locked.
    private func renew(_ bucket: UInt32, _ tcpFlags: UInt8, _ isReply: Bool, _ now: Int64) -> FlowBinding? {
        let place = table.buckets.cell(bucket)
        var state = PinnedState(place.its.note)
        if !isReply, state.isSucceeded(by: tcpFlags) { return nil }
        state.learn(tcpFlags, isReply: isReply)
        place.its.note = state.note
        place.its.deadline = now &+ state.patience(limits.idle)
        return state.binding
    }

    private func count(_ backend: UInt16, _ amount: Int32, _ worker: UInt32) {
        // A backend out of range would be the caller's mistake; the slab traps.
        let counter = counts.cell(worker &* UInt32(limits.backends) &+ UInt32(backend))
        counter.its.store(counter.its.load(ordering: .relaxed) &+ UInt32(bitPattern: amount), ordering: .relaxed)
    }
}

extension FlowTable: EntryOwner {
    /// A flow is forgotten: its backend has one less.
    func retire(_ note: Note, of key: PinnedKey, worker: UInt32) {
        count(PinnedState(note).backend, -1, worker)
    }
}

/// The state of a table of pinned flows.
public struct FlowStatistics: Equatable, Sendable {
    /// Main buckets.
    public var size = 0
    /// Extra buckets.
    public var bucketsMax = 0
    /// Most extra buckets in use at once.
    public var bucketsPeak = 0
    /// Flows that are not idle.
    public var active = 0
    /// Idle flows not yet reclaimed.
    public var bucketsStale = 0
    /// Buckets that are neither free nor in a chain: 0 when no call is under way.
    public var unaccounted = 0
    /// Flows pinned so far.
    public var inserts: UInt64 = 0
    /// Flows that found their main bucket taken.
    public var collisions: UInt64 = 0
    /// Flows forgotten.
    public var objGC: UInt64 = 0
    /// Packets of flows there was no room for.
    public var rejected: UInt64 = 0

    /// Empty.
    public init() {}
}

extension FlowTable {
    /// Adds up the statistics. Looks at every bucket, locking one at a time.
    public func statistics(now: Int64) -> FlowStatistics {
        var sum = FlowStatistics()
        sum.size = limits.size
        sum.bucketsMax = limits.buckets
        sum.bucketsPeak = min(limits.buckets, table.extraPool.peak)
        let census = table.census(now: now)
        sum.active = census.active
        sum.bucketsStale = census.stale
        sum.unaccounted = census.unaccounted
        for worker in 0..<UInt32(limits.workers) {
            sum.inserts += table.workers[worker].inserted.total
            sum.collisions += table.workers[worker].collisions.total
            sum.objGC += table.workers[worker].collected.total
            sum.rejected += rejections[worker].count.total
        }
        return sum
    }
}
