import Splitting

/// Turns chunks into results: what a node is there for.
///
/// A processor is called by the node's workers, several at once. A call may block; it belongs to the worker thread
/// until it returns. Built in are ``IdentityProcessor``, ``SHA256Processor``, ``CRC32Processor``, ``GzipProcessor``,
/// ``DelayProcessor``, ``ExecProcessor`` and ``SocketProcessor``; a program of your own links others (see the `Node`
/// module's `NodeProgram`).
public protocol ChunkProcessor: Sendable {
    /// The result of one chunk, at most ``ChunkWork/maximumResult`` bytes.
    ///
    /// - Parameters:
    ///   - chunk: the bytes, their place among the job's chunks, and whose they are.
    ///   - limit: until when. A call that takes longer keeps its worker from other work, and its result is not used.
    /// - Throws: why there is no result; another node may be asked then.
    func process(_ chunk: ChunkWork, _ limit: WorkLimit) throws(ProcessorError) -> [UInt8]

    /// The answer of a job, for a request type that names this processor as its aggregation.
    ///
    /// Without a version of its own a processor works on the concatenated results as on the only chunk of the job.
    ///
    /// - Parameter results: of all chunks, in the order of the chunks.
    /// - Throws: why there is no answer; the job fails then.
    func join(_ results: [[UInt8]], of job: JobTerms, _ limit: WorkLimit) throws(ProcessorError) -> [UInt8]

    /// Ends what the processor keeps: children, connections, threads. Called once, when no call is under way, by a thread
    /// that may wait for a second or two.
    func stop()
}

extension ChunkProcessor {
    /// Works on the concatenated results as on the only chunk of the job.
    public func join(_ results: [[UInt8]], of job: JobTerms, _ limit: WorkLimit) throws(ProcessorError) -> [UInt8] {
        var terms = job
        terms.total = 1
        return try process(ChunkWork(terms: terms, index: 0, replica: 0, payload: concatenation(of: results)), limit)
    }

    /// Nothing is kept.
    public func stop() {}
}

/// The results one after the other: how a job is joined unless its request type says otherwise.
public func concatenation(of results: [[UInt8]]) -> [UInt8] {
    var joined: [UInt8] = []
    joined.reserveCapacity(results.reduce(0) { $0 + $1.count })
    for result in results { joined += result }
    return joined
}
