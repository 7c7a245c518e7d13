import ChunkProcessing
import NodeLinks
import Splitting

/// What a node knows of a job that it reassembles besides what the desk knows: its place in the queue.
struct OpenJob {
    /// Where its place is.
    enum Stage {
        /// Taken, and kept for when the results are there.
        case reserved
        /// The results wait to be joined, or are being joined.
        case joining(WorkQueue<NodeWork>.Ticket, WorkLimit)
        /// Given back.
        case over
    }

    let balancer: LinkPeer
    let terms: JobTerms
    let plan: RequestPlan
    var stage = Stage.reserved
    /// When the job's time is over, in nanoseconds of the monotonic clock.
    let deadline: Int64
}
