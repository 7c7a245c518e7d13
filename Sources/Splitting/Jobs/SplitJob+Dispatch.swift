/// Sending: the first time, again, and to the next reassembly node.
extension SplitJob {
    /// Opens the job and sends all chunks.
    mutating func begin(context: inout SplitContext) {
        guard let node = plan.reassembly.first else { return fail(.failed, context: &context) }
        usualChunkTime = context.histories[request.type.name]?.usualChunkTime
        open(at: node, context: &context)
        for index in chunks.indices {
            for (copy, node) in plan.holders[index].enumerated() {
                let kept = copy >= plan.activeCopies
                if kept {
                    context.counters.copies += 1
                } else {
                    context.counters.chunks += 1
                    charge(index, node: node, context: &context)
                }
                send(index, copy: UInt8(copy), to: node, kept: kept, context: &context)
            }
        }
    }

    /// Asks a node to reassemble.
    private mutating func open(at node: String, context: inout SplitContext) {
        asked.append(node)
        silence = .max
        // Only where it has been told when to say what is missing.
        if usualChunkTime != nil, let usual = context.histories[request.type.name]?.usualJobTime {
            let slow = UInt64(context.book.slowTime(usual: usual, now: context.now)) * 1000
            silence = context.now.clampedSum(max(slow, settings.minimumTarget.wholeNanoseconds))
        }
        sendOpening(to: node, context: &context)
        trace.add(.opened(node: node, takeover: asked.count - 1), now: context.now)
    }

    /// Sends the opening to the present reassembly node, for the first time or once more.
    mutating func sendOpening(to node: String, context: inout SplitContext) {
        renewPatience(now: context.now)
        let type = request.type
        let hedgeAfter = settings.replication == .hedged ? context.histories[type.name]?.hedgeAfter ?? 0 : 0
        let opening = JobOpening(
            terms: terms(now: context.now), takeover: UInt8(asked.count - 1),
            holders: chunks.map(holders(of:)),
            replication: settings.replication, reconciliation: settings.reconciliation,
            retryAfter: max(settings.retryTimeout.wholeMicroseconds, 1),
            maximumRetries: UInt8(settings.maximumRetries), aggregation: type.aggregation, hedgeAfter: hedgeAfter,
            hedgeBudget: asked.count == 1 ? UInt16(settings.hedgeBudget) : 0,
            overdueAfter: usualChunkTime.map { context.book.slowTime(usual: $0, now: context.now) } ?? 0)
        context.actions.append(.send(.opening(opening), to: node))
    }

    /// The nodes that have a chunk, those that work on it first; as many as an opening names.
    private func holders(of chunk: ChunkState) -> [String] {
        var names: [String] = []
        for name in chunk.working.map(\.node) + chunk.nodes where !names.contains(name) && !lost.contains(name) {
            names.append(name)
        }
        return Array(names.prefix(LinkFrame.maximumHolders))
    }

    /// The reassembly node has given a sign of life: it has as long as all its retries take, and one more.
    mutating func renewPatience(now: UInt64) {
        let retry = settings.retryTimeout.wholeNanoseconds
        patience = now.clampedSum(retry * UInt64(settings.maximumRetries + 2))
    }

    private mutating func charge(_ index: Int, node: String, context: inout SplitContext) {
        context.book.sent(to: node)
        chunks[index].working.append(Charge(node: node, sent: context.now))
        relief = min(relief, context.now.clampedSum(settings.retryTimeout.wholeNanoseconds))
    }

    private mutating func send(
        _ index: Int, copy: UInt8, to node: String, kept: Bool, context: inout SplitContext
    ) {
        context.actions.append(.send(.chunk(chunk(index, copy: copy, kept: kept, now: context.now)), to: node))
        trace.add(.sent(chunk: index, copy: Int(copy), node: node, kept: kept), now: context.now)
    }

    /// Has a further node work on a chunk; ends the job when there is none, or when it was done too often.
    ///
    /// - Parameter optional: only a node that has not had the chunk will do, and it may be left.
    mutating func resend(_ index: Int, tried: [String], optional: Bool = false, context: inout SplitContext) {
        let allowed = chunks.count * (settings.maximumRetries + 1) * (settings.maximumTakeovers + 1)
        let chunk = chunks[index]
        let work = context.histories[request.type.name]?.expectedWork(bytes: chunk.range.count)
        let node = context.book.substitute(
            in: ring, requestType: request.type.name, bytes: chunk.range.count, work: work, tried: tried + chunk.nodes,
            lost: lost, now: context.now)
        if optional {
            let isNew = node.map { !chunk.nodes.contains($0) && !tried.contains($0) } ?? false
            if resends >= allowed || chunk.nextCopy == .max || !isNew {
                context.counters.demandsIgnored += 1
                return
            }
        }
        guard resends < allowed, chunk.nextCopy < .max, let node else { return fail(.failed, context: &context) }
        resends += 1
        context.counters.resent += 1
        chunks[index].nextCopy += 1
        chunks[index].resent = context.now
        if !chunk.nodes.contains(node) { chunks[index].nodes.append(node) }
        charge(index, node: node, context: &context)
        send(index, copy: chunk.nextCopy, to: node, kept: false, context: &context)
    }

    /// The next reassembly node takes over; the chunks are sent again to those who work on them, so that results go to
    /// the new one.
    mutating func takeOver(context: inout SplitContext) {
        let next = plan.reassembly.first {
            !asked.contains($0) && !lost.contains($0) && context.book.isAlive($0, now: context.now)
        }
        guard asked.count <= settings.maximumTakeovers, let next else { return fail(.failed, context: &context) }
        context.counters.takeovers += 1
        open(at: next, context: &context)
        for index in chunks.indices {
            for charge in chunks[index].working {
                let copy = UInt8(clamping: chunks[index].nodes.firstIndex(of: charge.node) ?? 0)
                send(index, copy: copy, to: charge.node, kept: false, context: &context)
            }
        }
    }
}
