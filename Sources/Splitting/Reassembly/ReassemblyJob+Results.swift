/// Taking results in.
extension ReassemblyJob {
    /// A node says what became of a chunk.
    mutating func receive(_ result: ChunkResult, from node: String, context: inout ReassemblyContext) {
        guard chunks.indices.contains(result.index) else {
            context.counters.outOfRange += 1
            return
        }
        guard case .collecting = stage, chunks[result.index].result == nil else {
            context.counters.duplicates += 1
            return
        }
        if result.status != .done {
            context.counters.failures[Int(result.status.rawValue)] += 1
            return failed(result.index, node: node, reason: .failed, context: &context)
        }
        if context.checksum(opening.terms.checksums, result.payload) != result.checksum {
            context.counters.damaged += 1
            return failed(result.index, node: node, reason: .damaged, context: &context)
        }
        if bytes + result.payload.count > context.settings.maximumAnswer * contendersAllowed {
            return fail(.tooLong, context: &context)
        }
        if context.bytes + result.payload.count > context.settings.maximumBytes {
            return fail(.refused, context: &context)
        }
        switch opening.reconciliation {
        case .first: take(result, from: node, context: &context)
        case .agree: compare(result, from: node, context: &context)
        }
    }

    /// With `agree` several results of a chunk are held for a while.
    private var contendersAllowed: Int { opening.reconciliation == .agree ? 3 : 1 }

    /// The result is the chunk's.
    private mutating func take(_ result: ChunkResult, from node: String, context: inout ReassemblyContext) {
        let index = result.index
        let freed = chunks[index].contenders.reduce(0) { $0 + $1.payload.count }
        chunks[index].contenders = []
        bytes += result.payload.count - freed
        context.bytes += result.payload.count - freed
        if chunks[index].demanded { context.demands.met() }
        chunks[index].demanded = false
        chunks[index].result = Held(node: node, payload: result.payload)
        chunks[index].line.node = node
        chunks[index].line.arrived = context.now.microseconds(since: opened)
        chunks[index].line.waited = result.waited
        chunks[index].line.worked = result.worked
        context.counters.results += 1
        missing -= 1
        if missing == 0 { join(context: &context) }
    }

    /// Takes a result that another node has had too, byte for byte; a node's second result says nothing.
    private mutating func compare(_ result: ChunkResult, from node: String, context: inout ReassemblyContext) {
        let index = result.index
        if chunks[index].contenders.contains(where: { $0.node == node }) {
            context.counters.duplicates += 1
            return
        }
        if chunks[index].contenders.contains(where: { $0.payload == result.payload }) {
            return take(result, from: node, context: &context)
        }
        if !chunks[index].contenders.isEmpty { context.counters.disagreements += 1 }
        chunks[index].contenders.append(Held(node: node, payload: result.payload))
        bytes += result.payload.count
        context.bytes += result.payload.count
        failed(index, node: node, reason: .disagreement, context: &context)
    }

    private mutating func join(context: inout ReassemblyContext) {
        if bytes > context.settings.maximumAnswer { return fail(.tooLong, context: &context) }
        let results = chunks.map { $0.result?.payload ?? [] }
        // Copying takes less than waiting for a worker, which may be busy with the very chunk that came too late.
        if opening.aggregation == nil { return joined(Array(results.joined()), context: &context) }
        stage = .joining
        context.actions.append(
            .join(id, requestType: opening.terms.requestType, aggregation: opening.aggregation, results: results))
    }
}
