import Selection

/// One job at its load balancer: from the plan to exactly one end.
///
/// A state machine without clock and sockets: each event names the time and appends what must be done. The payload is kept
/// until the end, so that any chunk can be sent again and another reassembly node can take over.
public struct SplitJob: Sendable {
    /// A chunk that a node is charged for.
    struct Charge: Sendable {
        let node: String
        let sent: UInt64
        /// Whether it no longer counts in the node's window: the result is there, or `retry_timeout` has passed. What the
        /// chunk took is still learnt when the job ends.
        var isRelieved = false
        /// Whether the reassembly node has said that it is overdue.
        var isOverdue = false
    }

    /// One chunk.
    struct ChunkState: Sendable {
        let range: Range<Int>
        let checksum: [UInt8]
        /// All nodes that were sent the chunk, in that order.
        var nodes: [String]
        /// Those that work on it as far as the load balancer knows.
        var working: [Charge] = []
        var nextCopy: UInt8
        /// When it was last sent on the load balancer's own account.
        var resent: UInt64 = 0
    }

    /// The job's name.
    public let id: JobID
    /// What it was planned from.
    public let request: SplitRequest
    /// The pool's table as the job found it.
    let ring: ShardTable
    /// What was planned.
    public let plan: SplitPlan
    /// When it began and when it must be over, in monotonic nanoseconds.
    public let began, deadline: UInt64
    let settings: SplittingSettings
    var chunks: [ChunkState]
    /// The reassembly nodes that were asked, the present one last.
    var asked: [String] = []
    /// When the present one is given up.
    var patience: UInt64 = .max
    /// When the present one, which has said nothing yet, has been silent for too long.
    var silence: UInt64 = .max
    /// When the first of the charges is relieved.
    var relief: UInt64 = .max
    /// Nodes that were lost while the job ran.
    var lost: [String] = []
    var resends = 0
    /// What chunks of the type usually took when the job began, in nanoseconds; nil while that is not known.
    var usualChunkTime: UInt64?
    /// The earliest time that the desk has noted for the job.
    var noted = UInt64.max
    var damagedAnswers = 0
    /// How it ended; nil while it runs.
    public private(set) var outcome: JobOutcome?
    /// Its time line.
    public internal(set) var trace: JobTrace

    /// The reassembly node that is asked now.
    var reassembly: String { asked.last ?? "" }

    /// When ``tick(now:context:)`` must be called, in monotonic nanoseconds.
    var due: UInt64 { min(deadline, patience, silence, relief) }

    /// A job that was planned; nothing is sent yet.
    init(
        id: JobID, request: SplitRequest, plan: SplitPlan, ring: ShardTable, settings: SplittingSettings,
        checksum: ChecksumFunction, now: UInt64
    ) {
        self.id = id
        self.request = request
        self.plan = plan
        self.ring = ring
        self.settings = settings
        began = now
        deadline = now.clampedSum((request.type.deadline ?? settings.deadline).wholeNanoseconds)
        trace = JobTrace(
            job: id, requestType: request.type.name, payloadBytes: request.payload.count, began: now)
        chunks = zip(plan.ranges, plan.holders).map { range, nodes in
            ChunkState(
                range: range, checksum: checksum(settings.checksums, Array(request.payload[range])), nodes: nodes,
                nextCopy: UInt8(nodes.count))
        }
        let largest = plan.ranges.map(\.count).max() ?? 0
        trace.add(.planned(chunks: chunks.count, largest: largest), now: now)
    }

    /// Ends the job, once: frees the nodes it is charged for and settles it with all who took part.
    mutating func end(_ outcome: JobOutcome, answer: [[UInt8]]?, context: inout SplitContext) {
        precondition(self.outcome == nil, "job \(id) ended twice")
        self.outcome = outcome
        for index in chunks.indices {
            while !chunks[index].working.isEmpty {
                let charge = takeCharge(0, of: index, context: &context)
                context.book.released(by: charge.node)
            }
        }
        // Whether the client has the answer is known when it has been sent.
        if outcome != .answered {
            trace.add(.ended(outcome), now: context.now)
            context.counters.count(outcome)
        }
        trace.sort()
        var told = Set<String>()
        for name in asked + chunks.flatMap(\.nodes) where told.insert(name).inserted {
            context.actions.append(.send(.settled(id), to: name))
        }
        let end = JobEnd(
            job: id, outcome: outcome, answer: answer, endpoints: request.endpoints, took: context.now - began,
            deadline: deadline)
        context.actions.append(.ended(end))
    }

    /// Ends the job without an answer.
    mutating func fail(_ failure: JobOutcome.Failure, context: inout SplitContext) {
        end(JobOutcome(failure, handling: settings.onFailure), answer: nil, context: &context)
    }

    /// What all messages of the job have in common, with the time that is left.
    func terms(now: UInt64) -> JobTerms {
        JobTerms(
            job: id, requestType: request.type.name, total: chunks.count, endpoints: request.endpoints,
            timeLeft: deadline.microseconds(since: now), checksums: settings.checksums)
    }

    /// A chunk for a node.
    func chunk(_ index: Int, copy: UInt8, kept: Bool, now: UInt64) -> Chunk {
        let chunk = chunks[index]
        return Chunk(
            terms: terms(now: now), index: index, replica: copy, standby: kept, reassembly: reassembly,
            payload: Array(request.payload[chunk.range]), checksum: chunk.checksum)
    }

    /// The job's first chunk for a node that is tried: under a name of its own, and no node waits for it.
    func chunk(for trial: NodeTrial) -> Chunk {
        var chunk = chunk(0, copy: 0, kept: false, now: trial.sent)
        chunk.terms.job = trial.job
        chunk.terms.timeLeft = trial.deadline.microseconds(since: trial.sent)
        chunk.reassembly = ""
        return chunk
    }
}

/// What a job works with while an event is handled.
struct SplitContext {
    var now: UInt64 = 0
    var book: NodeBook
    var counters = SplitCounters()
    var histories: [String: TypeHistory] = [:]
    let checksum: ChecksumFunction
    var actions: [SplitAction] = []
}
