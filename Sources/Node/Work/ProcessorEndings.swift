import ChunkProcessing
import Health
import Synchronization

/// Ends processors that are no longer used on a thread of their own: children may take a second to go, and the last to
/// use a processor may be the node's loop.
final class ProcessorEndings: Sendable {
    /// The thread that was started last; it waits for the one before it.
    private let last = Mutex<BackgroundThread?>(nil)

    /// Ends them, beside everything else.
    func end(_ processors: [any ChunkProcessor]) {
        guard !processors.isEmpty else { return }
        let isStarted = last.withLock { last in
            let previous = last
            let thread = try? BackgroundThread {
                previous?.join()
                for processor in processors { processor.stop() }
            }
            guard let thread else { return false }
            last = thread
            return true
        }
        if !isStarted { for processor in processors { processor.stop() } }
    }

    /// Waits until all are ended that were to be.
    func wait() {
        let thread = last.withLock { last in
            defer { last = nil }
            return last
        }
        thread?.join()
    }
}
