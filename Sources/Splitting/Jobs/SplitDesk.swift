import Selection

/// All jobs of a load balancer, and what it knows of its nodes: the planning half of splitting.
///
/// No clock, no sockets, no threads: events name the time in monotonic nanoseconds, and what must be done is appended to
/// `actions`. One thread drives it:
///
/// 1. links: ``linkUp(_:now:)``, ``linkDown(_:now:into:)``, ``measured(_:to:)``;
/// 2. each flagged payload: ``submit(_:ring:now:into:)``, which refuses at once or begins a job;
/// 3. each message from a node: ``receive(_:from:now:into:)``;
/// 4. at ``due``, or every few milliseconds: ``tick(now:into:)``;
/// 5. all ``SplitAction``s are carried out; a message that cannot be sent comes back by
///    ``undeliverable(_:to:now:into:)``, and what became of an answer is told by ``answered(_:reached:now:)``.
public struct SplitDesk: Sendable {
    /// Settings, as the desk was made with them.
    public let settings: SplittingSettings
    /// Drawn at random when the load balancer starts: the first part of its jobs' names.
    public let origin: UInt64
    private let manager: ShardManager
    private var context: SplitContext
    private var admission: JobAdmission
    private var jobs: [JobID: SplitJob] = [:]
    /// Jobs whose answers are on their way to the clients.
    private var answering: Set<JobID> = []
    private var dueJobs = DueQueue<JobID>()
    private var issued: UInt64 = 0
    private var ended: [JobTrace] = []
    private var oldestTrace = 0

    /// A desk without jobs and nodes.
    ///
    /// - Parameters:
    ///   - settings: validated.
    ///   - origin: a random number.
    ///   - checksum: computes digests.
    ///   - predictedLoad: a node's forecast load, 0 … 1; nil where there is none.
    public init(
        settings: SplittingSettings, origin: UInt64, checksum: @escaping ChecksumFunction,
        predictedLoad: @escaping @Sendable (String) -> Double? = { _ in nil }
    ) {
        self.settings = settings
        self.origin = origin
        manager = ShardManager(settings: settings)
        context = SplitContext(
            book: NodeBook(settings: settings, predictedLoad: predictedLoad), checksum: checksum)
        admission = JobAdmission(maximumJobs: settings.maximumJobs, maximumBytes: settings.maximumJobBytes)
    }

    /// What was counted.
    public var counters: SplitCounters { context.counters }
    /// What is known of the nodes.
    public var book: NodeBook { context.book }
    /// Jobs under way, those included whose answers are being sent.
    public var jobCount: Int { jobs.count + answering.count }
    /// Bytes of payloads under way.
    public var jobBytes: Int { admission.bytes }
    /// What is known of a request type.
    public func history(of requestType: String) -> TypeHistory? { context.histories[requestType] }
    /// The time lines of the jobs under way and of those that ended last (`trace_jobs`), the oldest first.
    public var traces: [JobTrace] {
        let past = ended[oldestTrace...] + ended[..<oldestTrace]
        return past + jobs.values.map(\.trace).sorted { $0.job < $1.job }
    }

    /// When ``tick(now:into:)`` is next needed, in monotonic nanoseconds; nil without jobs.
    public var due: UInt64? { dueJobs.first }

    // MARK: Nodes

    /// A node's link is up.
    public mutating func linkUp(_ node: String, now: UInt64) { context.book.linkUp(node, now: now) }

    /// What `TCP_INFO` says of a node's link.
    ///
    /// - Parameters:
    ///   - roundTrip: in nanoseconds.
    ///   - bytesPerSecond: what it carried of late; 0: not known.
    ///   - isLowerBound: whether there was not more to carry (`tcpi_delivery_rate_app_limited`).
    public mutating func measured(
        roundTrip: UInt64, bytesPerSecond: Double, isLowerBound: Bool, to node: String
    ) {
        context.book.measured(
            roundTrip: roundTrip, bytesPerSecond: bytesPerSecond, isLowerBound: isLowerBound, to: node)
    }

    /// A node's link is down: what it works on goes elsewhere at once.
    public mutating func linkDown(_ node: String, now: UInt64, into actions: inout [SplitAction]) {
        begin(now: now)
        context.book.linkDown(node, now: now)
        tellOfLostNodes()
        finish(into: &actions)
    }

    /// A node is no longer configured.
    public mutating func remove(_ node: String, now: UInt64, into actions: inout [SplitAction]) {
        linkDown(node, now: now, into: &actions)
        context.book.remove(node)
    }

    // MARK: Jobs

    /// Offers a payload for splitting.
    ///
    /// - Returns: the job's name: it will end by one ``SplitAction/ended(_:)``, which may be among `actions` already.
    /// - Throws: why the payload is not split. It is counted as ``JobOutcome/forwardedRefused``, nothing is sent, and the
    ///   caller forwards the originals.
    public mutating func submit(
        _ request: SplitRequest, ring: ShardTable, now: UInt64, into actions: inout [SplitAction]
    ) throws(JobRefusal) -> JobID {
        begin(now: now)
        tellOfLostNodes()
        context.counters.offered += 1
        let plan: SplitPlan
        do throws(JobRefusal) {
            try admission.check(payloadBytes: request.payload.count)
            plan = try manager.plan(
                request, ring: ring,
                conditions: context.book.conditions(in: ring, requestType: request.type.name, now: now),
                history: context.histories[request.type.name] ?? TypeHistory())
        } catch {
            context.counters.count(error)
            finish(into: &actions)
            throw error
        }
        let id = nextID()
        admission.begin(payloadBytes: request.payload.count)
        var job = SplitJob(
            id: id, request: request, plan: plan, ring: ring, settings: settings, checksum: context.checksum, now: now)
        job.begin(context: &context)
        tryPassedOver(with: job)
        jobs[id] = job
        close(id)
        finish(into: &actions)
        return id
    }

    /// A payload was not offered, for a reason of the caller's: it is counted as if it had been, and refused.
    public mutating func refused(_ reason: JobRefusal) {
        context.counters.offered += 1
        context.counters.count(reason)
    }

    /// A node has sent something.
    public mutating func receive(
        _ message: LinkMessage, from node: String, now: UInt64, into actions: inout [SplitAction]
    ) {
        begin(now: now)
        switch message {
        case .answer(let answer):
            if jobs[answer.job] == nil { context.counters.countLate(answer, origin: origin, issued: issued) }
            jobs[answer.job]?.receive(answer, from: node, context: &context)
            close(answer.job)
        case .demand(let demand):
            if jobs[demand.job] == nil { context.counters.demandsIgnored += 1 }
            jobs[demand.job]?.receive(demand, from: node, context: &context)
            close(demand.job)
        case .overdue(let overdue):
            if jobs[overdue.job] == nil { context.counters.strayMessages += 1 }
            jobs[overdue.job]?.receive(overdue, from: node, context: &context)
        case .result(let result):
            if context.book.endTrial(result.job, of: node, isDone: result.status == .done, now: context.now) {
                context.actions.append(.send(.settled(result.job), to: node))
            } else if jobs[result.job] == nil {
                context.counters.strayMessages += 1
            }
            jobs[result.job]?.receive(result, from: node, context: &context)
            close(result.job)
        case .load(let report): context.book.report(report, from: node, now: now)
        case .probe(let number): context.actions.append(.send(.echo(number), to: node))
        case .echo: break
        case .opening, .chunk, .settled: context.counters.strayMessages += 1
        }
        finish(into: &actions)
    }

    /// A message from ``SplitAction/send(_:to:)`` could not be sent.
    public mutating func undeliverable(
        _ message: LinkMessage, to node: String, now: UInt64, into actions: inout [SplitAction]
    ) {
        guard let id = message.job else { return }
        begin(now: now)
        context.book.cancelTrial(id, of: node, now: context.now)
        jobs[id]?.undeliverable(message, to: node, context: &context)
        close(id)
        finish(into: &actions)
    }

    /// Time has passed: deadlines, reassembly nodes without a sign of life, silent nodes.
    public mutating func tick(now: UInt64, into actions: inout [SplitAction]) {
        begin(now: now)
        tellOfLostNodes()
        while let id = dueJobs.popDue(now: now) {
            guard let due = jobs[id]?.due else { continue }
            jobs[id]?.noted = .max
            if due <= now { jobs[id]?.tick(context: &context) }
            close(id)
        }
        dueJobs.compact(live: jobs.count) { jobs[$0] != nil }
        finish(into: &actions)
    }

    /// The load balancer stops: all jobs end.
    public mutating func stop(now: UInt64, into actions: inout [SplitAction]) {
        begin(now: now)
        for id in jobs.keys.sorted() {
            jobs[id]?.fail(.stopped, context: &context)
            close(id)
        }
        finish(into: &actions)
    }

    /// What became of the answer that a job ended with: only now the job's outcome is settled and counted.
    ///
    /// - Parameter reached: whether all of it was sent to the client.
    /// - Returns: the outcome: answered, or what `on_failure` makes of an answer that could not be sent.
    public mutating func answered(_ id: JobID, reached: Bool, now: UInt64) -> JobOutcome {
        let outcome = reached ? JobOutcome.answered : JobOutcome(.unsent, handling: settings.onFailure)
        precondition(answering.remove(id) != nil, "job \(id) has no answer that is being sent")
        context.counters.count(outcome)
        if let index = ended.lastIndex(where: { $0.job == id }) { ended[index].add(.ended(outcome), now: now) }
        return outcome
    }

    // MARK: Inside

    private mutating func begin(now: UInt64) { context.now = max(context.now, now) }

    private mutating func finish(into actions: inout [SplitAction]) {
        actions += context.actions
        context.actions.removeAll(keepingCapacity: true)
    }

    private mutating func nextID() -> JobID {
        issued += 1
        return JobID(origin: origin, number: issued)
    }

    /// Has nodes that are passed over and due work on a chunk of the job besides those that it is given to.
    private mutating func tryPassedOver(with job: SplitJob) {
        guard let usual = job.usualChunkTime else { return }
        for node in context.book.takeDueTrials(in: job.ring, now: context.now) {
            let enough = max(settings.retryTimeout.wholeNanoseconds, 2 * UInt64(settings.slowFactor) * usual)
            let trial = NodeTrial(
                job: nextID(), sent: context.now, deadline: min(job.deadline, context.now.clampedSum(enough)),
                usual: usual)
            context.book.begin(trial, of: node)
            context.counters.trials += 1
            context.actions.append(.send(.chunk(job.chunk(for: trial)), to: node))
        }
    }

    /// Tells the jobs of nodes that were lost.
    private mutating func tellOfLostNodes() {
        for node in context.book.takeLost(now: context.now) {
            for id in jobs.keys.sorted() {
                jobs[id]?.nodeLost(node, context: &context)
                close(id)
            }
        }
    }

    /// Notes when a job is due that goes on; forgets one that has ended, but for its time line.
    private mutating func close(_ id: JobID) {
        guard let job = jobs[id] else { return }
        if job.outcome == nil {
            let due = max(job.due, context.now + 1)
            if due >= job.noted { return }
            jobs[id]?.noted = due
            return dueJobs.add(id, due: due)
        }
        jobs[id] = nil
        if job.outcome == .answered { answering.insert(id) }
        admission.end(payloadBytes: job.request.payload.count)
        if settings.traces == 0 { return }
        if ended.count < settings.traces {
            ended.append(job.trace)
        } else {
            ended[oldestTrace] = job.trace
            oldestTrace = (oldestTrace + 1) % ended.count
        }
    }
}

extension SplitCounters {
    /// An answer without a job: late if the job was of this load balancer and start.
    mutating func countLate(_ answer: JobAnswer, origin: UInt64, issued: UInt64) {
        let known = answer.job.origin == origin && (1...max(issued, 1)).contains(answer.job.number)
        if known { lateAnswers += 1 } else { strayMessages += 1 }
    }
}

extension LinkMessage {
    /// The job that the message belongs to; nil for those of a link.
    public var job: JobID? {
        switch self {
        case .opening(let opening): opening.terms.job
        case .chunk(let chunk): chunk.terms.job
        case .result(let result): result.job
        case .demand(let demand): demand.job
        case .overdue(let overdue): overdue.job
        case .answer(let answer): answer.job
        case .settled(let id): id
        case .load, .probe, .echo: nil
        }
    }
}
