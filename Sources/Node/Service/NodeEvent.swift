import ChunkProcessing
import Configuration
import NodeLinks
import Synchronization
import Wire

/// What other threads ask of the loop's.
enum NodeEvent: Sendable {
    /// A worker is done.
    case finished(WorkReport)
    /// A new configuration.
    case apply(NodeConfiguration, ProcessorSet)
    /// Take on nothing new.
    case drain
    /// Come to an end.
    case finish
    /// Write the metrics page.
    case metrics(PageQuestion)
}

/// A page that another thread waits for.
final class PageQuestion: Sendable {
    let done = Semaphore()
    let text = Mutex<String?>(nil)
}

/// What the loop's thread tells all others.
final class NodeStatus: Sendable {
    /// Nanoseconds of the monotonic clock when the loop last showed that it turns.
    let lastTurn = Atomic<Int64>(MonotonicClock.now)
    /// Whether the node takes chunks.
    let isReady = Atomic<Bool>(false)
    /// Whether a node that drains has nothing left to do.
    let isIdle = Atomic<Bool>(false)
}

/// What a loop that runs can be reached by.
struct RunningLoop: Sendable {
    let address: Endpoint
    let mailbox: Mailbox<NodeEvent>
    let pool: WorkerPool
}

/// How the start of a loop ended, for the thread that waits for it.
final class StartResult: Sendable {
    private let done = Semaphore()
    private let result = Mutex<Result<RunningLoop, NodeError>>(.failure(NodeError("the loop did not start")))

    func set(_ result: Result<RunningLoop, NodeError>) {
        self.result.withLock { $0 = result }
        done.signal()
    }

    func wait() throws(NodeError) -> RunningLoop {
        done.wait()
        return try result.withLock { $0 }.get()
    }
}
