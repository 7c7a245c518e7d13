import Synchronization
import Testing
import Wire

@testable import Tracking

/// A key whose hash the test chooses, so that chains can be made at will.
struct TestKey: TableKey {
    var number: UInt64
    var crowd: UInt64

    func digest(_ hash: borrowing KeyedHash) -> UInt64 {
        crowd == 0 ? SplitMix.first(number) : SplitMix.first(number % crowd)
    }
}

extension SplitMix {
    static func first(_ state: UInt64) -> UInt64 {
        var generator = SplitMix(state: state)
        return generator.next()
    }
}

/// Counts what is retired.
struct TestOwner: ~Copyable, EntryOwner, Sendable {
    let retired = Atomic<Int>(0)

    func retire(_ entry: UInt32, state: inout UInt64, worker: UInt32) {
        retired.add(1, ordering: .relaxed)
        state = .max
    }
}

/// A table of its own, with states that hold the key's number.
final class TestTable: Sendable {
    let table: BucketTable<TestKey, UInt64>
    let owner = TestOwner()
    private let region: MappedRegion

    init(size: Int, extra: Int, spares: Int = 4, workers: Int = 1) throws {
        var plan = RegionPlan()
        let places = BucketTable<TestKey, UInt64>.reserve(
            size: size, extra: extra, spares: spares, workers: workers, in: &plan)
        region = try MappedRegion(bytes: plan.byteCount)
        table = BucketTable(
            places, in: region, hashing: KeyedHash(seed: 1), key: TestKey(number: 0, crowd: 0), state: 0)
    }

    deinit {
        // Time ends: everything must come back.
        _ = table.expire(table.size, now: .max / 2, worker: 0, owner: owner)
        #expect(table._checkInvariants() == nil)
        #expect(table.orphans == 0)
        #expect(table.extraPool.free == Int(table.extraPool.count))
        #expect(table.sparePool.free == Int(table.sparePool.count))
    }

    /// Puts a key in, or renews it; sweeps if need be. Nil if there is no room.
    func put(_ key: TestKey, now: Int64, ttl: Int64, worker: UInt32 = 0) -> Placement {
        let home = table.home(key.digest(table.hashing))
        for _ in 0..<4 {
            table.lock(home)
            let placement = table.place(key, home: home, now: now, deadline: now + ttl, worker: worker, owner: owner)
            switch placement {
            case .found(let bucket):
                table.buckets.cell(bucket).its.deadline = now + ttl
                table.unlock(home)
                return placement
            case .inserted(let bucket):
                table.entries.cell(table.buckets[bucket].entry.load(ordering: .relaxed)).its.state = key.number
                table.unlock(home)
                return placement
            case .full:
                table.unlock(home)
                if !table.sweep(now: now, shortest: ttl, worker: worker, owner: owner) { return .full }
            }
        }
        return .full
    }

    func hold(_ key: TestKey, now: Int64) -> UInt32? { table.hold(key, now: now) }

    func letGo(_ entry: UInt32) { table.letGo(entry, 0) }

    /// The state of a key.
    func get(_ key: TestKey, now: Int64) -> UInt64? {
        let home = table.home(key.digest(table.hashing))
        table.lock(home)
        defer { table.unlock(home) }
        guard let bucket = table.find(key, home: home, now: now) else { return nil }
        return table.entries[table.buckets[bucket].entry.load(ordering: .relaxed)].state
    }

    func remove(_ key: TestKey, now: Int64) -> Bool {
        let home = table.home(key.digest(table.hashing))
        table.lock(home)
        defer { table.unlock(home) }
        guard let bucket = table.find(key, home: home, now: now) else { return false }
        table.remove(
            table.buckets[bucket].entry.load(ordering: .relaxed), home: home, worker: 0, owner: owner)
        return true
    }
}
