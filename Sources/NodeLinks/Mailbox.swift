import CLinuxShims
import Glibc
import Synchronization

/// What other threads may do to an event loop: wake it and stop it.
public final class LoopHandle: Sendable {
    let descriptor: Int32
    private let stopping = Atomic<Bool>(false)

    init() throws(LinkSetupError) {
        descriptor = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
        guard descriptor >= 0 else { throw LinkSetupError(call: "eventfd") }
    }

    deinit { close(descriptor) }

    var isStopping: Bool { stopping.load(ordering: .acquiring) }

    /// Ends the loop's wait, if it waits.
    public func wake() {
        var one: UInt64 = 1
        _ = unsafe write(descriptor, &one, 8)
    }

    /// Makes ``EventLoop/run()`` return after its present turn. May be called from any thread, and in a handler.
    public func stop() {
        stopping.store(true, ordering: .releasing)
        wake()
    }

    func drain() {
        var count: UInt64 = 0
        _ = unsafe read(descriptor, &count, 8)
    }
}

/// Brings messages from any thread into the loop's thread, in order.
///
/// The only place of an event loop with a lock; it is held for as long as it takes to append or to swap an array.
public final class Mailbox<Message: Sendable>: Sendable {
    private let waiting = Mutex<[Message]>([])
    private let capacity: Int
    private let handle: LoopHandle

    init(capacity: Int, handle: LoopHandle) {
        self.capacity = capacity
        self.handle = handle
    }

    /// Puts a message in and wakes the loop.
    ///
    /// - Returns: false when the box is full; the message is not taken then.
    @discardableResult
    public func post(_ message: Message) -> Bool {
        let (taken, first) = waiting.withLock { waiting in
            guard waiting.count < capacity else { return (false, false) }
            waiting.append(message)
            return (true, waiting.count == 1)
        }
        // Those behind the first are found with it.
        if first { handle.wake() }
        return taken
    }

    func take() -> [Message] {
        waiting.withLock { waiting in
            defer { waiting = [] }
            return waiting
        }
    }
}
