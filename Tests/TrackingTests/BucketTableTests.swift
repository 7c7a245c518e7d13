import Testing

@testable import Tracking

@Suite struct BucketTableTests {
    #if DEBUG
        static let operations = 200_000
    #else
        static let operations = 10_000_000
    #endif

    @Test(arguments: [UInt64(0), 3])
    func aTableDoesWhatADictionaryDoesWhileTimeRuns(crowd: UInt64) throws {
        let table = try TestTable(size: 61, extra: 200)
        var model: [UInt64: Int64] = [:]
        var random = SplitMix(state: 42 + crowd)
        let ttl: Int64 = 1000
        var now: Int64 = 0
        for step in 0..<Self.operations {
            now += Int64(random.next() % 20)
            let number = random.next() % 250
            let key = TestKey(number: number, crowd: crowd)
            let isKnown = model[number].map { now - $0 <= ttl } ?? false
            switch random.next() % 4 {
            case 0, 1:
                let placement = table.put(key, now: now, ttl: ttl)
                // 250 keys and 261 places: there is always room.
                switch placement {
                case .found: #expect(isKnown)
                case .inserted: #expect(!isKnown)
                case .full: Issue.record("no room for the key of step \(step)")
                }
                model[number] = now
            case 2:
                let state = table.get(key, now: now)
                if state != (isKnown ? number : nil) { Issue.record("step \(step): \(String(describing: state))") }
            default:
                if table.remove(key, now: now) != isKnown { Issue.record("step \(step): wrong removal") }
                model[number] = nil
            }
            if step % 1000 == 0 { #expect(table.table._checkInvariants() == nil) }
        }
    }

    @Test(arguments: [1, 2, 3, 4, 8])
    func invariantsHoldAfterEachStepInASmallTable(size: Int) throws {
        let table = try TestTable(size: size, extra: 5)
        var random = SplitMix(state: UInt64(size))
        var now: Int64 = 0
        for _ in 0..<20_000 {
            now += Int64(random.next() % 10)
            let key = TestKey(number: random.next() % 12, crowd: 0)
            if random.next() % 3 == 0 { _ = table.remove(key, now: now) } else { _ = table.put(key, now: now, ttl: 40) }
            let problem = table.table._checkInvariants()
            if problem != nil { Issue.record("\(problem!)") }
        }
    }

    @Test func aStaleBucketNeverCausesARejection() throws {
        // All keys in one chain of a table whose extra buckets just suffice.
        let table = try TestTable(size: 7, extra: 9)
        for generation in Int64(0)..<50 {
            for number in UInt64(0)..<10 {
                let key = TestKey(number: number + UInt64(generation) * 10, crowd: 1)
                let placement = table.put(key, now: generation * 1000, ttl: 999)
                if case .inserted = placement { continue }
                Issue.record("generation \(generation) found no room for key \(number): \(placement)")
            }
        }
        #expect(table.table._checkInvariants() == nil)
    }

    @Test func staleBucketsElsewhereAreFoundByTheSweep() throws {
        let table = try TestTable(size: 64, extra: 16)
        // Seventeen keys in each of two chains; the first ones are old when the others come.
        for number in UInt64(0)..<17 {
            guard case .inserted = table.put(TestKey(number: number * 2, crowd: 2), now: 0, ttl: 10) else {
                Issue.record("no room for \(number)")
                return
            }
        }
        #expect(table.put(TestKey(number: 1, crowd: 2), now: 5, ttl: 10) != .full)
        #expect(table.put(TestKey(number: 3, crowd: 2), now: 5, ttl: 10) == .full)
        for number in UInt64(1)..<17 {
            #expect(table.put(TestKey(number: number * 2 + 1, crowd: 2), now: 11, ttl: 10) != .full)
        }
        #expect(table.table._checkInvariants() == nil)
    }

    @Test func aFruitlessSweepIsNotRepeatedBeforeSomethingCanBeStale() throws {
        let table = try TestTable(size: 16, extra: 4)
        for number in UInt64(0)..<5 { _ = table.put(TestKey(number: number, crowd: 1), now: 100, ttl: 50) }
        #expect(table.put(TestKey(number: 9, crowd: 1), now: 120, ttl: 50) == .full)
        let swept = table.table.workers[0].swept.total
        #expect(swept == 16)
        for now in Int64(121)...150 { #expect(table.put(TestKey(number: 9, crowd: 1), now: now, ttl: 50) == .full) }
        #expect(table.table.workers[0].swept.total == swept)
        #expect(table.put(TestKey(number: 9, crowd: 1), now: 151, ttl: 50) != .full)
    }

    /// Keys of even numbers have a note until somebody holds them.
    @Test(arguments: [UInt64(5), 4])
    func aHeldEntryOutlivesItsBucket(number: UInt64) throws {
        let table = try TestTable(size: 4, extra: 4)
        let key = TestKey(number: number, crowd: 0)
        _ = table.put(key, now: 0, ttl: 10)
        let entry = try #require(table.hold(key, now: 0))
        let successor = TestKey(number: 6, crowd: 0)
        // The bucket is reclaimed while the entry is held: another key does not get the entry.
        _ = table.put(key, now: 100, ttl: 10)
        _ = table.put(successor, now: 100, ttl: 10)
        #expect(table.table.orphans == 1)
        let home = table.table.home(key.digest(table.table.hashing))
        table.table.lock(home)
        #expect(table.table.bucket(of: entry, home: home) == nil)
        table.table.unlock(home)
        #expect(table.table.entries[entry].state == .max)
        #expect(table.get(key, now: 100) == number)
        table.letGo(entry)
        #expect(table.table.orphans == 0)
        #expect(table.table._checkInvariants() == nil)
    }

    @Test func noMoreReferencesAreGivenThanThereAreEntriesFor() throws {
        let table = try TestTable(size: 8, extra: 8, holders: 2)
        for number in UInt64(0)..<3 { _ = table.put(TestKey(number: number, crowd: 0), now: 0, ttl: 10) }
        let first = try #require(table.hold(TestKey(number: 0, crowd: 0), now: 0))
        let second = try #require(table.hold(TestKey(number: 1, crowd: 0), now: 0))
        #expect(table.hold(TestKey(number: 2, crowd: 0), now: 0) == nil)
        for number in UInt64(10)..<20 { _ = table.put(TestKey(number: number, crowd: 0), now: 100, ttl: 10) }
        #expect(table.table._checkInvariants() == nil)
        table.letGo(first)
        table.letGo(second)
        #expect(table.table.orphans == 0)
        let third = try #require(table.hold(TestKey(number: 19, crowd: 0), now: 100))
        table.letGo(third)
    }

    @Test func timesOfWorkersMayCross() throws {
        let table = try TestTable(size: 4, extra: 4)
        let key = TestKey(number: 1, crowd: 0)
        _ = table.put(key, now: 1000, ttl: 10)
        // Another worker whose clock is behind sees the bucket from its future.
        #expect(table.get(key, now: 900) == 1)
        guard case .found = table.put(key, now: 900, ttl: 200) else {
            Issue.record("a younger bucket was taken for a stale one")
            return
        }
    }

    @Test func chosenKeysDoNotCrowdABucketUnderAnotherSecret() {
        // Keys picked to share one of 1,024 buckets under one secret spread under the next, as random keys do.
        func home(_ number: UInt64, _ hash: KeyedHash) -> UInt32 {
            KeyedHash.reduce(hash.hash(number, 0, 7, 0, number << 32), 1024)
        }
        let known = KeyedHash(seed: 1)
        let chosen = (UInt64(0)..<1_000_000).filter { home($0, known) == 3 }
        let secret = KeyedHash(seed: 2)
        var counts = [Int](repeating: 0, count: 1024)
        for number in chosen { counts[Int(home(number, secret))] += 1 }
        // About 977 keys on 1,024 buckets: more than 12 in one has a probability below 10^-6.
        #expect(chosen.count > 800)
        #expect(counts.max()! <= 12)
    }
}
