/// One job at its reassembly node: collects the results of all chunks, asks again for what is late or broken, joins.
struct ReassemblyJob: Sendable {
    /// A result that was taken, or waits for a second opinion.
    struct Held: Sendable {
        let node: String
        let payload: [UInt8]
    }

    /// One chunk.
    struct ChunkState: Sendable {
        var result: Held?
        /// Valid results that no second node has confirmed yet.
        var contenders: [Held] = []
        /// Nodes that are known to work on it.
        var working: [String]
        /// Whether the load balancer was asked to have some node work on it.
        var asksBalancer = false
        /// Nodes that have had their chance.
        var tried: [String] = []
        /// When its result is late, in monotonic nanoseconds.
        var due: UInt64
        /// When a second copy may be worked on too.
        var hedgeDue: UInt64
        var retries: UInt8 = 0
        /// Whether a demand for it counts in the window.
        var demanded = false
        var line = JobAnswer.ChunkTrace(node: "", arrived: 0, waited: 0, worked: 0, retries: 0)

        /// Whether anybody may still deliver.
        var isUnderWay: Bool { !working.isEmpty || asksBalancer }
    }

    enum Stage: Sendable {
        case collecting
        case joining
        case answered(JobAnswer)
    }

    var opening: JobOpening
    /// The load balancer, by the name of its link.
    let balancer: String
    let opened: UInt64
    let deadline: UInt64
    let retryAfter: UInt64
    var stage = Stage.collecting
    var chunks: [ChunkState]
    var missing: Int
    /// When the load balancer is told of what is still missing.
    var overdueDue: UInt64
    /// Bytes of results, or of the answer, that the job holds.
    var bytes = 0
    /// The earliest time that the desk has noted for the job.
    var noted = UInt64.max

    var id: JobID { opening.terms.job }

    /// An answered job is forgotten so long after its deadline if it is not settled before.
    static var retention: UInt64 { 1_000_000_000 }

    init(_ opening: JobOpening, from balancer: String, now: UInt64) {
        self.opening = opening
        self.balancer = balancer
        opened = now
        deadline = now.clampedSum(UInt64(opening.terms.timeLeft) * 1000)
        retryAfter = UInt64(opening.retryAfter) * 1000
        let hedgeAfter = opening.hedgeAfter == 0 ? UInt64.max : UInt64(opening.hedgeAfter) * 1000
        let due = now.clampedSum(retryAfter)
        overdueDue =
            opening.overdueAfter == 0 ? .max : min(due, now.clampedSum(UInt64(opening.overdueAfter) * 1000))
        chunks = opening.holders.map { holders in
            let active = JobOpening.activeCopies(
                of: holders.count, replication: opening.replication, reconciliation: opening.reconciliation)
            return ChunkState(
                working: Array(holders.prefix(active)), due: due, hedgeDue: now.clampedSum(hedgeAfter))
        }
        missing = chunks.count
    }

    /// Whether an opening makes sense: as many holders as chunks, a time to retry after.
    static func isValid(_ opening: JobOpening) -> Bool {
        (1...JobTerms.maximumTotal).contains(opening.terms.total) && opening.holders.count == opening.terms.total
            && opening.retryAfter > 0 && opening.holders.allSatisfy { $0.count <= Int(UInt8.max) }
    }

    /// When ``tick(context:)`` must be called, in monotonic nanoseconds.
    var due: UInt64 {
        switch stage {
        case .answered: return deadline.clampedSum(Self.retention)
        case .joining: return min(deadline, overdueDue)
        case .collecting:
            var earliest = min(deadline, overdueDue)
            for chunk in chunks where chunk.result == nil {
                earliest = min(earliest, chunk.due, chunk.hedgeDue)
            }
            return earliest
        }
    }

    /// Time has passed. An answered job is the desk's to forget.
    mutating func tick(context: inout ReassemblyContext) {
        if case .answered = stage { return }
        if context.now >= deadline { return fail(.expired, context: &context) }
        if overdueDue <= context.now { tellOverdue(context: &context) }
        guard case .collecting = stage else { return }
        for index in chunks.indices where chunks[index].result == nil {
            if chunks[index].due <= context.now {
                late(index, context: &context)
            } else if chunks[index].hedgeDue <= context.now {
                hedge(index, context: &context)
            }
            guard case .collecting = stage else { return }
        }
    }

    /// The job is over without an answer.
    mutating func fail(_ status: JobAnswer.Status, context: inout ReassemblyContext) {
        if case .joining = stage { context.actions.append(.forget(id)) }
        finish(
            JobAnswer(job: id, status: status, chunks: chunks.map(\.line)), context: &context)
    }

    /// The results are joined.
    mutating func joined(_ payload: [UInt8], context: inout ReassemblyContext) {
        if payload.count > context.settings.maximumAnswer { return fail(.tooLong, context: &context) }
        let checksum = context.checksum(opening.terms.checksums, payload)
        let answer = JobAnswer(
            job: id, status: .done, payload: payload, checksum: checksum, chunks: chunks.map(\.line))
        finish(answer, context: &context)
    }

    private mutating func finish(_ answer: JobAnswer, context: inout ReassemblyContext) {
        release(context: &context)
        bytes = answer.payload.count
        context.bytes += bytes
        stage = .answered(answer)
        context.counters.answers[Int(answer.status.rawValue)] += 1
        context.actions.append(.send(.answer(answer), to: balancer))
    }

    /// Gives back what the job holds.
    mutating func release(context: inout ReassemblyContext) {
        context.bytes -= bytes
        bytes = 0
        for index in chunks.indices {
            if chunks[index].demanded { context.demands.released() }
            chunks[index].demanded = false
            chunks[index].result = nil
            chunks[index].contenders = []
        }
    }
}
