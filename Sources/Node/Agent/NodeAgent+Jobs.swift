import ChunkProcessing
import Configuration
import Logging
import NodeLinks
import Splitting

/// The node as reassembly node: drives the desk, and gives each job its place in the priority queue.
extension NodeAgent {
    /// How long after its deadline a job is forgotten that nobody settles.
    private static var retention: Int64 { 2_000_000_000 }

    /// A load balancer opens a job here.
    func open(_ opening: JobOpening, from balancer: LinkPeer, now: Int64) {
        let id = opening.terms.job
        // The load balancer could not use the answer, or asks whether the node is still there.
        if jobs[id] != nil { return drive(.opening(opening), from: balancer.deskName, now: now) }
        if isDraining { return refuse(id, .refused, to: balancer) }
        guard let plan = processors.joining(opening.terms.requestType, aggregation: opening.aggregation) else {
            counters.unknownTypes += 1
            if unknownLog.admit() != nil {
                let joiner = opening.aggregation.map { ", or processor \"\($0)\"," } ?? ""
                Log.warning("request type \"\(opening.terms.requestType)\"\(joiner) is not configured here")
            }
            return refuse(id, .failed, to: balancer)
        }
        let (admitted, displaced) = pool.reserve(urgency: plan.urgency)
        if let displaced { displace(displaced, now: now) }
        guard admitted else { return refuse(id, .refused, to: balancer) }
        jobs[id] = OpenJob(
            balancer: balancer, terms: opening.terms, plan: plan,
            deadline: now + Int64(opening.terms.timeLeft) * 1000)
        var opening = opening
        opening.aggregation = plan.aggregation
        drive(.opening(opening), from: balancer.deskName, now: now)
    }

    private func refuse(_ job: JobID, _ status: JobAnswer.Status, to balancer: LinkPeer) {
        counters.jobsRefused += 1
        if !outlet.send(.answer(JobAnswer(job: job, status: status)), to: balancer) { counters.unsent += 1 }
    }

    /// A result for a job that is reassembled here.
    func take(_ result: ChunkResult, from node: String, now: Int64) {
        drive(.result(result), from: node, now: now)
    }

    /// A load balancer is done with a job.
    func settleJob(_ id: JobID, now: Int64) {
        drive(.settled(id), from: "", now: now)
        forget(id)
    }

    /// Results were joined, or could not be.
    func joined(_ report: WorkReport, now: Int64) {
        let id = report.work.terms.job
        guard case .joining(_, let limit)? = jobs[id]?.stage, limit === report.work.limit else {
            counters.unwanted += 1
            return
        }
        jobs[id]?.stage = .over
        var payload: [UInt8]?
        switch report.outcome {
        case .done(let result, _):
            counters.joined.add(microseconds: report.worked)
            payload = result
        case .failed(let error):
            counters.failed(error)
            if failureLog.admit() != nil { Log.warning("joining job \(id) \(error)") }
        case .expired: break
        }
        var actions: [ReassemblyAction] = []
        desk.joined(id, payload: payload, now: UInt64(now), into: &actions)
        carryOut(actions, now: now)
    }

    /// Time has passed.
    func tickJobs(now: Int64) {
        var actions: [ReassemblyAction] = []
        desk.tick(now: UInt64(now), into: &actions)
        carryOut(actions, now: now)
        for (id, job) in jobs where job.deadline + Self.retention <= now { forget(id) }
    }

    /// A peer cannot be reached any more. The jobs of a load balancer are dropped: another node takes them over.
    func peerIsDown(_ peer: LinkPeer, now: Int64) {
        var actions: [ReassemblyAction] = []
        desk.linkDown(peer.deskName, now: UInt64(now), into: &actions)
        carryOut(actions, now: now)
        for (id, job) in jobs where job.balancer == peer { forget(id) }
    }

    private func drive(_ message: LinkMessage, from peer: String, now: Int64) {
        var actions: [ReassemblyAction] = []
        _ = desk.receive(message, from: peer, now: UInt64(now), into: &actions)
        carryOut(actions, now: now)
    }

    /// Does what the desk wants done. What comes of that is done after it, so the desk is never called from within.
    private func carryOut(_ actions: [ReassemblyAction], now: Int64) {
        pendingActions += actions
        guard !isCarryingOut else { return }
        isCarryingOut = true
        while !pendingActions.isEmpty {
            let batch = pendingActions
            pendingActions.removeAll(keepingCapacity: true)
            for action in batch { carryOut(action, now: now) }
        }
        isCarryingOut = false
    }

    private func carryOut(_ action: ReassemblyAction, now: Int64) {
        switch action {
        case .send(let message, let name): send(message, to: name, now: now)
        case .join(let id, _, _, let results): join(id, results, now: now)
        case .forget(let id): giveBack(id)
        }
    }

    private func send(_ message: LinkMessage, to name: String, now: Int64) {
        guard let id = message.job, let job = jobs[id] else { return }
        if case .answer = message { giveBack(id) }
        if name == self.name, case .demand(let demand) = message {
            return take(demand, from: LinkPeer(name: name, role: .node), now: now)
        }
        let peer = name == job.balancer.deskName ? job.balancer : LinkPeer(name: name, role: .node)
        guard !outlet.send(message, to: peer) else { return }
        counters.unsent += 1
        if case .overdue = message { return }
        desk.undeliverable(message, to: name, now: UInt64(now), into: &pendingActions)
        if peer == job.balancer { forget(id) }
    }

    /// A job's results are there: its place becomes an entry of the queue.
    private func join(_ id: JobID, _ results: [[UInt8]], now: Int64) {
        guard let job = jobs[id], case .reserved = job.stage else { return }
        let limit = WorkLimit(deadline: job.deadline)
        let ticket = pool.redeem(
            .join(results, job.terms, job.plan, limit), urgency: job.plan.urgency, now: now)
        jobs[id]?.stage = .joining(ticket, limit)
    }

    /// Gives a job's place back, if it has one.
    private func giveBack(_ id: JobID) {
        switch jobs[id]?.stage {
        case .reserved?: pool.release()
        case .joining(let ticket, let limit)?:
            limit.cancel()
            pool.remove(ticket)
        case .over?, nil: break
        }
        jobs[id]?.stage = .over
    }

    private func forget(_ id: JobID) {
        giveBack(id)
        jobs[id] = nil
    }
}

extension ReassemblyDesk {
    /// A desk with the bounds of the configuration.
    init(_ configuration: NodeConfiguration) {
        var settings = ReassemblySettings()
        settings.maximumJobs = configuration.memory.jobs
        settings.maximumBytes = configuration.memory.jobBytes
        settings.maximumAnswer = configuration.memory.answer
        self.init(settings: settings) { $0.checksum(of: $1) }
    }
}
