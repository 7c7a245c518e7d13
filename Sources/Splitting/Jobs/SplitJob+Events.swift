/// What can happen to a running job.
extension SplitJob {
    /// The reassembly node wants a chunk from another node.
    mutating func receive(_ demand: ChunkDemand, from node: String, context: inout SplitContext) {
        guard node == reassembly, chunks.indices.contains(demand.index) else {
            context.counters.demandsIgnored += 1
            return
        }
        renewPatience(now: context.now)
        silence = .max
        context.counters.demands[Int(demand.reason.rawValue)] += 1
        trace.add(.demanded(chunk: demand.index, reason: demand.reason), now: context.now)
        if demand.reason == .damaged { freeDamaged(demand.index, tried: demand.tried, context: &context) }
        // What the load balancer sent on its own account a moment ago is the answer to this demand too.
        let chunk = chunks[demand.index]
        let fresh = chunk.working.contains { !demand.tried.contains($0.node) && $0.sent == chunk.resent }
        if fresh && context.now < chunk.resent.clampedSum(settings.retryTimeout.wholeNanoseconds / 2) {
            context.counters.demandsIgnored += 1
            return
        }
        resend(demand.index, tried: demand.tried, optional: demand.reason == .hedge, context: &context)
    }

    /// The node that was tried last has done its work, whatever became of the result on its way: it is neither full nor slow.
    private mutating func freeDamaged(_ index: Int, tried: [String], context: inout SplitContext) {
        guard let place = chunks[index].working.firstIndex(where: { $0.node == tried.last }) else { return }
        let charge = takeCharge(place, of: index, context: &context)
        context.book.released(by: charge.node)
    }

    /// The reassembly node still waits for some chunks. Until they are there, or the job is over, the nodes that have had them
    /// from the beginning are passed over, so that the next jobs need not learn it for themselves; the nodes of all others
    /// have their credit back, so that one that stands still does not use up that of the rest.
    mutating func receive(_ overdue: OverdueChunks, from node: String, context: inout SplitContext) {
        guard node == reassembly, overdue.chunks.allSatisfy({ chunks.indices.contains($0.index) }) else {
            context.counters.strayMessages += 1
            return
        }
        silence = .max
        let missing = Set(overdue.chunks.map(\.index))
        for index in chunks.indices where !missing.contains(index) {
            for place in chunks[index].working.indices { relieve(place, of: index, context: &context) }
        }
        for line in overdue.chunks {
            context.counters.overdue += 1
            trace.add(.overdue(chunk: line.index, nodes: line.nodes), now: context.now)
            for place in chunks[line.index].working.indices {
                let charge = chunks[line.index].working[place]
                guard line.nodes.contains(charge.node), charge.sent == began else { continue }
                becomeOverdue(place, of: line.index, context: &context)
            }
        }
    }

    /// The reassembly node has said nothing for longer than it should take to say what is missing: it stands still, or its
    /// link does. What other nodes do for the job says nothing of them, and keeps no credit of theirs.
    private mutating func reassemblyIsSilent(context: inout SplitContext) {
        silence = .max
        trace.add(.silent(node: reassembly), now: context.now)
        context.book.suspect(reassembly, now: context.now)
        for index in chunks.indices {
            for place in chunks[index].working.indices {
                if chunks[index].working[place].node == reassembly {
                    becomeOverdue(place, of: index, context: &context)
                } else {
                    relieve(place, of: index, context: &context)
                }
            }
        }
    }

    private mutating func becomeOverdue(_ place: Int, of index: Int, context: inout SplitContext) {
        guard !chunks[index].working[place].isOverdue else { return }
        chunks[index].working[place].isOverdue = true
        context.book.becameOverdue(at: chunks[index].working[place].node)
    }

    /// A node returned a chunk to the load balancer: it is full, or the chunk came damaged.
    mutating func receive(_ result: ChunkResult, from node: String, context: inout SplitContext) {
        guard result.status != .done, chunks.indices.contains(result.index),
            let place = chunks[result.index].working.firstIndex(where: { $0.node == node })
        else {
            context.counters.strayMessages += 1
            return
        }
        let charge = takeCharge(place, of: result.index, context: &context)
        if result.status == .damaged {
            context.book.released(by: node)
        } else {
            context.book.lost(at: node, sent: charge.sent, now: context.now)
        }
        trace.add(.refused(chunk: result.index, node: node), now: context.now)
        if chunks[result.index].working.isEmpty { resend(result.index, tried: [node], context: &context) }
    }

    /// A message could not be sent.
    mutating func undeliverable(_ message: LinkMessage, to node: String, context: inout SplitContext) {
        switch message {
        case .opening:
            if node == reassembly { takeOver(context: &context) }
        case .chunk(let chunk):
            guard chunks.indices.contains(chunk.index) else { return }
            trace.add(.refused(chunk: chunk.index, node: node), now: context.now)
            if let place = chunks[chunk.index].working.firstIndex(where: { $0.node == node }) {
                _ = takeCharge(place, of: chunk.index, context: &context)
                context.book.released(by: node)
            }
            if !chunk.standby && chunks[chunk.index].working.isEmpty {
                resend(chunk.index, tried: [node], context: &context)
            }
        default: break
        }
    }

    /// A node cannot be reached any more, or is silent.
    mutating func nodeLost(_ node: String, context: inout SplitContext) {
        guard !lost.contains(node) else { return }
        let holds = chunks.contains { $0.nodes.contains(node) }
        guard holds || asked.contains(node) else { return }
        lost.append(node)
        trace.add(.lost(node: node), now: context.now)
        for index in chunks.indices where outcome == nil {
            guard let place = chunks[index].working.firstIndex(where: { $0.node == node }) else { continue }
            let charge = takeCharge(place, of: index, context: &context)
            context.book.lost(at: node, sent: charge.sent, now: context.now)
            if chunks[index].working.isEmpty { resend(index, tried: [node], context: &context) }
        }
        if outcome == nil && node == reassembly { takeOver(context: &context) }
    }

    /// Time has passed.
    mutating func tick(context: inout SplitContext) {
        if context.now >= relief { relieve(context: &context) }
        if context.now >= silence { reassemblyIsSilent(context: &context) }
        if context.now >= deadline {
            chargeAll(context: &context)
            fail(.deadline, context: &context)
        } else if context.now >= patience {
            context.book.suspect(reassembly, now: context.now)
            takeOver(context: &context)
        }
    }

    /// Frees the windows of chunks that are late: the reassembly node has asked others for them, or has them and is itself
    /// the one that is late. Without this a lost reassembly node would use up the credit of all nodes.
    private mutating func relieve(context: inout SplitContext) {
        let patience = settings.retryTimeout.wholeNanoseconds
        relief = .max
        for index in chunks.indices {
            for place in chunks[index].working.indices where !chunks[index].working[place].isRelieved {
                let charge = chunks[index].working[place]
                let due = charge.sent.clampedSum(patience)
                if due <= context.now {
                    relieve(place, of: index, context: &context)
                } else {
                    relief = min(relief, due)
                }
            }
        }
    }

    /// Frees the window of one chunk.
    private mutating func relieve(_ place: Int, of index: Int, context: inout SplitContext) {
        guard !chunks[index].working[place].isRelieved else { return }
        chunks[index].working[place].isRelieved = true
        context.book.released(by: chunks[index].working[place].node)
    }

    /// Takes a charge out, as if it had counted until now.
    mutating func takeCharge(_ place: Int, of index: Int, context: inout SplitContext) -> Charge {
        let charge = chunks[index].working.remove(at: place)
        if charge.isRelieved { context.book.sent(to: charge.node) }
        if charge.isOverdue { context.book.noLongerOverdue(at: charge.node) }
        return charge
    }

    /// The job had no end in time: who still works on a chunk is too slow, and so may the reassembly node be.
    private mutating func chargeAll(context: inout SplitContext) {
        context.book.suspect(reassembly, now: context.now)
        for index in chunks.indices {
            while !chunks[index].working.isEmpty {
                let charge = takeCharge(0, of: index, context: &context)
                context.book.lost(at: charge.node, sent: charge.sent, now: context.now)
            }
        }
    }
}
