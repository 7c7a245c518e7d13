extension LinkMessage {
    /// Reads the message that a frame's body holds.
    ///
    /// - Throws: `LinkError` with what is wrong and where; frames of the handshake are out of place.
    public init(_ kind: FrameKind, _ body: consuming FrameReader) throws(LinkError) {
        switch kind {
        case .opening: self = .opening(try body.opening())
        case .chunk: self = .chunk(try body.chunk())
        case .result: self = .result(try body.result())
        case .demand: self = .demand(try body.demand())
        case .overdue: self = .overdue(try body.overdue())
        case .answer: self = .answer(try body.answer())
        case .settled: self = .settled(try body.job())
        case .load: self = .load(try body.report())
        case .probe: self = .probe(try body.number(.token))
        case .echo: self = .echo(try body.number(.token))
        case .hello, .proof, .refusal: throw .outOfPlace(kind)
        }
        guard body.remaining == 0 else { throw .trailing(kind, count: body.remaining) }
    }
}

extension FrameReader {
    fileprivate mutating func job() throws(LinkError) -> JobID {
        JobID(origin: try number(.origin), number: try number(.number))
    }

    fileprivate mutating func terms() throws(LinkError) -> JobTerms {
        let job = try job()
        let requestType = try name(.requestType, mayBeEmpty: true)
        let total = try count16(.total, in: 1...LinkFrame.maximumChunks)
        let client = try endpoint(address: .clientAddress, port: .clientPort)
        let virtual = try endpoint(address: .virtualAddress, port: .virtualPort)
        return JobTerms(
            job: job, requestType: requestType, total: total,
            endpoints: JobEndpoints(client: client, virtual: virtual), timeLeft: try number(.timeLeft),
            checksums: try choice(.checksums))
    }

    /// A list of names whose number is one byte.
    private mutating func names(_ list: LinkField, of entry: LinkField, limit: Int) throws(LinkError) -> [String] {
        let at = place
        let count = Int(try number(list, as: UInt8.self))
        guard count <= limit else { throw .tooMany(list, count: count, limit: limit, at: at) }
        var names: [String] = []
        names.reserveCapacity(count)
        for _ in 0..<count { names.append(try name(entry)) }
        return names
    }

    fileprivate mutating func opening() throws(LinkError) -> JobOpening {
        let terms = try terms()
        let takeover = try number(.takeover, as: UInt8.self)
        let count = try count16(.holders, in: terms.total...terms.total)
        var holders: [[String]] = []
        holders.reserveCapacity(count)
        for _ in 0..<count {
            holders.append(try names(.holders, of: .holder, limit: LinkFrame.maximumHolders))
        }
        return JobOpening(
            terms: terms, takeover: takeover, holders: holders, replication: try choice(.replication),
            reconciliation: try choice(.reconciliation), retryAfter: try number(.retryAfter),
            maximumRetries: try number(.maximumRetries),
            aggregation: try flag(.aggregation) ? try name(.aggregation) : nil,
            hedgeAfter: try number(.hedgeAfter), hedgeBudget: try number(.hedgeBudget),
            overdueAfter: try number(.overdueAfter))
    }

    fileprivate mutating func chunk() throws(LinkError) -> Chunk {
        let terms = try terms()
        let index = try count16(.index, in: 0...terms.total - 1)
        let replica = try number(.replica, as: UInt8.self)
        let standby = try flag(.standby)
        let reassembly = try name(.reassembly, mayBeEmpty: true)
        let checksum = try checksum()
        return Chunk(
            terms: terms, index: index, replica: replica, standby: standby, reassembly: reassembly,
            payload: try payload(.payload, limit: LinkFrame.maximumChunk), checksum: checksum)
    }

    fileprivate mutating func result() throws(LinkError) -> ChunkResult {
        let job = try job()
        let index = try count16(.index, in: 0...LinkFrame.maximumChunks - 1)
        let replica = try number(.replica, as: UInt8.self)
        let status = try choice(.status, of: ChunkResult.Status.self)
        let waited = try number(.waited, as: UInt32.self)
        let worked = try number(.worked, as: UInt32.self)
        let checksum = try checksum()
        return ChunkResult(
            job: job, index: index, replica: replica, status: status, waited: waited, worked: worked,
            payload: try payload(.payload, limit: LinkFrame.maximumResult), checksum: checksum)
    }

    fileprivate mutating func demand() throws(LinkError) -> ChunkDemand {
        ChunkDemand(
            job: try job(), index: try count16(.index, in: 0...LinkFrame.maximumChunks - 1),
            reason: try choice(.reason), tried: try names(.tried, of: .tried, limit: LinkFrame.maximumTried))
    }

    fileprivate mutating func overdue() throws(LinkError) -> OverdueChunks {
        let job = try job()
        let count = try count16(.overdue, in: 0...LinkFrame.maximumChunks)
        var chunks: [OverdueChunks.Line] = []
        for _ in 0..<count {
            chunks.append(
                OverdueChunks.Line(
                    index: try count16(.index, in: 0...LinkFrame.maximumChunks - 1),
                    nodes: try names(.holders, of: .holder, limit: LinkFrame.maximumHolders)))
        }
        return OverdueChunks(job: job, chunks: chunks)
    }

    fileprivate mutating func answer() throws(LinkError) -> JobAnswer {
        let job = try job()
        let status = try choice(.status, of: JobAnswer.Status.self)
        let checksum = try checksum()
        let at = place
        let count = Int(try number(.traces, as: UInt16.self))
        guard count <= LinkFrame.maximumChunks else {
            throw .tooMany(.traces, count: count, limit: LinkFrame.maximumChunks, at: at)
        }
        var traces: [JobAnswer.ChunkTrace] = []
        for _ in 0..<count {
            traces.append(
                JobAnswer.ChunkTrace(
                    node: try name(.node, mayBeEmpty: true), arrived: try number(.arrived),
                    waited: try number(.waited), worked: try number(.worked), retries: try number(.retries)))
        }
        return JobAnswer(
            job: job, status: status, payload: try payload(.payload, limit: LinkFrame.maximumResult),
            checksum: checksum, chunks: traces)
    }

    fileprivate mutating func report() throws(LinkError) -> LoadReport {
        let processor = try number(.processor, as: UInt16.self)
        let memory = try number(.memory, as: UInt16.self)
        let workers = try number(.workers, as: UInt16.self)
        let waiting = try number(.waiting, as: UInt32.self)
        let queueSize = try number(.queueSize, as: UInt32.self)
        let credit = try number(.credit, as: UInt32.self)
        let at = place
        let count = Int(try number(.types, as: UInt8.self))
        guard count <= LinkFrame.maximumTypes else {
            throw .tooMany(.types, count: count, limit: LinkFrame.maximumTypes, at: at)
        }
        var types: [LoadReport.TypeTime] = []
        for _ in 0..<count {
            types.append(
                LoadReport.TypeTime(
                    requestType: try name(.requestType, mayBeEmpty: true), microseconds: try number(.microseconds),
                    nanosecondsPerByte: try number(.nanosecondsPerByte)))
        }
        return LoadReport(
            processor: processor, memory: memory, workers: workers, waiting: waiting, queueSize: queueSize,
            credit: credit, types: types)
    }
}
