import CLinuxShims
import ChunkProcessing
import Health
import Splitting
import Synchronization

/// The priority queue and the threads that work through it.
final class WorkerPool: Sendable {
    /// The queue as it is now.
    struct Depth: Sendable {
        var waitingJobs = 0
        var waitingChunks = 0
        var reserved = 0
        var free = 0
        var size = 0
        var working = 0
    }

    private struct State {
        var queue: WorkQueue<NodeWork>
        var working = 0
        var stopping = false
    }

    private let state: Mutex<State>
    private let available = Semaphore()
    private let threads = Mutex<[BackgroundThread]>([])
    private let report: @Sendable (WorkReport) -> Void
    /// Threads.
    let count: Int

    /// A pool whose threads wait for ``start()``.
    ///
    /// - Parameter report: called by the workers with what they have done.
    init(workers: Int, size: Int, weight: Int, report: @escaping @Sendable (WorkReport) -> Void) {
        count = workers
        state = Mutex(State(queue: WorkQueue(size: size, weight: weight)))
        self.report = report
    }

    /// Starts the threads.
    func start() throws(ThreadError) {
        for number in 0..<count {
            let thread = try BackgroundThread { self.run(number) }
            threads.withLock { $0.append(thread) }
        }
    }

    /// Ends the threads after what each is working on. Work that waits is left.
    func stop() {
        state.withLock { $0.stopping = true }
        for _ in 0..<count { available.signal() }
        let all = threads.withLock { threads in
            defer { threads = [] }
            return threads
        }
        for thread in all { thread.join() }
    }

    /// `priority_queue_size` and `priority_queue_weight` from now on.
    func resize(size: Int, weight: Int) {
        state.withLock { state in
            state.queue.size = max(1, size)
            state.queue.weight = max(1, weight)
        }
    }

    var depth: Depth {
        state.withLock { state in
            Depth(
                waitingJobs: state.queue.waiting(.reassembly), waitingChunks: state.queue.waiting(.chunk),
                reserved: state.queue.reserved, free: state.queue.free, size: state.queue.size,
                working: state.working)
        }
    }

    // MARK: Work

    /// Adds a chunk. What was displaced for it is returned; nil in `ticket` means that it was refused.
    func add(
        _ work: NodeWork, urgency: Int, now: Int64
    ) -> (ticket: WorkQueue<NodeWork>.Ticket?, displaced: NodeWork?) {
        let admission = state.withLock { $0.queue.add(work, urgency: urgency, now: now) }
        switch admission {
        case .refused: return (nil, nil)
        case .waits(let ticket):
            available.signal()
            return (ticket, nil)
        case .displaced(let entry, let ticket):
            // The signal of the one that went stands for the one that came.
            return (ticket, entry.work)
        }
    }

    /// Takes a place for a job.
    func reserve(urgency: Int) -> (admitted: Bool, displaced: NodeWork?) {
        state.withLock { state in
            var displaced: WorkQueue<NodeWork>.Entry?
            let admitted = state.queue.reserve(urgency: urgency, displaced: &displaced)
            return (admitted, displaced?.work)
        }
    }

    /// Gives a job's place back.
    func release() { state.withLock { $0.queue.release() } }

    /// Puts a job's joining into its place.
    func redeem(_ work: NodeWork, urgency: Int, now: Int64) -> WorkQueue<NodeWork>.Ticket {
        let ticket = state.withLock { $0.queue.redeem(work, urgency: urgency, now: now) }
        available.signal()
        return ticket
    }

    /// Takes out what is not wanted any more; false when a worker has it already.
    @discardableResult
    func remove(_ ticket: WorkQueue<NodeWork>.Ticket) -> Bool {
        // A signal too many only makes a worker look in vain.
        state.withLock { $0.queue.remove(ticket) } != nil
    }

    /// Takes out all whose time is over.
    func removeExpired(now: Int64) -> [NodeWork] {
        state.withLock { state in
            guard state.queue.waiting > 0 else { return [] }
            return state.queue.removeAll { $0.work.limit.deadline <= now }.map(\.work)
        }
    }

    private func run(_ number: Int) {
        _ = unsafe ab_name_thread("worker-\(number)")
        while true {
            available.wait()
            let (entry, stopping) = state.withLock { state in
                if state.stopping { return (WorkQueue<NodeWork>.Entry?.none, true) }
                let entry = state.queue.take()
                if entry != nil { state.working += 1 }
                return (entry, false)
            }
            if stopping { return }
            guard let entry else { continue }
            let done = Self.work(entry)
            state.withLock { $0.working -= 1 }
            report(done)
        }
    }

    private static func work(_ entry: WorkQueue<NodeWork>.Entry) -> WorkReport {
        let begin = WorkLimit.now
        let waited = microseconds(begin - entry.since)
        guard begin < entry.work.limit.deadline else {
            return WorkReport(work: entry.work, outcome: .expired, waited: waited, worked: 0)
        }
        let outcome: WorkReport.Outcome
        entry.work.begin(now: begin)
        do throws(ProcessorError) {
            let result = try entry.work.run()
            outcome = .done(result, checksum: entry.work.terms.checksums.checksum(of: result))
        } catch {
            outcome = .failed(error)
        }
        let worked = microseconds(WorkLimit.now - begin)
        return WorkReport(work: entry.work, outcome: outcome, waited: waited, worked: worked)
    }

    private static func microseconds(_ nanoseconds: Int64) -> UInt32 { UInt32(clamping: max(0, nanoseconds) / 1000) }
}
