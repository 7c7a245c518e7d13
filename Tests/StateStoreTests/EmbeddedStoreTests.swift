import Glibc
import Testing

@testable import StateStore

@Suite("The store of one process")
struct EmbeddedStoreTests {
    private static let second: Int64 = 1_000_000_000

    @Test func readersSeeWhatChangedAfterTheRevisionTheyKnow() throws {
        let store = try EmbeddedStore()
        let first = try store.put([1], at: "load/a", lease: nil, expecting: .anything, now: 0)
        let second = try store.put([2], at: "load/b", lease: nil, expecting: .anything, now: 0)
        try store.put([9], at: "other", lease: nil, expecting: .anything, now: 0)
        let third = try store.remove("load/a", expecting: .anything, now: 0)
        let seen = try store.changes(under: "load/", after: first, now: 0)
        #expect(
            seen.changes == [
                .put(StoredValue(key: "load/b", value: [2], revision: second)),
                .removed(key: "load/a", revision: try #require(third)),
            ])
        #expect(seen.revision == third)
        #expect(try store.changes(under: "load/", after: seen.revision, now: 0).changes.isEmpty)
        #expect(store.values(under: "load/", now: 0).map(\.key) == ["load/b"])
    }

    @Test func aWriterWhoInsistsOnWhatItSawLosesToWhoeverCameFirst() throws {
        let store = try EmbeddedStore()
        let revision = try store.put([1], at: "table", lease: nil, expecting: .absent, now: 0)
        #expect(throws: StoreError.conflict(key: "table", revision: revision)) {
            try store.put([2], at: "table", lease: nil, expecting: .absent, now: 0)
        }
        let next = try store.put([3], at: "table", lease: nil, expecting: .revision(revision), now: 0)
        #expect(throws: StoreError.conflict(key: "table", revision: next)) {
            try store.remove("table", expecting: .revision(revision), now: 0)
        }
        #expect(store.value(at: "table", now: 0)?.value == [3])
        #expect(throws: StoreError.conflict(key: "none", revision: nil)) {
            try store.put([1], at: "none", lease: nil, expecting: .revision(7), now: 0)
        }
    }

    @Test func whatIsUnderALeaseGoesWithItAndRenewalKeepsIt() throws {
        let store = try EmbeddedStore()
        try store.put([1], at: "node/a", lease: .seconds(1), expecting: .anything, now: 0)
        try store.put([2], at: "node/b", lease: .seconds(1), expecting: .anything, now: 0)
        let known = store.revision(now: 0)
        try store.put([3], at: "node/b", lease: .seconds(1), expecting: .anything, now: Self.second / 2)
        #expect(store.values(under: "node/", now: Self.second).map(\.key) == ["node/a", "node/b"])
        #expect(store.values(under: "node/", now: Self.second + 1).map(\.key) == ["node/b"])
        let changes = try store.changes(under: "node/", after: known, now: 2 * Self.second).changes
        #expect(changes.map(\.key) == ["node/b", "node/a", "node/b"])
        #expect(store.revision(now: 2 * Self.second) == known + 3)
    }

    @Test func memoryIsBounded() throws {
        let store = try EmbeddedStore(limits: StoreLimits(keys: 3, bytes: 1024, history: 8))
        for key in ["a", "b", "c"] { try store.put([0], at: key, lease: nil, expecting: .anything, now: 0) }
        #expect(throws: StoreError.full(key: "d")) {
            try store.put([0], at: "d", lease: nil, expecting: .anything, now: 0)
        }
        #expect(throws: StoreError.full(key: "a")) {
            try store.put([UInt8](repeating: 0, count: 1100), at: "a", lease: nil, expecting: .anything, now: 0)
        }
        for count in 0..<100 { try store.put([UInt8(count)], at: "a", lease: nil, expecting: .anything, now: 0) }
        let newest = store.revision(now: 0)
        #expect(try store.changes(under: "", after: newest - 8, now: 0).changes.count == 8)
        #expect(throws: StoreError.self) { try store.changes(under: "", after: 1, now: 0) }
        try store.remove("b", expecting: .anything, now: 0)
        try store.put([0], at: "d", lease: nil, expecting: .anything, now: 0)
    }

    @Test func badKeysAndLongValuesAreRefused() throws {
        let store = try EmbeddedStore()
        for key in ["", "with space", "umlaut ü", String(repeating: "k", count: 256)] {
            #expect(throws: StoreError.badKey(key)) {
                try store.put([], at: key, lease: nil, expecting: .anything, now: 0)
            }
        }
        #expect(throws: StoreError.tooLong(key: "k", bytes: (1 << 20) + 1)) {
            try store.put(
                [UInt8](repeating: 0, count: (1 << 20) + 1), at: "k", lease: nil, expecting: .anything, now: 0)
        }
        #expect(store.revision(now: 0) == 0)
    }

    @Test func theFileOutlivesTheProcessAndLeasesDoNot() throws {
        let path = "/tmp/ab-test-store-\(UInt32.random(in: 0...(.max)))"
        defer { unsafe unlink(path) }
        let store = try EmbeddedStore(path: path)
        try store.put([1, 0xFF, 0], at: "table/web", lease: nil, expecting: .anything, now: 0)
        try store.put([5], at: "load/a", lease: .seconds(5), expecting: .anything, now: 0)
        try store.put([2], at: "gone", lease: nil, expecting: .anything, now: 0)
        try store.remove("gone", expecting: .anything, now: 0)
        let again = try EmbeddedStore(path: path)
        #expect(again.values(under: "", now: 0).map(\.key) == ["table/web"])
        #expect(again.value(at: "table/web", now: 0)?.value == [1, 0xFF, 0])
        // Revisions go on, so that no reader takes an old one for a new one.
        #expect(again.revision(now: 0) == store.revision(now: 0))
        #expect(throws: StoreError.self) { try again.changes(under: "", after: 1, now: 0) }
        unsafe #expect(access(path + ".new", F_OK) != 0)
    }

    @Test func aDamagedFileIsNamedAndLeftAlone() throws {
        let path = "/tmp/ab-test-store-\(UInt32.random(in: 0...(.max)))"
        defer { unsafe unlink(path) }
        for text in [
            "", "{", "{}", #"{"version": 1, "revision": 1, "entries": [{"key": "a", "value": "zz", "revision": 1}]}"#,
        ] {
            let file = unsafe fopen(path, "w")!
            unsafe fputs(text, file)
            unsafe fclose(file)
            #expect(throws: StoreError.self, "\(text)") { try EmbeddedStore(path: path) }
            unsafe #expect(access(path, F_OK) == 0)
        }
    }

    @Test func aFileThatCannotBeWrittenChangesNothing() throws {
        let store = try EmbeddedStore(path: "/tmp/ab-none-\(UInt32.random(in: 0...(.max)))/store")
        #expect(throws: StoreError.self) { try store.put([1], at: "a", lease: nil, expecting: .anything, now: 0) }
        #expect(store.value(at: "a", now: 0) == nil && store.revision(now: 0) == 0)
        try store.put([1], at: "load/a", lease: .seconds(1), expecting: .anything, now: 0)
    }

    @Test func itAnswersAsAPlainDictionaryDoes() throws {
        let store = try EmbeddedStore(limits: StoreLimits(history: 64))
        var model: [String: (value: [UInt8], revision: UInt64, deadline: Int64?)] = [:]
        var replica: [String: [UInt8]] = [:]
        var known: UInt64 = 0
        var now: Int64 = 0
        var random = SystemRandomNumberGenerator()
        for step in 0..<20_000 {
            now += Int64.random(in: 0...3, using: &random)
            model = model.filter { $0.value.deadline.map { now <= $0 } ?? true }
            let key = "k\(Int.random(in: 0..<20, using: &random))"
            let value = [UInt8(truncatingIfNeeded: step)]
            switch Int.random(in: 0..<4, using: &random) {
            case 0:
                try store.remove(key, expecting: .anything, now: now)
                model[key] = nil
            case 1:
                let revision = try store.put(value, at: key, lease: nil, expecting: .anything, now: now)
                model[key] = (value, revision, nil)
            default:
                let lease = Int64.random(in: 1...30, using: &random)
                let revision = try store.put(
                    value, at: key, lease: .nanoseconds(lease), expecting: .anything, now: now)
                model[key] = (value, revision, now + lease)
            }
            if step % 7 == 0 {
                let (changes, revision) = try store.changes(under: "k", after: known, now: now)
                known = revision
                for change in changes {
                    switch change {
                    case .put(let stored): replica[stored.key] = stored.value
                    case .removed(let key, _): replica[key] = nil
                    }
                }
                #expect(replica == model.mapValues(\.value))
            }
        }
    }
}
