/// All jobs that a node reassembles: the resolver.
///
/// No clock, no sockets, no threads: events name the time in monotonic nanoseconds, and what must be done is appended to
/// `actions`. Jobs, bytes, results that come before their job, and demands under way are bounded by
/// ``ReassemblySettings``; a job that does not fit is answered `refused` at once.
public struct ReassemblyDesk: Sendable {
    private var context: ReassemblyContext
    private var jobs: [JobID: ReassemblyJob] = [:]
    private var dueJobs = DueQueue<JobID>()
    private var early: EarlyResults
    /// The jobs that were settled last: their late results are nothing to wait for.
    private var settled: [JobID] = []
    private var isSettled: Set<JobID> = []
    private var oldestSettled = 0

    /// Settled jobs that are remembered.
    static var settledJobs: Int { 4096 }

    /// A desk without jobs.
    ///
    /// - Parameters:
    ///   - settings: validated.
    ///   - checksum: computes digests.
    public init(settings: ReassemblySettings, checksum: @escaping ChecksumFunction) {
        context = ReassemblyContext(
            settings: settings, checksum: checksum, budget: HedgeBudget(burst: settings.hedgeBurst),
            demands: DemandWindow(maximum: settings.maximumDemands))
        early = EarlyResults(maximumBytes: settings.earlyBytes, time: settings.earlyTime.wholeNanoseconds)
    }

    /// What was counted.
    public var counters: ReassemblyCounters { context.counters }
    /// The budget of extra work.
    public var budget: HedgeBudget { context.budget }
    /// The window over demands.
    public var demands: DemandWindow { context.demands }
    /// Jobs that are not settled.
    public var jobCount: Int { jobs.count }
    /// Bytes of results and answers that are held, those before their jobs too.
    public var bytes: Int { context.bytes + early.bytes }
    /// When ``tick(now:into:)`` is next needed, in monotonic nanoseconds; nil if nothing waits.
    public var due: UInt64? {
        guard let job = dueJobs.first else { return early.due }
        return min(job, early.due ?? .max)
    }

    /// A message came; those that are not for reassembly are ignored, and false is returned.
    public mutating func receive(
        _ message: LinkMessage, from peer: String, now: UInt64, into actions: inout [ReassemblyAction]
    ) -> Bool {
        begin(now: now)
        switch message {
        case .opening(let opening): open(opening, from: peer)
        case .result(let result): receive(result, from: peer)
        case .settled(let id): settle(id)
        default: return false
        }
        finish(into: &actions)
        return true
    }

    /// The results of a job were joined; nil: they could not be.
    public mutating func joined(
        _ id: JobID, payload: [UInt8]?, now: UInt64, into actions: inout [ReassemblyAction]
    ) {
        begin(now: now)
        if case .joining? = jobs[id]?.stage {
            if let payload {
                jobs[id]?.joined(payload, context: &context)
            } else {
                jobs[id]?.stage = .collecting
                jobs[id]?.fail(.failed, context: &context)
            }
            note(id)
        }
        finish(into: &actions)
    }

    /// A link is up.
    public mutating func linkUp(_ peer: String) { context.unreachable.remove(peer) }

    /// A link is down: what its node works on is asked for elsewhere; the jobs of a load balancer are dropped, because it
    /// has another node take over.
    public mutating func linkDown(_ peer: String, now: UInt64, into actions: inout [ReassemblyAction]) {
        begin(now: now)
        context.unreachable.insert(peer)
        for id in jobs.keys.sorted() {
            if jobs[id]?.balancer == peer {
                abandon(id)
            } else {
                jobs[id]?.nodeLost(peer, context: &context)
                note(id)
            }
        }
        finish(into: &actions)
    }

    /// A message of ``ReassemblyAction/send(_:to:)`` could not be sent.
    public mutating func undeliverable(
        _ message: LinkMessage, to peer: String, now: UInt64, into actions: inout [ReassemblyAction]
    ) {
        guard let id = message.job, let job = jobs[id] else { return }
        // What the load balancer is told besides is no loss.
        if case .overdue = message { return }
        begin(now: now)
        if job.balancer == peer {
            abandon(id)
        } else if case .demand(let demand) = message, case .collecting = job.stage,
            job.chunks[demand.index].result == nil
        {
            jobs[id]?.failed(demand.index, node: peer, reason: .unreachable, context: &context)
            note(id)
        }
        finish(into: &actions)
    }

    /// Time has passed.
    public mutating func tick(now: UInt64, into actions: inout [ReassemblyAction]) {
        begin(now: now)
        context.counters.unknown += UInt64(early.expire(now: now))
        while let id = dueJobs.popDue(now: now) {
            guard let due = jobs[id]?.due else { continue }
            jobs[id]?.noted = .max
            if due <= now {
                if case .answered? = jobs[id]?.stage {
                    abandon(id)
                    continue
                }
                jobs[id]?.tick(context: &context)
            }
            note(id)
        }
        dueJobs.compact(live: jobs.count) { jobs[$0] != nil }
        finish(into: &actions)
    }
}

/// What the messages do.
extension ReassemblyDesk {
    private mutating func begin(now: UInt64) { context.now = max(context.now, now) }

    private mutating func finish(into actions: inout [ReassemblyAction]) {
        actions += context.actions
        context.actions.removeAll(keepingCapacity: true)
    }

    /// Notes when the job is due, if that is earlier than what is noted.
    private mutating func note(_ id: JobID) {
        guard let job = jobs[id] else { return }
        let due = max(job.due, context.now + 1)
        if due >= job.noted { return }
        jobs[id]?.noted = due
        dueJobs.add(id, due: due)
    }

    private mutating func open(_ opening: JobOpening, from balancer: String) {
        let id = opening.terms.job
        if let job = jobs[id] {
            // The load balancer could not use the answer, or has lost sight of this node for a while.
            guard job.balancer == balancer, case .answered(let answer) = job.stage else { return }
            context.counters.repeatedAnswers += 1
            context.actions.append(.send(.answer(answer), to: balancer))
            return
        }
        guard ReassemblyJob.isValid(opening) else {
            context.counters.invalidOpenings += 1
            return refuse(id, .failed, to: balancer)
        }
        let full = jobs.count >= context.settings.maximumJobs || context.bytes >= context.settings.maximumBytes
        if full { return refuse(id, .refused, to: balancer) }
        context.counters.opened += 1
        if opening.takeover > 0 { context.counters.takenOver += 1 }
        context.budget.earn(chunks: opening.terms.total, share: opening.hedgeBudget)
        jobs[id] = ReassemblyJob(opening, from: balancer, now: context.now)
        for (node, result) in early.take(id) { jobs[id]?.receive(result, from: node, context: &context) }
        note(id)
    }

    private mutating func refuse(_ id: JobID, _ status: JobAnswer.Status, to balancer: String) {
        _ = early.take(id)
        context.counters.answers[Int(status.rawValue)] += 1
        context.actions.append(.send(.answer(JobAnswer(job: id, status: status)), to: balancer))
    }

    private mutating func receive(_ result: ChunkResult, from node: String) {
        if jobs[result.job] != nil {
            jobs[result.job]?.receive(result, from: node, context: &context)
            note(result.job)
        } else if isSettled.contains(result.job) {
            context.counters.duplicates += 1
        } else if early.keep(result, from: node, now: context.now) {
            context.counters.early += 1
        } else {
            context.counters.unknown += 1
        }
    }

    private mutating func settle(_ id: JobID) {
        if case .joining? = jobs[id]?.stage { context.actions.append(.forget(id)) }
        forget(id)
        _ = early.take(id)
        guard isSettled.insert(id).inserted else { return }
        if settled.count < Self.settledJobs {
            settled.append(id)
        } else {
            isSettled.remove(settled[oldestSettled])
            settled[oldestSettled] = id
            oldestSettled = (oldestSettled + 1) % settled.count
        }
    }

    private mutating func abandon(_ id: JobID) {
        context.counters.abandoned += 1
        if case .joining? = jobs[id]?.stage { context.actions.append(.forget(id)) }
        forget(id)
    }

    private mutating func forget(_ id: JobID) {
        jobs[id]?.release(context: &context)
        jobs[id] = nil
    }
}
