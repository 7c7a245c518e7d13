import ChunkProcessing
import NodeLinks
import Splitting

/// A chunk that the node has: to work on, as a copy in case it is asked for, or by its result.
struct KeptChunk {
    /// How far it has come.
    enum State {
        /// Kept until it is asked for.
        case standby
        /// Waits in the queue, or a worker has it; `limit` ends that.
        case queued(WorkQueue<NodeWork>.Ticket)
        /// Worked on; the result is kept until the job is settled.
        case done(ChunkResult)
        /// Could not be worked on; the chunk is kept in case it is asked for again.
        case failed(ChunkResult.Status)
    }

    var state: State
    let terms: JobTerms
    let replica: UInt8
    /// Who gets the result: the node that asked for it last, or the load balancer.
    var destination: LinkPeer
    /// The bytes; given up when the result is there.
    var payload: [UInt8]
    /// Until when the chunk is worth anything, in nanoseconds of the monotonic clock.
    let deadline: Int64
    /// Ends work that is under way.
    var limit: WorkLimit?
    /// The result could not be sent, and is sent when its destination can be reached.
    var owesResult = false
}
