import Synchronization

/// The engine for one process: everything in memory, and what has no lease in a file too, if one is named.
///
/// The file is written anew with each change that concerns it, beside the old one, and takes its place whole
/// (rename(2)), so that a crash leaves the one or the other. What is under a lease is not written: whoever put it there
/// puts it there again.
public final class EmbeddedStore: StateStore {
    private struct Entry {
        var value: [UInt8]
        var revision: UInt64
        /// When the lease is over; nil: never.
        var deadline: Int64?
    }

    private struct State {
        var entries: [String: Entry] = [:]
        var bytes = 0
        var revision: UInt64 = 0
        var history: [StoreChange] = []
        /// The newest revision that is not in `history` any more.
        var forgotten: UInt64 = 0
        /// No lease is over before.
        var nextDeadline = Int64.max
    }

    /// The bounds it was made with.
    public let limits: StoreLimits
    private let file: StoreFile?
    private let state: Mutex<State>

    /// An empty store, or what a file holds.
    ///
    /// - Parameters:
    ///   - path: The file; need not be there yet. Nil: nothing outlives the process.
    ///   - limits: Bounds.
    /// - Throws: ``StoreError/file(_:)`` when there is a file that cannot be read or is not one of a store.
    public init(path: String? = nil, limits: StoreLimits = StoreLimits()) throws(StoreError) {
        precondition(limits.keys > 0 && limits.bytes >= 1024 && limits.history > 0)
        self.limits = limits
        file = path.map { StoreFile(path: $0) }
        var first = State()
        if let file, let content = try file.read() {
            first.revision = content.revision
            first.forgotten = content.revision
            for stored in content.values {
                first.entries[stored.key] = Entry(value: stored.value, revision: stored.revision, deadline: nil)
                first.bytes += stored.key.utf8.count + stored.value.count
            }
        }
        state = Mutex(first)
    }

    /// See ``StateStore/revision(now:)``.
    public func revision(now: Int64) -> UInt64 {
        state.withLock { state in
            expire(&state, now)
            return state.revision
        }
    }

    /// See ``StateStore/value(at:now:)``.
    public func value(at key: String, now: Int64) -> StoredValue? {
        state.withLock { state in
            expire(&state, now)
            return state.entries[key].map { StoredValue(key: key, value: $0.value, revision: $0.revision) }
        }
    }

    /// See ``StateStore/values(under:now:)``.
    public func values(under prefix: String, now: Int64) -> [StoredValue] {
        state.withLock { state in
            expire(&state, now)
            return state.entries.filter { $0.key.hasPrefix(prefix) }.sorted { $0.key < $1.key }
                .map { StoredValue(key: $0.key, value: $0.value.value, revision: $0.value.revision) }
        }
    }

    /// See ``StateStore/put(_:at:lease:expecting:now:)``.
    @discardableResult
    public func put(
        _ value: [UInt8], at key: String, lease: Duration?, expecting expectation: StoreExpectation, now: Int64
    ) throws(StoreError) -> UInt64 {
        try Self.check(key)
        if value.count > StoreLimits.valueLength { throw .tooLong(key: key, bytes: value.count) }
        return try state.withLock { state throws(StoreError) in
            expire(&state, now)
            let old = state.entries[key]
            try Self.check(expectation, old?.revision, key)
            let bytes = state.bytes + value.count - (old?.value.count ?? -key.utf8.count)
            if bytes > limits.bytes || (old == nil && state.entries.count >= limits.keys) { throw .full(key: key) }
            let deadline = lease.map { now &+ $0.nanoseconds }
            if deadline == nil || (old != nil && old?.deadline == nil) {
                try write(state, changing: key, to: deadline == nil ? value : nil, revision: state.revision + 1)
            }
            state.revision += 1
            state.bytes = bytes
            state.entries[key] = Entry(value: value, revision: state.revision, deadline: deadline)
            state.nextDeadline = min(state.nextDeadline, deadline ?? .max)
            note(.put(StoredValue(key: key, value: value, revision: state.revision)), &state)
            return state.revision
        }
    }

    /// See ``StateStore/remove(_:expecting:now:)``.
    @discardableResult
    public func remove(
        _ key: String, expecting expectation: StoreExpectation, now: Int64
    ) throws(StoreError) -> UInt64? {
        try state.withLock { state throws(StoreError) in
            expire(&state, now)
            let old = state.entries[key]
            try Self.check(expectation, old?.revision, key)
            guard let old else { return nil }
            if old.deadline == nil { try write(state, changing: key, to: nil, revision: state.revision + 1) }
            drop(key, old, &state)
            return state.revision
        }
    }

    /// See ``StateStore/changes(under:after:now:)``.
    public func changes(
        under prefix: String, after revision: UInt64, now: Int64
    ) throws(StoreError) -> (changes: [StoreChange], revision: UInt64) {
        try state.withLock { state throws(StoreError) in
            expire(&state, now)
            if revision < state.forgotten { throw .forgotten(oldest: state.forgotten + 1) }
            // Revisions are consecutive, so the first wanted one's place is known.
            let known = Int(min(revision - state.forgotten, UInt64(state.history.count)))
            return (state.history[known...].filter { $0.key.hasPrefix(prefix) }, state.revision)
        }
    }

    // MARK: Inside

    private static func check(_ key: String) throws(StoreError) {
        let isGood =
            (1...StoreLimits.keyLength).contains(key.utf8.count) && key.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
        if !isGood { throw .badKey(key) }
    }

    private static func check(
        _ expectation: StoreExpectation, _ revision: UInt64?, _ key: String
    ) throws(StoreError) {
        switch expectation {
        case .anything: return
        case .absent: if revision == nil { return }
        case .revision(let wanted): if revision == wanted { return }
        }
        throw .conflict(key: key, revision: revision)
    }

    private func expire(_ state: inout State, _ now: Int64) {
        guard now > state.nextDeadline else { return }
        state.nextDeadline = .max
        // In the order of the keys, so that the same events give the same revisions.
        let leased = state.entries.filter { $0.value.deadline != nil }.sorted { $0.key < $1.key }
        for (key, entry) in leased {
            guard let deadline = entry.deadline else { continue }
            if now > deadline {
                drop(key, entry, &state)
            } else {
                state.nextDeadline = min(state.nextDeadline, deadline)
            }
        }
    }

    private func drop(_ key: String, _ entry: Entry, _ state: inout State) {
        state.revision += 1
        state.bytes -= key.utf8.count + entry.value.count
        state.entries[key] = nil
        note(.removed(key: key, revision: state.revision), &state)
    }

    private func note(_ change: StoreChange, _ state: inout State) {
        state.history.append(change)
        // A quarter at a time, so that it is not moved with each change.
        if state.history.count > limits.history + limits.history / 4 {
            let surplus = state.history.count - limits.history
            state.forgotten = state.history[surplus - 1].revision
            state.history.removeFirst(surplus)
        }
    }

    private func write(
        _ state: State, changing key: String, to value: [UInt8]?, revision: UInt64
    ) throws(StoreError) {
        guard let file else { return }
        var values = state.entries.filter { $0.value.deadline == nil && $0.key != key }
            .map { StoredValue(key: $0.key, value: $0.value.value, revision: $0.value.revision) }
        if let value { values.append(StoredValue(key: key, value: value, revision: revision)) }
        try file.write(StoreContent(revision: revision, values: values.sorted { $0.key < $1.key }))
    }
}

extension Duration {
    /// Whole nanoseconds; what 64 bits cannot hold is as long as can be.
    var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        return overflow ? .max : product &+ attoseconds / 1_000_000_000
    }
}
