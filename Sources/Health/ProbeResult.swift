import Glibc

/// How a probe ended.
public enum ProbeResult: Equatable, Sendable {
    /// The backend answered; the time from start to answer.
    case good(Duration)
    /// It did not in time.
    case timedOut
    /// A call failed or the backend refused; the errno value.
    case failed(Int32)

    /// Whether it speaks for the backend.
    public var isGood: Bool {
        if case .good = self { return true }
        return false
    }

    /// For the log and tables: "answered", "no answer in time", "Connection refused".
    public var description: String {
        switch self {
        case .good: "answered"
        case .timedOut: "no answer in time"
        case .failed(let code): unsafe String(cString: strerror(code))
        }
    }
}

/// What is known of a target.
public struct HealthReport: Sendable {
    /// The state after the last result.
    public var state = HealthState.unknown
    /// The last result; nil before the first.
    public var last: ProbeResult?
    /// Probes that ended.
    public var probes: UInt64 = 0
    /// Those of them that failed.
    public var failures: UInt64 = 0
    /// Changes of the state, the first result not counted.
    public var changes: UInt64 = 0

    /// Of a target that has not been probed.
    public init() {}
}
