/// How checksums are computed: the algorithm and the bytes give the digest. Handed in, so that plans and jobs know nothing
/// of frames.
public typealias ChecksumFunction = @Sendable (ChecksumAlgorithm, [UInt8]) -> [UInt8]

/// What the load balancer must do now.
public enum SplitAction: Equatable, Sendable {
    /// Send a message to a node. If the node has no link, or its link takes no more, hand the message back:
    /// ``SplitDesk/undeliverable(_:to:now:into:)``.
    case send(LinkMessage, to: String)
    /// The nodes' part of the job is over, for good: once for each job that began. If there is an answer, send it and
    /// tell what became of it: ``SplitDesk/answered(_:reached:now:)``.
    case ended(JobEnd)
}

/// The end of a job.
public struct JobEnd: Equatable, Sendable {
    /// The job.
    public var job: JobID
    /// How it ended; ``JobOutcome/answered``: if its answer can be sent.
    public var outcome: JobOutcome
    /// The answer for the client, as one datagram or several; nil unless answered.
    public var answer: [[UInt8]]?
    /// Who asked whom: the answer goes from `virtual` to `client`.
    public var endpoints: JobEndpoints
    /// From begin to end, in nanoseconds.
    public var took: UInt64
    /// When the client should have its answer, in monotonic nanoseconds.
    public var deadline: UInt64
}
