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

    func retire(_ note: Note, of key: TestKey, worker: UInt32) {
        #expect(note == Note(word: key.number, half: 7))
        retired.add(1, ordering: .relaxed)
    }

    func unfold(_ note: Note, of key: TestKey, deadline: Int64, into state: inout UInt64) {
        #expect(note == Note(word: key.number, half: 7))
        state = note.word
    }

    func retire(_ entry: UInt32, state: inout UInt64, worker: UInt32) {
        retired.add(1, ordering: .relaxed)
        state = .max
    }
}

/// A table of its own, with notes and states that hold the key's number.
final class TestTable: Sendable {
    let table: BucketTable<TestKey, UInt64>
    let owner = TestOwner()
    private let region: MappedRegion

    init(size: Int, extra: Int, holders: Int = 4, workers: Int = 1) throws {
        var plan = RegionPlan()
        let places = BucketTable<TestKey, UInt64>.reserve(
            size: size, extra: extra, holders: holders, workers: workers, in: &plan)
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
        #expect(table.entryPool.free == Int(table.entryPool.count))
    }

    /// Puts a key in, or renews it; sweeps if need be. Nil if there is no room.
    func put(_ key: TestKey, now: Int64, ttl: Int64, worker: UInt32 = 0) -> Placement {
        let home = table.home(key.digest(table.hashing))
        for _ in 0..<4 {
            table.lock(home)
            let placement = table.place(
                key, Note(word: key.number, half: 7), home: home, now: now, deadline: now + ttl, worker: worker,
                owner: owner)
            switch placement {
            case .found(let bucket):
                table.buckets.cell(bucket).its.deadline = now + ttl
                table.unlock(home)
                return placement
            case .inserted(let bucket):
                // Notes, entries from the beginning and, if they are held, entries made of notes are all in use.
                if !key.number.isMultiple(of: 2) {
                    let entry = table.attach(bucket, home: home, worker)
                    table.entries.cell(entry).its.state = key.number
                }
                table.unlock(home)
                return placement
            case .full:
                table.unlock(home)
                if !table.sweep(now: now, shortest: ttl, worker: worker, owner: owner) { return .full }
            }
        }
        return .full
    }

    func hold(_ key: TestKey, now: Int64) -> UInt32? { table.hold(key, now: now, worker: 0, owner: owner) }

    func letGo(_ entry: UInt32) { table.letGo(entry, 0) }

    /// The state of a key.
    func get(_ key: TestKey, now: Int64) -> UInt64? {
        let home = table.home(key.digest(table.hashing))
        table.lock(home)
        defer { table.unlock(home) }
        guard let bucket = table.find(key, home: home, now: now) else { return nil }
        let place = table.buckets.cell(bucket)
        return place.its.isNoted ? place.its.note.word : table.entries[place.its.entry].state
    }

    func remove(_ key: TestKey, now: Int64) -> Bool {
        let home = table.home(key.digest(table.hashing))
        table.lock(home)
        defer { table.unlock(home) }
        guard let bucket = table.find(key, home: home, now: now) else { return false }
        table.remove(bucket, home: home, worker: 0, owner: owner)
        return true
    }
}
