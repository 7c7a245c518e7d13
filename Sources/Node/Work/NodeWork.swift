import ChunkProcessing
import Splitting

/// Names a chunk among all jobs.
struct ChunkKey: Hashable, Sendable {
    let job: JobID
    let index: Int
}

/// What workers do.
enum NodeWork: Sendable {
    /// Works on a chunk.
    case chunk(ChunkWork, RequestPlan, WorkLimit)
    /// Joins a job's results, in the order of its chunks.
    case join([[UInt8]], JobTerms, RequestPlan, WorkLimit)

    /// Until when it is wanted.
    var limit: WorkLimit {
        switch self {
        case .chunk(_, _, let limit), .join(_, _, _, let limit): limit
        }
    }

    /// What all parts of its job have in common.
    var terms: JobTerms {
        switch self {
        case .chunk(let chunk, _, _): chunk.terms
        case .join(_, let terms, _, _): terms
        }
    }

    /// Its turn has come: the time limit of its type begins.
    func begin(now: Int64) {
        switch self {
        case .chunk(_, let plan, let limit), .join(_, _, let plan, let limit):
            limit.narrow(to: now + plan.timeLimit)
        }
    }

    /// Does it, on the calling thread.
    func run() throws(ProcessorError) -> [UInt8] {
        let result: [UInt8]
        switch self {
        case .chunk(let chunk, let plan, let limit):
            result = try plan.processor.process(chunk, limit)
        case .join(let results, let terms, let plan, let limit):
            guard let joiner = plan.joiner else { return concatenation(of: results) }
            result = try joiner.join(results, of: terms, limit)
        }
        guard result.count <= ChunkWork.maximumResult else {
            throw .tooLong(result.count, limit: ChunkWork.maximumResult)
        }
        return result
    }
}

/// Work that was done, as the agent hears of it.
struct WorkReport: Sendable {
    /// How it ended.
    enum Outcome: Sendable {
        /// The result and its checksum.
        case done([UInt8], checksum: [UInt8])
        case failed(ProcessorError)
        /// The time was over before its turn.
        case expired
    }

    let work: NodeWork
    let outcome: Outcome
    /// Microseconds in the queue.
    let waited: UInt32
    /// Microseconds in the processor.
    let worked: UInt32
}
