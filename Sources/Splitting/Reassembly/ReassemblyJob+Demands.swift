/// Asking again.
extension ReassemblyJob {
    /// The job takes much longer than usual: the load balancer learns what is still missing, once. While all is there and an
    /// aggregation works on it, that is nothing.
    mutating func tellOverdue(context: inout ReassemblyContext) {
        overdueDue = .max
        var overdue = OverdueChunks(job: id, chunks: [])
        for index in chunks.indices where chunks[index].result == nil {
            let nodes = Array(chunks[index].working.prefix(LinkFrame.maximumHolders))
            overdue.chunks.append(OverdueChunks.Line(index: index, nodes: nodes))
        }
        context.counters.overdue += UInt64(overdue.chunks.count)
        context.actions.append(.send(.overdue(overdue), to: balancer))
    }

    /// A chunk's result has not come in time.
    mutating func late(_ index: Int, context: inout ReassemblyContext) {
        if chunks[index].demanded {
            context.demands.missed()
            chunks[index].demanded = false
        }
        chunks[index].tried += chunks[index].working
        chunks[index].working = []
        chunks[index].asksBalancer = false
        demand(index, reason: .late, context: &context)
    }

    /// A node will not deliver a chunk.
    mutating func failed(_ index: Int, node: String, reason: ChunkDemand.Reason, context: inout ReassemblyContext) {
        if let place = chunks[index].working.firstIndex(of: node) {
            chunks[index].working.remove(at: place)
        } else if !chunks[index].tried.contains(node) {
            // Not one that was asked from here: it is the one that the load balancer chose.
            chunks[index].asksBalancer = false
        }
        if !chunks[index].tried.contains(node) { chunks[index].tried.append(node) }
        if !chunks[index].isUnderWay { demand(index, reason: reason, context: &context) }
    }

    /// A second copy is worked on, in case the first is slow, if the budget has as much left. Once for each chunk.
    mutating func hedge(_ index: Int, context: inout ReassemblyContext) {
        chunks[index].hedgeDue = .max
        if !context.budget.spend() { return }
        send(index, reason: .hedge, context: &context)
    }

    /// Asks for a chunk again as often as it is allowed; then the job has failed.
    mutating func demand(_ index: Int, reason: ChunkDemand.Reason, context: inout ReassemblyContext) {
        if chunks[index].retries >= opening.maximumRetries { return fail(.failed, context: &context) }
        guard context.demands.take() else {
            context.counters.throttled += 1
            chunks[index].due = context.now.clampedSum(max(retryAfter / 4, 1))
            return
        }
        if chunks[index].demanded { context.demands.released() }
        chunks[index].demanded = true
        chunks[index].retries += 1
        chunks[index].due = context.now.clampedSum(retryAfter)
        send(index, reason: reason, context: &context)
    }

    /// To the next holder of a copy, or to the load balancer when there is none.
    private mutating func send(_ index: Int, reason: ChunkDemand.Reason, context: inout ReassemblyContext) {
        let chunk = chunks[index]
        chunks[index].line.retries &+= chunk.line.retries < .max ? 1 : 0
        context.counters.demands[Int(reason.rawValue)] += 1
        let tried = (chunk.tried + chunk.working).suffix(LinkFrame.maximumTried)
        let demand = ChunkDemand(job: id, index: index, reason: reason, tried: Array(tried))
        let next = opening.holders[index].first {
            !chunk.tried.contains($0) && !chunk.working.contains($0) && !context.unreachable.contains($0)
        }
        if let next {
            chunks[index].working.append(next)
        } else {
            chunks[index].asksBalancer = true
        }
        context.actions.append(.send(.demand(demand), to: next ?? balancer))
    }

    /// A node cannot be reached: what it works on goes elsewhere.
    mutating func nodeLost(_ node: String, context: inout ReassemblyContext) {
        for index in chunks.indices {
            guard case .collecting = stage else { return }
            if chunks[index].result == nil && chunks[index].working.contains(node) {
                failed(index, node: node, reason: .unreachable, context: &context)
            }
        }
    }
}
