/// What the load balancer's half of splitting has counted since its start.
public struct SplitCounters: Equatable, Sendable {
    /// Payloads by how they ended. Their sum is the number of payloads offered, but for those still under way.
    public private(set) var outcomes: [JobOutcome: UInt64] = [:]
    /// Payloads that were not split, by reason; their sum is `forwarded_refused`.
    public private(set) var refusals: [JobRefusal: UInt64] = [:]
    /// Payloads offered.
    public internal(set) var offered: UInt64 = 0
    /// Chunks sent to be worked on, the first time.
    public internal(set) var chunks: UInt64 = 0
    /// Copies sent to be kept.
    public internal(set) var copies: UInt64 = 0
    /// Chunks sent to another node: asked for by the reassembly node, refused, undeliverable, or the node was lost.
    public internal(set) var resent: UInt64 = 0
    /// Demands of reassembly nodes by reason, in the order of ``ChunkDemand/Reason``.
    public internal(set) var demands = [UInt64](repeating: 0, count: ChunkDemand.Reason.allCases.count)
    /// Chunks that reassembly nodes still waited for after `slow_factor` times what such chunks usually take.
    public internal(set) var overdue: UInt64 = 0
    /// Demands that came too often, too late, or from a node that does not reassemble the job.
    public internal(set) var demandsIgnored: UInt64 = 0
    /// Chunks that the reassembly nodes asked for again, as their answers say.
    public internal(set) var retries: UInt64 = 0
    /// Chunks sent to nodes that are passed over, to see whether they are still slow.
    public internal(set) var trials: UInt64 = 0
    /// Reassembly nodes that took over.
    public internal(set) var takeovers: UInt64 = 0
    /// Answers with a wrong checksum.
    public internal(set) var damagedAnswers: UInt64 = 0
    /// Answers that came after the job's end, or twice: ignored.
    public internal(set) var lateAnswers: UInt64 = 0
    /// Other messages for jobs that are over or were never known: ignored.
    public internal(set) var strayMessages: UInt64 = 0
    /// Whole jobs that were answered.
    public internal(set) var jobTime = DurationHistogram()
    /// Chunks, from the job's opening at the reassembly node to the result's arrival.
    public internal(set) var chunkTime = DurationHistogram()
    /// Chunks, in the queues of their nodes.
    public internal(set) var waitingTime = DurationHistogram()
    /// Chunks by how often they were asked for again: 0, 1 … 7, 8 or more.
    public internal(set) var retriesPerChunk = [UInt64](repeating: 0, count: 9)

    /// Nothing was counted.
    public init() {}

    mutating func count(_ outcome: JobOutcome) { outcomes[outcome, default: 0] += 1 }

    mutating func count(_ refusal: JobRefusal) {
        refusals[refusal, default: 0] += 1
        count(.forwardedRefused)
    }
}
