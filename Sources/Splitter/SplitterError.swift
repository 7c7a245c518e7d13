import NetfilterQueue
import NodeLinks

/// Why the splitting thread could not be set up, or ended.
public enum SplitterError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Of its queues.
    case queue(QueueError)
    /// Of its links to the nodes.
    case links(LinkSetupError)
    /// The system has no thread for it: an errno value.
    case thread(Int32)

    /// What is wrong and what to do.
    public var description: String {
        switch self {
        case .queue(let error): "splitting: \(error)"
        case .links(let error): "splitting: \(error)"
        case .thread(let code): "splitting: there is no thread for it (errno \(code))"
        }
    }
}
