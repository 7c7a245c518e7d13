import Synchronization
import Wire

/// Follows the fragments of packets: keeps the decision of the first for the later ones, parks those that come before it,
/// and sees when the packet is whole or must not be.
///
/// * Holes are counted as in RFC 815; an entry is freed when its last fragment has passed, otherwise at its ttl.
/// * A packet with overlapping, contradictory, oversized or tiny fragments is poisoned: all its fragments are dropped
///   until the ttl is over (RFC 1858, 3128, 5722, 7112, 8200 §4.5). An exact copy is not an overlap.
/// * When extra buckets or records run short, the source with clearly the most unfinished packets gives up its oldest;
///   if there is none, the oldest packet goes, those of sources that complete their packets at eight times the age.
///
/// Any number of threads may use one tracker, each under its own worker number. A call is bounded: it never waits for
/// more than a bucket lock, and allocates nothing. Time is an argument, in nanoseconds of one monotonic clock.
@safe
public struct FragmentTracker: ~Copyable, @unchecked Sendable {
    /// The limits it was made with.
    public let limits: FragmentLimits
    @usableFromInline let hashing: KeyedHash
    let table: BucketTable<FragmentKey, FragmentState>
    let ledger: SourceLedger
    let parkedLedger: SourceLedger
    let knownSources: KnownSources
    let records: Slab<StoredFragment>
    let recordPool: IndexPool
    let workers: Slab<FragmentWorker>
    /// Below this many free records, room is made for each fragment that is to be parked.
    let recordReserve: Int
    /// Whether a prefetch pays: several workers take lines from each other, and a large table is not in the cache.
    public let prefetches: Bool
    private let region: MappedRegion

    /// The second-level cache of a processor, of which a table may use half and still be near.
    private static var cache: Int { 2 << 20 }

    /// How often room is made for one packet before it is rejected.
    private static var attempts: Int { 4 }

    /// Most fragments of one packet that may be parked: 65,535 bytes in fragments of 256 are 255 and the first.
    static var parkedLimit: UInt8 { 255 }

    struct Places {
        let table: BucketTable<FragmentKey, FragmentState>.Places
        let ledger: SourceLedger.Places
        let parkedLedger: SourceLedger.Places
        let knownSources: RegionPlan.Place<Atomic<Int64>>
        let records: RegionPlan.Place<StoredFragment>
        let recordPool: IndexPool.Places
        let workers: RegionPlan.Place<FragmentWorker>
    }

    static func reserve(_ limits: FragmentLimits, in plan: inout RegionPlan) -> Places {
        let parked = limits.parked == 0 ? 0 : limits.parked + IndexPool.inHands(limits.workers)
        return Places(
            table: BucketTable.reserve(
                size: limits.size, extra: limits.buckets, holders: limits.holders, workers: limits.workers, in: &plan),
            ledger: SourceLedger.reserve(
                capacity: limits.size + limits.buckets, room: limits.size + limits.buckets, workers: limits.workers,
                in: &plan),
            parkedLedger: SourceLedger.reserve(
                capacity: 2 * limits.parked, room: limits.parked, workers: limits.workers, in: &plan),
            knownSources: KnownSources.reserve(in: &plan),
            records: plan.reserve(StoredFragment.self, count: parked),
            recordPool: IndexPool.reserve(parked, workers: limits.workers, in: &plan),
            workers: plan.reserve(FragmentWorker.self, count: limits.workers))
    }

    /// Takes all memory the tracker will ever use.
    ///
    /// - Parameter hashing: The secret of the keyed hash: a fresh one for a daemon.
    /// - Throws: ``TrackingError`` if a limit is out of range or the memory is not to be had.
    public init(_ limits: FragmentLimits, hashing: KeyedHash = KeyedHash()) throws(TrackingError) {
        try limits.validate()
        var plan = RegionPlan()
        let places = Self.reserve(limits, in: &plan)
        let region = try MappedRegion(bytes: plan.byteCount)
        self.limits = limits
        self.hashing = hashing
        table = BucketTable(
            places.table, in: region, hashing: hashing, key: FragmentKey(), state: FragmentState())
        ledger = SourceLedger(places.ledger, in: region)
        parkedLedger = SourceLedger(places.parkedLedger, in: region)
        knownSources = KnownSources(places.knownSources, in: region)
        records = region.slab(places.records)
        for record in 0..<records.count { records.initialize(record, to: StoredFragment()) }
        recordPool = IndexPool(places.recordPool, in: region, first: 0, free: 0..<UInt32(records.count))
        workers = region.slab(places.workers)
        for worker in 0..<limits.workers { workers.initialize(worker, to: FragmentWorker()) }
        recordReserve = limits.parked / 8
        prefetches = limits.workers > 1 || plan.byteCount > Self.cache
        self.region = region
    }

    /// Bytes of the tracker's memory that the kernel holds: all of them from the start.
    var residentBytes: Int { region.residentBytes(of: limits.memory) }

    /// The keyed hash of a key, for ``prefetch(_:)`` and ``track(_:key:hash:now:worker:)``.
    @inlinable @inline(__always)
    public func hash(_ key: FragmentKey) -> UInt64 { key.digest(hashing) }

    /// Starts to load what ``track(_:key:hash:now:worker:)`` will need first for these hashes. Whoever asks for all keys of
    /// a batch, then for their chains, then for the tails of those, and then tracks, does not wait for memory one packet
    /// at a time; still better, other packets are tracked between these steps. Does nothing where it would not pay: one
    /// worker, and a table that its processor's own cache can hold.
    public func prefetch(_ hashes: Span<UInt64>) {
        if !prefetches { return }
        for index in hashes.indices { table.prefetch(table.home(hashes[index])) }
    }

    /// Starts to load what comes second. Waits for what ``prefetch(_:)`` has asked for.
    public func prefetchChains(_ hashes: Span<UInt64>) {
        if !prefetches { return }
        for index in hashes.indices { table.prefetchChain(table.home(hashes[index])) }
    }

    /// Starts to load what comes third. Waits for what ``prefetchChains(_:)`` has asked for.
    public func prefetchTails(_ hashes: Span<UInt64>) {
        if !prefetches { return }
        for index in hashes.indices { table.prefetchTail(table.home(hashes[index])) }
    }

    /// Says what to do with one fragment.
    ///
    /// - Parameters:
    ///   - arrival: The fragment.
    ///   - key: Its packet.
    ///   - hash: The key's ``hash(_:)``.
    ///   - now: Nanoseconds.
    ///   - worker: The caller's number, below `limits.workers`.
    public func track(
        _ arrival: FragmentArrival, key: FragmentKey, hash: UInt64, now: Int64, worker: Int
    ) -> FragmentOutcome {
        let worker = UInt32(truncatingIfNeeded: worker)
        let home = table.home(hash)
        if ledger.overwrittenTime(worker) >= now &- limits.ttl &- limits.ttl / 2 { keepOldest(now, worker) }
        if !arrival.fragment.isFirst { makeRecordRoom(now, worker) }
        table.prefetchChain(home)
        table.lock(home)
        let placement = table.place(
            key, arrival.note(ledger.next(worker)), home: home, now: now, deadline: now &+ limits.ttl, worker: worker,
            owner: self)
        switch placement {
        case .found(let bucket):
            let outcome = proceed(arrival, key, bucket, home, now, worker)
            table.unlock(home)
            return outcome
        case .inserted(let bucket):
            if arrival.isPlainFirst {
                admit(key, home, now, worker)
                // What nearly every packet begins with: the bucket's note says it all.
                table.unlock(home)
                return .useDecision(arrival.decision, released: false)
            }
            let outcome = begin(arrival, key, bucket, home, now, worker)
            table.unlock(home)
            return outcome
        case .full:
            table.unlock(home)
            return trackInFullTable(arrival, key: key, home: home, now: now, worker: worker)
        }
    }

    /// The same when no bucket was free at first.
    @inline(never)
    private func trackInFullTable(
        _ arrival: FragmentArrival, key: FragmentKey, home: UInt32, now: Int64, worker: UInt32
    ) -> FragmentOutcome {
        for _ in 0..<Self.attempts {
            if !makeRoom(now, worker) { break }
            table.lock(home)
            defer { table.unlock(home) }
            switch table.place(
                key, arrival.note(ledger.next(worker)), home: home, now: now, deadline: now &+ limits.ttl,
                worker: worker, owner: self)
            {
            case .found(let bucket):
                return proceed(arrival, key, bucket, home, now, worker)
            case .inserted(let bucket):
                if arrival.isPlainFirst {
                    admit(key, home, now, worker)
                    return .useDecision(arrival.decision, released: false)
                }
                return begin(arrival, key, bucket, home, now, worker)
            case .full: continue
            }
        }
        workers[worker].rejected.add()
        return .noRoom
    }

    /// A new packet becomes known to the quota. Chain locked.
    @discardableResult
    @inline(__always)
    private func admit(
        _ key: FragmentKey, _ home: UInt32, _ now: Int64, _ worker: UInt32
    ) -> (slot: UInt16, sequence: UInt16) {
        let slot = key.sourceSlot(table.hashing)
        let sequence = ledger.append(home, slot: slot, now: now, worker)
        ledger.count(slot, 1, worker)
        return (slot, UInt16(truncatingIfNeeded: sequence))
    }

    /// A new packet of which a note cannot say all becomes known; gives its entry. Chain locked.
    func enter(_ bucket: UInt32, _ key: FragmentKey, _ home: UInt32, _ now: Int64, _ worker: UInt32) -> UInt32 {
        let entry = table.attach(bucket, home: home, worker)
        let (slot, sequence) = admit(key, home, now, worker)
        table.entries.cell(entry).its.state.reset(source: slot, enlisted: now, sequence: sequence)
        return entry
    }

    /// The first fragment to come of a packet, when a note cannot say all. Chain locked.
    @inline(never)
    private func begin(
        _ arrival: FragmentArrival, _ key: FragmentKey, _ bucket: UInt32, _ home: UInt32, _ now: Int64, _ worker: UInt32
    ) -> FragmentOutcome {
        let entry = enter(bucket, key, home, now, worker)
        // Nobody can hold a reference to a packet that has just become known.
        return apply(arrival, key, entry, now, worker)
    }

    /// A further fragment of a packet that is known. Chain locked.
    @inline(never)
    private func proceed(
        _ arrival: FragmentArrival, _ key: FragmentKey, _ bucket: UInt32, _ home: UInt32, _ now: Int64, _ worker: UInt32
    ) -> FragmentOutcome {
        workers[worker].lookups.add()
        if table.buckets[bucket].isNoted, arrival.completes(table.buckets[bucket].note),
            Self.violation(arrival, key) == nil
        {
            // Most packets have two fragments: the second needs no entry either.
            let decision = table.buckets[bucket].note.word
            workers[worker].reassembled.add()
            knownSources.note(key.sourceSlot(table.hashing), now)
            table.remove(bucket, home: home, worker: worker, owner: self)
            return .useDecision(decision, released: false)
        }
        let entry = table.entry(of: bucket, home: home, worker: worker, owner: self)
        let locked = table.open(entry)
        // A poisoned packet's time is not renewed: its identification may be used again.
        if table.entries[entry].state.isPoisoned {
            let fault = table.entries[entry].state.fault
            table.close(entry, locked)
            return .drop(fault)
        }
        table.buckets.cell(bucket).its.deadline = now &+ limits.ttl
        let outcome = apply(arrival, key, entry, now, worker)
        let isWhole = table.entries[entry].state.isWhole
        if !isWhole, now &- table.entries[entry].state.enlisted > limits.ttl / 2 {
            // Its record may be overwritten before its time is over, and a packet kept alive by its sender be out of the
            // quota's reach.
            enlist(entry, home, now, worker)
        }
        table.close(entry, locked)
        if isWhole {
            workers[worker].reassembled.add()
            knownSources.note(table.entries[entry].state.source, now)
            table.remove(bucket, home: home, worker: worker, owner: self)
        }
        return outcome
    }

    /// Moves a packet to the young end of the ledger's ring. Chain locked.
    func enlist(_ entry: UInt32, _ home: UInt32, _ now: Int64, _ worker: UInt32) {
        let known = table.entries.cell(entry)
        let sequence = ledger.append(home, slot: known.its.state.source, now: now, worker)
        known.its.state.enlist(now, UInt16(truncatingIfNeeded: sequence))
    }
}
