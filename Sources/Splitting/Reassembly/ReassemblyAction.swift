/// What a reassembly node must do now.
public enum ReassemblyAction: Equatable, Sendable {
    /// Send a message to a load balancer or a node; the node's own name stands among them: then hand it to the node
    /// itself. A message that cannot be sent comes back by ``ReassemblyDesk/undeliverable(_:to:now:into:)``.
    case send(LinkMessage, to: String)
    /// Join the results, in this order, and hand the outcome to ``ReassemblyDesk/joined(_:payload:now:into:)``: by the
    /// processor `aggregation`, or by concatenation if it is nil.
    case join(JobID, requestType: String, aggregation: String?, results: [[UInt8]])
    /// A job that was to be joined is over: no need to.
    case forget(JobID)
}

/// What a reassembly node has counted since its start.
public struct ReassemblyCounters: Equatable, Sendable {
    /// Jobs opened here, the first time.
    public internal(set) var opened: UInt64 = 0
    /// Those of them that were opened elsewhere before.
    public internal(set) var takenOver: UInt64 = 0
    /// Answers by status, in the order of ``JobAnswer/Status``; a repeated answer counts once.
    public internal(set) var answers = [UInt64](repeating: 0, count: JobAnswer.Status.allCases.count)
    /// Answers that were asked for once more.
    public internal(set) var repeatedAnswers: UInt64 = 0
    /// Openings that contradict themselves.
    public internal(set) var invalidOpenings: UInt64 = 0
    /// Results taken.
    public internal(set) var results: UInt64 = 0
    /// Results that were there already, or whose job was over.
    public internal(set) var duplicates: UInt64 = 0
    /// Results with a wrong checksum.
    public internal(set) var damaged: UInt64 = 0
    /// Results for a chunk that the job does not have.
    public internal(set) var outOfRange: UInt64 = 0
    /// Results that came before their job.
    public internal(set) var early: UInt64 = 0
    /// Results whose job never came, or for which there was no room.
    public internal(set) var unknown: UInt64 = 0
    /// Chunks that nodes returned unworked or failed, by status, in the order of ``ChunkResult/Status``.
    public internal(set) var failures = [UInt64](repeating: 0, count: ChunkResult.Status.allCases.count)
    /// Demands by reason, in the order of ``ChunkDemand/Reason``.
    public internal(set) var demands = [UInt64](repeating: 0, count: ChunkDemand.Reason.allCases.count)
    /// Chunks of which load balancers were told that they take much longer than usual.
    public internal(set) var overdue: UInt64 = 0
    /// Demands that waited because the window was full.
    public internal(set) var throttled: UInt64 = 0
    /// Results of two nodes that were not equal (`reconcile: agree`).
    public internal(set) var disagreements: UInt64 = 0
    /// Jobs dropped because their load balancer could not be reached, or never settled them.
    public internal(set) var abandoned: UInt64 = 0

    /// Nothing was counted.
    public init() {}
}

/// What a job works with while an event is handled.
struct ReassemblyContext: Sendable {
    var now: UInt64 = 0
    let settings: ReassemblySettings
    let checksum: ChecksumFunction
    var counters = ReassemblyCounters()
    var budget: HedgeBudget
    var demands: DemandWindow
    /// Nodes whose links are down.
    var unreachable: Set<String> = []
    /// Bytes of results and answers that are held.
    var bytes = 0
    var actions: [ReassemblyAction] = []
}
