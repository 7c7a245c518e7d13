/// How a flagged payload ended. Every payload that is offered for splitting ends in exactly one of these.
public enum JobOutcome: String, CaseIterable, Sendable {
    /// The client has its answer; the originals are dropped.
    case answered
    /// Nothing was sent to a node: the originals are accepted for a backend at once.
    case forwardedRefused = "forwarded_refused"
    /// A chunk could not be had, or no reassembly node was left; the originals are accepted for a backend.
    case forwardedFailed = "forwarded_failed"
    /// The deadline passed; the originals are accepted for a backend.
    case forwardedDeadline = "forwarded_deadline"
    /// The answer is longer than may be sent; the originals are accepted for a backend.
    case forwardedTooLong = "forwarded_too_long"
    /// The answer is there and could not be sent to the client; the originals are accepted for a backend.
    case forwardedUnsent = "forwarded_unsent"
    /// The load balancer stops; the originals are accepted for a backend.
    case forwardedStopped = "forwarded_stopped"
    /// A chunk could not be had, or no reassembly node was left; the originals are dropped (`on_failure: drop`).
    case droppedFailed = "dropped_failed"
    /// The deadline passed; the originals are dropped.
    case droppedDeadline = "dropped_deadline"
    /// The answer is longer than may be sent; the originals are dropped.
    case droppedTooLong = "dropped_too_long"
    /// The answer is there and could not be sent to the client; the originals are dropped.
    case droppedUnsent = "dropped_unsent"
    /// The load balancer stops; the originals are dropped.
    case droppedStopped = "dropped_stopped"

    /// Why a job has no answer.
    public enum Failure: Sendable {
        /// A chunk could not be had, or no reassembly node was left.
        case failed
        /// The deadline passed.
        case deadline
        /// The answer is longer than may be sent.
        case tooLong
        /// The answer could not be sent to the client.
        case unsent
        /// The load balancer stops.
        case stopped
    }

    /// What `on_failure` makes of a failure.
    public init(_ failure: Failure, handling: FailureHandling) {
        switch (failure, handling) {
        case (.failed, .forward): self = .forwardedFailed
        case (.deadline, .forward): self = .forwardedDeadline
        case (.tooLong, .forward): self = .forwardedTooLong
        case (.unsent, .forward): self = .forwardedUnsent
        case (.stopped, .forward): self = .forwardedStopped
        case (.failed, .drop): self = .droppedFailed
        case (.deadline, .drop): self = .droppedDeadline
        case (.tooLong, .drop): self = .droppedTooLong
        case (.unsent, .drop): self = .droppedUnsent
        case (.stopped, .drop): self = .droppedStopped
        }
    }

    /// Whether the originals go on to a backend.
    public var isForwarded: Bool {
        switch self {
        case .forwardedRefused, .forwardedFailed, .forwardedDeadline, .forwardedTooLong, .forwardedUnsent,
            .forwardedStopped:
            true
        default: false
        }
    }
}
