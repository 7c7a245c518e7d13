import Synchronization

/// The state of a fragment table, with the keys of the peer's simulator, and what happened to fragments.
///
/// `inserts` = `rejected` + `active` + `objGC` + `reassembled` + `evicted` at every moment when no call is under way.
public struct FragmentStatistics: Equatable, Sendable {
    /// The ttl in milliseconds.
    public var ttlMillis: Int64 = 0
    /// Main buckets.
    public var size = 0
    /// Packets that are followed and whose time is not over.
    public var active = 0
    /// Packets that found their main bucket taken.
    public var collisions: UInt64 = 0
    /// Packets that were new, whether there was room for them or not.
    public var inserts: UInt64 = 0
    /// New packets there was no room for.
    public var rejected: UInt64 = 0
    /// Fragments of packets that were known.
    public var lookups: UInt64 = 0
    /// Packets whose time is over, reclaimed or still in their buckets.
    public var objGC: UInt64 = 0
    /// Extra buckets.
    public var bucketsMax = 0
    /// Most extra buckets in use at once.
    public var bucketsPeak = 0
    /// Buckets, main and extra, whose packet's time is over and which are not yet reclaimed.
    public var bucketsStale = 0
    /// Fragments parked because the first had not come.
    public var stored: UInt64 = 0
    /// Parked fragments released.
    public var released: UInt64 = 0
    /// Parked fragments dropped.
    public var discarded: UInt64 = 0
    /// Parked fragments whose token never came back.
    public var lost: UInt64 = 0
    /// Packets of which every byte has passed.
    public var reassembled: UInt64 = 0
    /// Packets of which all fragments are dropped.
    public var poisoned: UInt64 = 0
    /// Packets given up by the source that had most.
    public var evicted: UInt64 = 0
    /// Exact copies of fragments.
    public var duplicates: UInt64 = 0
    /// Fragments parked now, or waiting to be taken by the caller.
    public var parked = 0
    /// Records that packets with many gaps have borrowed now.
    public var borrowed = 0
    /// Buckets and entries that are neither free nor in a chain: 0 when no call is under way and nobody holds a reference.
    public var unaccounted = 0
    /// `poisoned` by reason, in the order of ``FragmentFault/allCases``.
    public var faults: [UInt64] = []

    /// Empty.
    public init() {}

    /// Packets lost for want of room, rejected or evicted, in percent of all.
    public var percentLoss: Double {
        inserts == 0 ? 0 : Double(rejected + evicted) * 100 / Double(inserts)
    }
}

extension FragmentTracker {
    /// Adds up the statistics. Looks at every bucket, locking one at a time.
    public func statistics(now: Int64) -> FragmentStatistics {
        var sum = FragmentStatistics()
        sum.ttlMillis = limits.ttl / 1_000_000
        sum.size = limits.size
        sum.bucketsMax = limits.buckets
        let census = table.census(now: now)
        sum.active = census.active
        sum.bucketsStale = census.stale
        sum.objGC = UInt64(census.stale)
        sum.unaccounted = census.unaccounted
        sum.bucketsPeak = min(limits.buckets, table.extraPool.peak)
        sum.faults = Array(repeating: 0, count: FragmentFault.allCases.count)
        var lent: UInt64 = 0
        for worker in 0..<UInt32(limits.workers) {
            lent &+= workers[worker].lent.total
            sum.collisions += table.workers[worker].collisions.total
            sum.objGC += table.workers[worker].collected.total
            sum.inserts += table.workers[worker].inserted.total
            sum.lookups += workers[worker].lookups.total
            sum.rejected += workers[worker].rejected.total
            sum.stored += workers[worker].stored.total
            sum.released += workers[worker].released.total
            sum.discarded += workers[worker].discarded.total
            sum.lost += workers[worker].lost.total
            sum.reassembled += workers[worker].reassembled.total
            sum.evicted += workers[worker].evicted.total
            sum.duplicates += workers[worker].duplicates.total
            for fault in FragmentFault.allCases {
                sum.faults[Int(fault.rawValue)] += workers[worker].faults.total(fault)
            }
        }
        sum.inserts += sum.rejected
        sum.poisoned = sum.faults.reduce(0, +)
        sum.borrowed = Int(truncatingIfNeeded: lent)
        sum.parked = Int(recordPool.count) - recordPool.free - sum.borrowed
        return sum
    }
}

/// What a look at all buckets of a table found.
struct BucketCensus {
    var active = 0
    var stale = 0
    /// Buckets and entries that are neither free nor in a chain.
    var unaccounted = 0
}

extension BucketTable {
    /// Counts the buckets in use, the stale ones, and what is in no place.
    func census(now: Int64) -> BucketCensus {
        var census = BucketCensus()
        var extra = 0
        var entered = 0
        for home in 0..<size {
            lock(home)
            var cursor = home
            while cursor != IndexPool.none {
                if cursor != home { extra += 1 }
                if buckets[cursor].isOccupied {
                    if buckets[cursor].isStale(now) { census.stale += 1 } else { census.active += 1 }
                    if buckets[cursor].isEntered { entered += 1 }
                }
                cursor = buckets[cursor].next.load(ordering: .relaxed)
            }
            unlock(home)
        }
        census.unaccounted = Int(extraPool.count) - extraPool.free - extra + entries.count - entryPool.free - entered
        return census
    }
}
