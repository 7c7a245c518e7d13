import CLinuxShims
import Synchronization

/// The table of `seeds/002…`: main buckets, extra buckets from a fixed pool for collisions, entries with reference
/// counts, a lock per main bucket, none for the table.
///
/// Locking contract
/// * `lock(home)` gives the chain of one main bucket to one worker until `unlock(home)`. Two chains are never locked at
///   once. What lies between is bounded and does no input or output.
/// * What is known of a key lies in its bucket, as a note, for as long as a note can say it: then the bucket's line is all
///   that a key costs. An entry is taken from a pool when there is more to say, or somebody wants to hold it.
/// * An entry outlives its bucket as long as someone holds a reference. Under the chain's lock, `open` gives the state
///   to its caller alone; it takes the entry's own lock only if somebody holds a reference.
/// * A worker number is used by one thread at a time.
///
/// Time is an argument, in nanoseconds of any clock that does not run backwards by more than the ttl. A bucket is stale
/// when now − timeReferred > ttl; stale buckets are reclaimed when their chain is referred to (`place`), and by `sweep`
/// when the pool of extra buckets is empty. There is no periodic collection.
///
/// Sizing, with a worked example
/// * alive = rate · ttl. 10,000 packets/s · 0.2 s = 2,000 entries at any moment.
/// * Main buckets in use at any moment: size · (1 − e^(−alive/size)); the rest needs extra buckets:
///   extra = alive − size · (1 − e^(−alive/size)). With size 2,000: 2,000 − 1,264 = 736 extra buckets.
///   With size 1,103: 2,000 − 923 = 1,077, standard deviation 10.
/// * Stale buckets need no room of their own: the sweep finds each before anything is rejected.
/// * Memory: 64 bytes a bucket (38-byte key) and the entry's stride (128 bytes for fragments) for each of size + extra
///   places and for each reference, 4 bytes of link per extra bucket and per entry. 2,000 + 2,000: 800 KB. `ct-test --plan`
///   prints the sum for any size.
struct BucketTable<Key: TableKey, State: BitwiseCopyable>: ~Copyable, @unchecked Sendable {
    /// Main buckets: 0 ..< size. Any number.
    let size: UInt32
    /// Extra buckets: size ..< size + extra.
    let extra: UInt32
    let hashing: KeyedHash
    let buckets: Slab<Bucket<Key>>
    let entries: Slab<Entry<State>>
    let extraPool: IndexPool
    let entryPool: IndexPool
    let workers: Slab<TableWorker>
    /// References that may still be given out: each may keep an entry from the buckets.
    let referencesLeft: Atomic<Int>

    struct Places {
        let buckets: RegionPlan.Place<Bucket<Key>>
        let entries: RegionPlan.Place<Entry<State>>
        let extraPool: IndexPool.Places
        let entryPool: IndexPool.Places
        let workers: RegionPlan.Place<TableWorker>
        let size: Int
    }

    /// Adds the table's memory to `plan`: `extra` buckets that are never out of a worker's reach, whatever the others have
    /// in hand, and an entry for each bucket and each of `holders` references; none at all if `holders` is nil, for a
    /// table whose notes say everything.
    static func reserve(size: Int, extra: Int, holders: Int?, workers: Int, in plan: inout RegionPlan) -> Places {
        let extra = extra == 0 ? 0 : extra + IndexPool.inHands(workers)
        let entries = holders.map { size + extra + $0 + IndexPool.inHands(workers) } ?? 0
        return Places(
            buckets: plan.reserve(Bucket<Key>.self, count: size + extra),
            entries: plan.reserve(Entry<State>.self, count: entries),
            extraPool: IndexPool.reserve(extra, workers: workers, in: &plan),
            entryPool: IndexPool.reserve(entries, workers: workers, in: &plan),
            workers: plan.reserve(TableWorker.self, count: workers),
            size: size)
    }

    init(
        _ places: Places, in region: borrowing MappedRegion, hashing: KeyedHash, key: Key, state: State
    ) {
        size = UInt32(places.size)
        extra = UInt32(places.buckets.count - places.size)
        self.hashing = hashing
        buckets = region.slab(places.buckets)
        entries = region.slab(places.entries)
        workers = region.slab(places.workers)
        extraPool = IndexPool(places.extraPool, in: region, first: size, free: size..<size + extra)
        entryPool = IndexPool(places.entryPool, in: region, first: 0, free: 0..<UInt32(places.entries.count))
        referencesLeft = Atomic(
            max(0, places.entries.count - places.buckets.count - IndexPool.inHands(workers.count)))
        for index in 0..<buckets.count {
            buckets.initialize(index, to: Bucket(key: key))
        }
        for index in 0..<entries.count {
            entries.initialize(index, to: Entry(state: state))
        }
        for worker in 0..<workers.count {
            workers.initialize(worker, to: TableWorker(hand: UInt32(worker * Int(size) / workers.count)))
        }
    }

    /// The main bucket of a hash.
    @inline(__always)
    func home(_ hash: UInt64) -> UInt32 { KeyedHash.reduce(hash, size) }

    /// Starts to load a main bucket.
    @inline(__always)
    func prefetch(_ home: UInt32) {
        unsafe anabranch_prefetch_for_write(buckets.address(home))
    }

    /// Starts to load what a main bucket that has been loaded points to.
    @inline(__always)
    func prefetchChain(_ home: UInt32) {
        unsafe anabranch_prefetch_for_write(buckets.address(next(home, or: home)))
    }

    /// Starts to load the third bucket of a chain whose first two have been loaded: one chain in four has it.
    @inline(__always)
    func prefetchTail(_ home: UInt32) {
        unsafe anabranch_prefetch_for_write(buckets.address(next(next(home, or: home), or: home)))
    }

    /// The next bucket of a chain, another at its end: an address costs less than a branch that nobody can foretell.
    @inline(__always)
    private func next(_ bucket: UInt32, or other: UInt32) -> UInt32 {
        let next = buckets[bucket].next.load(ordering: .relaxed)
        return next == IndexPool.none ? other : next
    }

    @inline(__always)
    func lock(_ home: UInt32) { buckets[home].lock.lock() }

    @inline(__always)
    func unlock(_ home: UInt32) { buckets[home].lock.unlock() }

    /// Finds `key` in the locked chain, or puts it there with a note. All stale buckets of the part of the chain that is passed are
    /// reclaimed. A found bucket keeps its time; the caller renews it if it likes.
    @inline(__always)
    func place<Owner: EntryOwner<Key, State> & ~Copyable>(
        _ key: Key, _ note: Note, home: UInt32, now: Int64, deadline: Int64, worker: UInt32, owner: borrowing Owner
    ) -> Placement {
        let main = buckets.cell(home)
        let desk = workers.cell(worker)
        if main.its.isOccupied {
            if main.its.isStale(now) {
                desk.its.collected.add()
                vacate(main, worker, owner)
            } else if main.its.key == key {
                return .found(home)
            }
        }
        var spare = IndexPool.none
        var cursor = main.its.next.load(ordering: .relaxed)
        if cursor != IndexPool.none {
            var previous = main
            repeat {
                let bucket = buckets.cell(cursor)
                let following = bucket.its.next.load(ordering: .relaxed)
                if bucket.its.isStale(now) {
                    desk.its.collected.add()
                    vacate(bucket, worker, owner)
                    previous.its.next.store(following, ordering: .relaxed)
                    if spare != IndexPool.none { extraPool.put(spare, worker) }
                    spare = cursor
                } else if bucket.its.key == key {
                    if spare != IndexPool.none { extraPool.put(spare, worker) }
                    return .found(cursor)
                } else {
                    previous = bucket
                }
                cursor = following
            } while cursor != IndexPool.none
        }
        var target = home
        var bucket = main
        if !main.its.isOccupied {
            if spare != IndexPool.none { extraPool.put(spare, worker) }
        } else {
            target = spare != IndexPool.none ? spare : extraPool.take(worker)
            if target == IndexPool.none { return .full }
            bucket = buckets.cell(target)
            bucket.its.next.store(main.its.next.load(ordering: .relaxed), ordering: .relaxed)
            main.its.next.store(target, ordering: .relaxed)
            desk.its.collisions.add()
        }
        bucket.its.begin(key, note, deadline: deadline)
        desk.its.inserted.add()
        return .inserted(target)
    }

    /// The first occupied bucket of a locked chain, or `IndexPool.none`.
    @inline(__always)
    func first(_ home: UInt32) -> UInt32 {
        buckets[home].isOccupied ? home : buckets[home].next.load(ordering: .relaxed)
    }

    /// Finds `key` in the locked chain without changing anything; nil also if its bucket is stale.
    @inline(__always)
    func find(_ key: Key, home: UInt32, now: Int64) -> UInt32? {
        var cursor = first(home)
        while cursor != IndexPool.none {
            if buckets[cursor].key == key { return buckets[cursor].isStale(now) ? nil : cursor }
            cursor = buckets[cursor].next.load(ordering: .relaxed)
        }
        return nil
    }

    /// The bucket of `entry` in the locked chain.
    @inline(__always)
    func bucket(of entry: UInt32, home: UInt32) -> UInt32? {
        var cursor = first(home)
        while cursor != IndexPool.none {
            if buckets[cursor].isEntered, buckets[cursor].entry == entry { return cursor }
            cursor = buckets[cursor].next.load(ordering: .relaxed)
        }
        return nil
    }
}

/// A worker's own part of a table.
struct TableWorker: ~Copyable {
    /// Keys put into the table.
    let inserted = Counter()
    /// Keys that found their main bucket taken by another.
    let collisions = Counter()
    /// Entries reclaimed because their time was over.
    let collected = Counter()
    /// Entries removed before.
    let removed = Counter()
    /// Main buckets that a sweep looked at.
    let swept = Counter()
    /// Where the next sweep begins.
    var hand: UInt32
    /// After a fruitless turn: no bucket can be stale before this time.
    var quietUntil = Int64.min
    private let padding = InlineArray<9, UInt64>(repeating: 0)

    init(hand: UInt32) { self.hand = hand }
}
