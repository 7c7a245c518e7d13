import ChunkProcessing
import Logging
import NodeLinks
import Splitting

extension NodeAgent {
    /// A chunk from a load balancer, to work on or to keep.
    func take(_ chunk: Chunk, from balancer: LinkPeer, now: Int64) {
        let key = ChunkKey(job: chunk.terms.job, index: chunk.index)
        if chunk.standby { counters.copiesReceived += 1 } else { counters.chunksReceived += 1 }
        counters.chunkBytes += UInt64(chunk.payload.count)
        averageChunk += (Double(chunk.payload.count) - averageChunk) / 64
        let destination = chunk.reassembly.isEmpty ? balancer : LinkPeer(name: chunk.reassembly, role: .node)
        if let kept = store[key] {
            counters.duplicates += 1
            store.update(key) { $0.destination = destination }
            if !chunk.standby { work(on: key, kept, now: now) }
            return
        }
        if let fault = fault(of: chunk) { return refuse(chunk, fault, to: balancer) }
        let kept = KeptChunk(
            state: .standby, terms: chunk.terms, replica: chunk.replica, destination: destination,
            payload: chunk.payload, deadline: now + Int64(chunk.terms.timeLeft) * 1000)
        guard store.insert(kept, at: key) else { return refuse(chunk, .refused, to: balancer) }
        if !chunk.standby && !queue(key, kept, now: now) {
            store.remove(key)
            refuse(chunk, .refused, to: balancer)
        }
    }

    /// Why a chunk cannot be taken, if it cannot.
    private func fault(of chunk: Chunk) -> ChunkResult.Status? {
        if isDraining { return .refused }
        guard chunk.terms.checksums.verifies(chunk.checksum, of: chunk.payload) else { return .damaged }
        guard processors.plan(for: chunk.terms.requestType) == nil else { return nil }
        counters.unknownTypes += 1
        if unknownLog.admit() != nil {
            Log.warning("request type \"\(chunk.terms.requestType)\" is not configured here: add it to request_types")
        }
        return .failed
    }

    /// Returns a chunk to the load balancer, which knows where else it can be worked on. A copy that nobody waits for
    /// is dropped without a word: who asks for it hears that it is unknown.
    private func refuse(_ chunk: Chunk, _ status: ChunkResult.Status, to balancer: LinkPeer) {
        counters.results[Int(status.rawValue)] += 1
        guard !chunk.standby else { return }
        let result = ChunkResult(
            job: chunk.terms.job, index: chunk.index, replica: chunk.replica, status: status)
        if !outlet.send(.result(result), to: balancer) { counters.unsent += 1 }
    }

    /// A chunk is asked for.
    func take(_ demand: ChunkDemand, from node: LinkPeer, now: Int64) {
        counters.demands += 1
        let key = ChunkKey(job: demand.job, index: demand.index)
        guard let kept = store[key] else {
            counters.results[Int(ChunkResult.Status.unknown.rawValue)] += 1
            _ = deliver(
                ChunkResult(job: demand.job, index: demand.index, replica: 0, status: .unknown), to: node, now: now)
            return
        }
        store.update(key) { $0.destination = node }
        work(on: key, kept, now: now)
    }

    /// Somebody wants a chunk's result: it is sent if it is there, and worked on if it is not.
    private func work(on key: ChunkKey, _ kept: KeptChunk, now: Int64) {
        switch kept.state {
        case .queued: break
        case .done:
            counters.resent += 1
            sendResult(of: key, now: now)
        case .standby, .failed:
            if !queue(key, kept, now: now) { conclude(key, .refused, waited: 0, worked: 0, now: now) }
        }
    }

    /// Puts a kept chunk into the queue.
    ///
    /// - Returns: false when there is no place for it.
    private func queue(_ key: ChunkKey, _ kept: KeptChunk, now: Int64) -> Bool {
        guard !isDraining, let plan = processors.plan(for: kept.terms.requestType) else { return false }
        let limit = WorkLimit(deadline: kept.deadline)
        let work = NodeWork.chunk(
            ChunkWork(terms: kept.terms, index: key.index, replica: kept.replica, payload: kept.payload), plan, limit)
        let (ticket, displaced) = pool.add(work, urgency: plan.urgency, now: now)
        if let displaced { displace(displaced, now: now) }
        guard let ticket else { return false }
        store.update(key) {
            $0.state = .queued(ticket)
            $0.limit = limit
        }
        return true
    }

    /// A chunk lost its place in the queue: it is refused, and kept in case it is asked for again.
    func displace(_ work: NodeWork, now: Int64) {
        guard case .chunk(let chunk, _, _) = work else { return }
        counters.displaced += 1
        conclude(ChunkKey(job: chunk.terms.job, index: chunk.index), .refused, waited: 0, worked: 0, now: now)
    }

    /// A worker is done with something, or its time was over before its turn.
    func finished(_ report: WorkReport, now: Int64) {
        guard case .chunk(let chunk, let plan, let limit) = report.work else { return joined(report, now: now) }
        let key = ChunkKey(job: chunk.terms.job, index: chunk.index)
        // A chunk that was settled and came again has another limit.
        guard let kept = store[key], kept.limit === limit else {
            counters.unwanted += 1
            return
        }
        counters.waited.add(microseconds: report.waited)
        switch report.outcome {
        case .done(let payload, let checksum):
            counters.worked.add(microseconds: report.worked)
            times.add(plan.name, microseconds: report.worked, bytes: chunk.payload.count)
            let result = ChunkResult(
                job: key.job, index: key.index, replica: chunk.replica, status: .done, waited: report.waited,
                worked: report.worked, payload: payload, checksum: checksum)
            guard store.canKeep(result) else { return pass(result, of: key, to: kept.destination, now: now) }
            counters.results[Int(ChunkResult.Status.done.rawValue)] += 1
            store.finish(key, result)
            sendResult(of: key, now: now)
        case .failed(let error):
            counters.worked.add(microseconds: report.worked)
            counters.failed(error)
            if let held = failureLog.admit() {
                Log.warning(
                    "request type \"\(plan.name)\": chunk \(key.index) of job \(key.job) \(error)"
                        + (held == 0 ? "" : " (and \(held) more since the last such line)"))
            }
            let expired = error == .timeLimit && now >= kept.deadline
            conclude(key, expired ? .expired : .failed, waited: report.waited, worked: report.worked, now: now)
        case .expired:
            conclude(key, .expired, waited: report.waited, worked: 0, now: now)
        }
    }

    /// A result that cannot be kept goes out now, or the work was for nothing; the chunk stays in case it is asked for
    /// again.
    private func pass(_ result: ChunkResult, of key: ChunkKey, to peer: LinkPeer, now: Int64) {
        counters.unkept += 1
        if unkeptLog.admit() != nil {
            Log.warning(
                "a result of \(result.payload.count) bytes cannot be kept in case it is lost on the way: "
                    + "memory.max_result_bytes is \(store.resultLimit); make it larger")
        }
        store.update(key) {
            $0.state = .standby
            $0.limit = nil
        }
        if deliver(result, to: peer, now: now) {
            counters.results[Int(ChunkResult.Status.done.rawValue)] += 1
        } else {
            conclude(key, .failed, waited: result.waited, worked: result.worked, now: now)
        }
    }

    /// Work on a chunk ended without a result: its reassembly node hears of it, the chunk is kept.
    private func conclude(
        _ key: ChunkKey, _ status: ChunkResult.Status, waited: UInt32, worked: UInt32, now: Int64
    ) {
        guard let kept = store[key] else { return }
        counters.results[Int(status.rawValue)] += 1
        store.update(key) {
            $0.state = .failed(status)
            $0.limit = nil
        }
        // Bad news that cannot be sent is as good as none: who waits for the result asks again after its time.
        _ = deliver(
            ChunkResult(
                job: key.job, index: key.index, replica: kept.replica, status: status, waited: waited, worked: worked),
            to: kept.destination, now: now)
    }

    /// Sends a kept result to who wants it, or keeps in mind that it is owed.
    func sendResult(of key: ChunkKey, now: Int64) {
        guard let kept = store[key], case .done(let result) = kept.state else { return }
        let sent = deliver(result, to: kept.destination, now: now)
        store.update(key) { $0.owesResult = !sent }
    }

    /// Brings a result to who wants it: a reassembly node, which may be this one, or a load balancer.
    private func deliver(_ result: ChunkResult, to peer: LinkPeer, now: Int64) -> Bool {
        if peer.role == .node && peer.name == name {
            take(result, from: name, now: now)
            return true
        }
        let sent = outlet.send(.result(result), to: peer)
        if !sent { counters.unsent += 1 }
        return sent
    }

    /// The job is over: nothing of it is kept.
    func settle(_ job: JobID, now: Int64) {
        for chunk in store.removeJob(job) {
            chunk.limit?.cancel()
            if case .queued(let ticket) = chunk.state { pool.remove(ticket) }
        }
        settleJob(job, now: now)
    }
}
