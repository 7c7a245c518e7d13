import Synchronization

/// Whether a counter has grown of late.
final class Recency: Sendable {
    private struct State {
        var value: UInt64 = 0
        var changed: Int64?
    }

    private let state = Mutex(State())

    /// How long a growth counts as recent, in nanoseconds.
    static let span: Int64 = 60_000_000_000

    /// Takes a sample; times are nanoseconds of the monotonic clock.
    func sample(now: Int64, value: UInt64) {
        state.withLock { state in
            if value != state.value { state = State(value: value, changed: now) }
        }
    }

    /// Whether a sample of the last minute was higher than the one before.
    func isRecent(now: Int64) -> Bool {
        state.withLock { state in state.changed.map { now - $0 <= Self.span } ?? false }
    }
}

/// How fast a counter grows, over the last whole second or so.
final class RateMeter: Sendable {
    private struct State {
        var time: Int64
        var value: UInt64
        var rate = 0.0
    }

    private let state: Mutex<State>

    init(now: Int64, value: UInt64) { state = Mutex(State(time: now, value: value)) }

    /// Takes a sample; times are nanoseconds of the monotonic clock. Samples closer than half a second are passed over.
    func sample(now: Int64, value: UInt64) {
        state.withLock { state in
            let elapsed = now - state.time
            guard elapsed >= 500_000_000 else { return }
            state = State(time: now, value: value, rate: Double(value &- state.value) * 1e9 / Double(elapsed))
        }
    }

    /// Units a second.
    var rate: Double { state.withLock { $0.rate } }
}
