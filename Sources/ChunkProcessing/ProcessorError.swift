/// Why a processor has no result.
public enum ProcessorError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The chunk cannot be worked on: the reason, as the processor says it.
    case failed(String)
    /// The child or the application that would do the work is not there, or went away; the reason.
    case unavailable(String)
    /// What was answered does not follow the protocol; what is wrong with it.
    case garbage(String)
    /// The time was over.
    case timeLimit
    /// Nobody wants the result any more.
    case cancelled
    /// The chunk or the result has more bytes than can be.
    case tooLong(Int, limit: Int)

    /// A sentence for the log.
    public var description: String {
        switch self {
        case .failed(let reason): "failed: \(reason)"
        case .unavailable(let reason): "not available: \(reason)"
        case .garbage(let reason): "answered outside the protocol: \(reason)"
        case .timeLimit: "took longer than the request type's time limit"
        case .cancelled: "was given up, because nobody waits for it"
        case .tooLong(let count, let limit): "has \(count) bytes where \(limit) are possible; use smaller chunks"
        }
    }

    /// The error's name in metrics.
    public var name: String {
        switch self {
        case .failed: "failed"
        case .unavailable: "unavailable"
        case .garbage: "garbage"
        case .timeLimit: "time_limit"
        case .cancelled: "cancelled"
        case .tooLong: "too_long"
        }
    }

    /// All names, in the order of the cases.
    public static var names: [String] {
        ["failed", "unavailable", "garbage", "time_limit", "cancelled", "too_long"]
    }
}
