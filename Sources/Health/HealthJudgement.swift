/// Whether a backend may take shards, as far as its probes tell.
public enum HealthState: String, Sendable {
    /// No probe has ended yet. Counts as healthy, so that a start of the balancer takes nobody out.
    case unknown
    /// It answers.
    case up
    /// It does not.
    case down

    /// Whether it may take shards.
    public var isHealthy: Bool { self != .down }
}

/// Turns a row of probe results into a state: the whole decision logic, without clock or socket.
///
/// The first result decides alone. From then on `fall` failures in a row take the backend out, and `rise` good probes
/// in a row bring it back.
public struct HealthJudgement: Sendable {
    /// The state after all results so far.
    public private(set) var state = HealthState.unknown
    /// Results in a row that speak against the state.
    public private(set) var against = 0
    private let rise: Int
    private let fall: Int

    /// A judgement that has seen nothing.
    public init(_ policy: HealthPolicy) {
        rise = policy.rise
        fall = policy.fall
    }

    /// Takes in the result of one probe.
    ///
    /// - Returns: whether the state changed.
    public mutating func record(good: Bool) -> Bool {
        switch state {
        case .unknown:
            return change(to: good ? .up : .down)
        case .up where good, .down where !good:
            against = 0
            return false
        case .up:
            against += 1
            return against >= fall ? change(to: .down) : false
        case .down:
            against += 1
            return against >= rise ? change(to: .up) : false
        }
    }

    private mutating func change(to state: HealthState) -> Bool {
        self.state = state
        against = 0
        return true
    }
}
