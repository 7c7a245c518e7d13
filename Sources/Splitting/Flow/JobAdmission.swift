/// Why a payload is not split. It is forwarded whole, at once, and nothing has been sent to a node.
public enum JobRefusal: String, Error, CaseIterable, Sendable {
    /// `max_jobs` are under way.
    case jobs
    /// The payloads under way have `max_job_bytes`.
    case bytes
    /// `originals` wait already, or the fragments being collected take `collect_bytes`.
    case originals
    /// No node is linked, reports, and is on the pool's ring.
    case nodes
    /// No node takes more chunks now, or busy nodes take less than half of those that the payload should have.
    case credit
    /// The job would not be done by its deadline.
    case deadline
    /// The payload is empty or has more than 65,535 bytes.
    case size
    /// The client's shard header cannot be used.
    case shards
    /// `reconcile: agree` wants two nodes, and there is one.
    case agreement
}

/// Keeps jobs and their memory within bounds: the decision falls before anything is sent.
public struct JobAdmission: Sendable {
    /// `max_jobs`.
    public let maximumJobs: Int
    /// `max_job_bytes`.
    public let maximumBytes: Int
    /// Jobs under way.
    public private(set) var jobs = 0
    /// Bytes of their payloads.
    public private(set) var bytes = 0

    /// Nothing is under way.
    public init(maximumJobs: Int, maximumBytes: Int) {
        self.maximumJobs = maximumJobs
        self.maximumBytes = maximumBytes
    }

    /// Whether there is room for a job.
    public func check(payloadBytes: Int) throws(JobRefusal) {
        if payloadBytes < 1 || payloadBytes > 65_535 { throw .size }
        if jobs >= maximumJobs { throw .jobs }
        if payloadBytes > maximumBytes - bytes { throw .bytes }
    }

    /// A job begins.
    public mutating func begin(payloadBytes: Int) {
        jobs += 1
        bytes += payloadBytes
    }

    /// A job has ended.
    public mutating func end(payloadBytes: Int) {
        precondition(jobs > 0 && bytes >= payloadBytes, "a job ended that had not begun")
        jobs -= 1
        bytes -= payloadBytes
    }
}
