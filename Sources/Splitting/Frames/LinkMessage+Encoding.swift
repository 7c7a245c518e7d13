extension LinkMessage {
    /// The kind of the frame that holds it.
    public var kind: FrameKind {
        switch self {
        case .opening: .opening
        case .chunk: .chunk
        case .result: .result
        case .demand: .demand
        case .answer: .answer
        case .settled: .settled
        case .load: .load
        case .probe: .probe
        case .echo: .echo
        case .overdue: .overdue
        }
    }

    /// The message as a frame.
    ///
    /// - Throws: `LinkError` when it is outside the limits of ``LinkFrame``: the peer would refuse it, and with it the
    ///   link.
    public func encoded() throws(LinkError) -> [UInt8] {
        var frame = FrameWriter(kind, body: roughLength)
        switch self {
        case .opening(let opening): try frame.write(opening)
        case .chunk(let chunk): try frame.write(chunk)
        case .result(let result): try frame.write(result)
        case .demand(let demand): try frame.write(demand)
        case .overdue(let overdue): try frame.write(overdue)
        case .answer(let answer): try frame.write(answer)
        case .settled(let job): frame.write(job)
        case .load(let report): try frame.write(report)
        case .probe(let token), .echo(let token): frame.number(token)
        }
        return try frame.finish()
    }

    private var roughLength: Int {
        switch self {
        case .chunk(let chunk): chunk.payload.count + 256
        case .result(let result): result.payload.count + 128
        case .answer(let answer): answer.payload.count + 128 + 80 * answer.chunks.count
        case .opening(let opening): 256 + 40 * opening.holders.count
        case .demand, .overdue, .settled, .load, .probe, .echo: 64
        }
    }
}

extension FrameWriter {
    fileprivate mutating func write(_ job: JobID) {
        number(job.origin)
        number(job.number)
    }

    fileprivate mutating func write(_ terms: JobTerms) throws(LinkError) {
        write(terms.job)
        try name(terms.requestType, .requestType, mayBeEmpty: true)
        try count16(terms.total, .total, in: 1...LinkFrame.maximumChunks)
        endpoint(terms.endpoints.client)
        endpoint(terms.endpoints.virtual)
        number(terms.timeLeft)
        number(terms.checksums.rawValue)
    }

    fileprivate mutating func write(_ opening: JobOpening) throws(LinkError) {
        try write(opening.terms)
        number(opening.takeover)
        try count16(opening.holders.count, .holders, in: opening.terms.total...opening.terms.total)
        for holders in opening.holders {
            try count8(holders.count, .holders, limit: LinkFrame.maximumHolders)
            for holder in holders { try name(holder, .holder) }
        }
        number(opening.replication.rawValue)
        number(opening.reconciliation.rawValue)
        number(opening.retryAfter)
        number(opening.maximumRetries)
        number(UInt8(opening.aggregation == nil ? 0 : 1))
        if let aggregation = opening.aggregation { try name(aggregation, .aggregation) }
        number(opening.hedgeAfter)
        number(opening.hedgeBudget)
        number(opening.overdueAfter)
    }

    fileprivate mutating func write(_ chunk: Chunk) throws(LinkError) {
        try write(chunk.terms)
        try count16(chunk.index, .index, in: 0...chunk.terms.total - 1)
        number(chunk.replica)
        number(UInt8(chunk.standby ? 1 : 0))
        try name(chunk.reassembly, .reassembly, mayBeEmpty: true)
        try checksum(chunk.checksum)
        try payload(chunk.payload, .payload, limit: LinkFrame.maximumChunk)
    }

    fileprivate mutating func write(_ result: ChunkResult) throws(LinkError) {
        write(result.job)
        try count16(result.index, .index, in: 0...LinkFrame.maximumChunks - 1)
        number(result.replica)
        number(result.status.rawValue)
        number(result.waited)
        number(result.worked)
        try checksum(result.checksum)
        try payload(result.payload, .payload, limit: LinkFrame.maximumResult)
    }

    fileprivate mutating func write(_ demand: ChunkDemand) throws(LinkError) {
        write(demand.job)
        try count16(demand.index, .index, in: 0...LinkFrame.maximumChunks - 1)
        number(demand.reason.rawValue)
        try count8(demand.tried.count, .tried, limit: LinkFrame.maximumTried)
        for node in demand.tried { try name(node, .tried) }
    }

    fileprivate mutating func write(_ overdue: OverdueChunks) throws(LinkError) {
        write(overdue.job)
        try count16(overdue.chunks.count, .overdue, in: 0...LinkFrame.maximumChunks)
        for chunk in overdue.chunks {
            try count16(chunk.index, .index, in: 0...LinkFrame.maximumChunks - 1)
            try count8(chunk.nodes.count, .holders, limit: LinkFrame.maximumHolders)
            for node in chunk.nodes { try name(node, .holder) }
        }
    }

    fileprivate mutating func write(_ answer: JobAnswer) throws(LinkError) {
        write(answer.job)
        number(answer.status.rawValue)
        try checksum(answer.checksum)
        try count16(answer.chunks.count, .traces, in: 0...LinkFrame.maximumChunks)
        for trace in answer.chunks {
            try name(trace.node, .node, mayBeEmpty: true)
            number(trace.arrived)
            number(trace.waited)
            number(trace.worked)
            number(trace.retries)
        }
        try payload(answer.payload, .payload, limit: LinkFrame.maximumResult)
    }

    fileprivate mutating func write(_ report: LoadReport) throws(LinkError) {
        number(report.processor)
        number(report.memory)
        number(report.workers)
        number(report.waiting)
        number(report.queueSize)
        number(report.credit)
        try count8(report.types.count, .types, limit: LinkFrame.maximumTypes)
        for type in report.types {
            try name(type.requestType, .requestType, mayBeEmpty: true)
            number(type.microseconds)
            number(type.nanosecondsPerByte)
        }
    }
}
