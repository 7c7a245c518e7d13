import Glibc
import Synchronization

/// Until when a piece of work is wanted: a time, and somebody who may say sooner that it is not.
public final class WorkLimit: Sendable {
    /// The longest time, in nanoseconds, for which blocked work does not look whether it was cancelled.
    static var patience: Int64 { 20_000_000 }

    /// Nanoseconds of the monotonic clock after which nobody waits for the result.
    public var deadline: Int64 { end.load(ordering: .relaxed) }
    private let end: Atomic<Int64>
    private let cancelled = Atomic<Bool>(false)

    /// Work that is wanted until `deadline` (see ``now``).
    public init(deadline: Int64) { end = Atomic(deadline) }

    /// Work that is wanted for this long from now on.
    public convenience init(_ time: Duration) {
        let (seconds, attoseconds) = time.components
        self.init(deadline: Self.now + seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
    }

    /// Nanoseconds of the monotonic clock, as ``deadline`` counts them.
    public static var now: Int64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    /// Makes the deadline earlier: the request type's time limit counts from the beginning of the work.
    package func narrow(to deadline: Int64) {
        end.store(min(deadline, self.deadline), ordering: .relaxed)
    }

    /// Says that the result is not wanted any more; from any thread.
    public func cancel() { cancelled.store(true, ordering: .relaxed) }

    /// Whether the result is not wanted any more.
    public var isCancelled: Bool { cancelled.load(ordering: .relaxed) }

    /// Nanoseconds that are left; 0 when the time is over.
    public var left: Int64 { max(0, deadline - Self.now) }

    /// Goes on only while the result is wanted. Work that takes long calls this from time to time.
    ///
    /// - Throws: `timeLimit` or `cancelled`.
    public func check() throws(ProcessorError) {
        if isCancelled { throw .cancelled }
        if left == 0 { throw .timeLimit }
    }

    /// Milliseconds to wait for a descriptor before looking again, 1 … 20.
    ///
    /// - Throws: `timeLimit` or `cancelled`.
    func wait() throws(ProcessorError) -> Int32 {
        try check()
        return Int32(max(1, min(left, Self.patience) / 1_000_000))
    }
}
