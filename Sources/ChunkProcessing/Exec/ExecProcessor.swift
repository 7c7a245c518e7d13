import Glibc
import Logging
import Splitting
import Synchronization

/// Lets a pool of long-lived children work on chunks: programs in any language that read ``ProcessorFrame`` requests
/// from standard input and write answers to standard output, one after the other.
///
/// * A child is started when it is first needed, without a shell, with a clean environment, in a process group of its
///   own.
/// * A child that ends, answers outside the protocol, or takes longer than the limit is killed with its group. Another
///   takes its place; after a failure not before a growing pause (0.1 s … 10 s), until one has answered.
/// * A child whose standard input ends should end as well: that is how the node says goodbye. It has half a second for
///   that, and half a second more after SIGTERM; then it is killed.
/// * Standard error goes to the log, at most a line a second.
public final class ExecProcessor: ChunkProcessor {
    /// What a place in the pool holds.
    private final class Place: Sendable {
        struct State {
            var child: ExecChild?
            var backOff = BackOff()
            /// Requests are numbered, so that a late answer is not taken for another's.
            var tag: UInt64 = 0
        }
        /// Held by the thread that sits here, so never waited for.
        let state = Mutex(State())
        /// The child's process, 0 when there is none.
        let process = Atomic<pid_t>(0)
    }

    private let name: String
    private let settings: ExecSettings
    private let places: [Place]
    private let seats: Seats
    private let errors: ErrorOutput
    private let startCount = Atomic<Int>(0)

    /// A pool that starts children when they are needed. SIGPIPE is ignored from now on by the whole process.
    ///
    /// - Parameter name: in the log.
    /// - Throws: `unavailable` when no pipe or thread can be had.
    public init(_ name: String, _ settings: ExecSettings) throws(ProcessorError) {
        self.name = name
        self.settings = settings
        let count = max(1, settings.children)
        places = (0..<count).map { _ in Place() }
        seats = Seats(count)
        signal(SIGPIPE, SIG_IGN)
        errors = try ErrorOutput(name)
        try errors.start()
    }

    /// How many children were started so far.
    public var starts: Int { startCount.load(ordering: .relaxed) }

    /// The processes that are there now.
    public var processes: [pid_t] {
        places.map { $0.process.load(ordering: .relaxed) }.filter { $0 != 0 }
    }

    /// The answer of a child.
    public func process(_ chunk: ChunkWork, _ limit: WorkLimit) throws(ProcessorError) -> [UInt8] {
        try ask(.chunk(chunk), limit)
    }

    /// The answer of a child to a join.
    public func join(_ results: [[UInt8]], of job: JobTerms, _ limit: WorkLimit) throws(ProcessorError) -> [UInt8] {
        try ask(.join(results, job), limit)
    }

    /// Lets the children go. Waits for them, a second at most.
    public func stop() {
        var children = places.compactMap { place in
            place.state.withLock { state in
                defer { state.child = nil }
                return state.child
            }
        }
        ExecChild.farewell(to: children)
        children = []
        errors.stop()
    }

    private func ask(_ request: ProcessorFrame.Request, _ limit: WorkLimit) throws(ProcessorError) -> [UInt8] {
        let seat = try seats.take(limit)
        defer { seats.giveBack(seat) }
        let place = places[seat]
        return try place.state.withLock { state throws(ProcessorError) in
            defer { place.process.store(state.child?.process ?? 0, ordering: .relaxed) }
            return try self.ask(request, &state, limit)
        }
    }

    private func ask(
        _ request: ProcessorFrame.Request, _ state: inout Place.State, _ limit: WorkLimit
    ) throws(ProcessorError) -> [UInt8] {
        // An idle child may have gone since; that is not this chunk's fault.
        if state.child?.hasEnded == true {
            state.child = nil
            state.backOff.failed(now: WorkLimit.now)
            Log.warning("processor \(name): a child ended while it had nothing to do")
        }
        if state.child == nil { try start(&state) }
        state.tag += 1
        let frame = ProcessorFrame.encode(request, tag: state.tag, timeLeft: limit.left)
        guard let channel = state.child?.channel else { throw .unavailable("no child") }
        let answer: ProcessorFrame.Answer
        do throws(ProcessorError) {
            answer = try channel.exchange(frame, tag: state.tag, limit)
        } catch {
            state.child = nil
            // Giving up is not the child's fault, but it cannot be asked to stop.
            if error != .cancelled { state.backOff.failed(now: WorkLimit.now) }
            throw error
        }
        state.backOff.succeeded()
        switch answer {
        case .result(let bytes): return bytes
        case .failure(let reason): throw .failed(reason)
        case .stale: throw .garbage("an answer to another request")
        }
    }

    private func start(_ state: inout Place.State) throws(ProcessorError) {
        guard state.backOff.mayTry(now: WorkLimit.now) else {
            throw .unavailable("its child failed \(state.backOff.count) times; it is started again after a pause")
        }
        do throws(ProcessorError) {
            state.child = try ExecChild(settings, errors: errors.writer)
        } catch {
            state.backOff.failed(now: WorkLimit.now)
            throw error
        }
        startCount.add(1, ordering: .relaxed)
    }
}
