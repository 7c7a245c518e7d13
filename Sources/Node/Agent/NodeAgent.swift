import ChunkProcessing
import Configuration
import Logging
import NodeLinks
import Splitting

/// What a node does: takes chunks, keeps copies, has them worked on, sends results, reassembles jobs, tells how it is.
///
/// Everything happens in one thread, which calls ``receive(_:from:now:)``, ``finished(_:now:)``, ``tick(now:)`` and
/// ``peerIsUp(_:now:)``; only processors work elsewhere. A node that stops in the middle of something harms nobody: the
/// reassembly nodes and load balancers it works for wait for nothing without a time limit.
final class NodeAgent {
    let name: String
    let pool: WorkerPool
    unowned let outlet: any NodeOutlet
    var processors: ProcessorSet
    var store: ChunkStore
    var desk: ReassemblyDesk
    var counters = NodeCounters()
    var times = TypeTimes()
    var machine = MachineLoad()
    /// Jobs of this node by what is known of them outside the desk.
    var jobs: [JobID: OpenJob] = [:]
    /// What the desk wants done and is not done yet.
    var pendingActions: [ReassemblyAction] = []
    var isCarryingOut = false
    /// Nothing new is taken on.
    private(set) var isDraining = false
    /// Bytes that a chunk had of late.
    var averageChunk = 16_384.0
    var unknownLog = LogLimit()
    var failureLog = LogLimit()
    var unkeptLog = LogLimit()

    init(
        _ configuration: NodeConfiguration, processors: ProcessorSet, pool: WorkerPool, outlet: any NodeOutlet
    ) {
        name = configuration.name
        self.pool = pool
        self.outlet = outlet
        self.processors = processors
        store = ChunkStore(
            chunkLimit: configuration.memory.chunks, resultLimit: configuration.memory.results)
        desk = ReassemblyDesk(configuration)
        machine.sample()
    }

    /// Takes over what a new configuration says; work under way keeps its processors.
    func apply(_ configuration: NodeConfiguration, _ processors: ProcessorSet) {
        self.processors = processors
        store.chunkLimit = configuration.memory.chunks
        store.resultLimit = configuration.memory.results
        pool.resize(size: configuration.priorityQueueSize, weight: configuration.priorityQueueWeight)
    }

    /// Takes on nothing new from now on.
    func drain() {
        isDraining = true
        report()
    }

    /// Whether nothing is left to do for anybody: no work, no open job, no result that waits for a link.
    var isIdle: Bool {
        let depth = pool.depth
        return depth.waitingChunks + depth.waitingJobs + depth.working + depth.reserved == 0
            && store.keys { $0.owesResult }.isEmpty
    }

    /// Ends all work that is under way: the node stops.
    func cancelAll() {
        for key in store.keys(where: { $0.limit != nil }) { store[key]?.limit?.cancel() }
        for case .joining(_, let limit) in jobs.values.map(\.stage) { limit.cancel() }
    }

    // MARK: Messages

    /// A message from a peer.
    func receive(_ message: LinkMessage, from peer: LinkPeer, now: Int64) {
        switch (message, peer.role) {
        case (.chunk(let chunk), .balancer): take(chunk, from: peer, now: now)
        case (.opening(let opening), .balancer): open(opening, from: peer, now: now)
        case (.settled(let job), .balancer): settle(job, now: now)
        case (.demand(let demand), .node): take(demand, from: peer, now: now)
        case (.result(let result), .node): take(result, from: peer.name, now: now)
        case (.probe(let number), _): _ = outlet.send(.echo(number), to: peer)
        default:
            // Not of the part that the peer plays.
            counters.misplaced += 1
        }
    }

    /// A peer can be reached (again), or takes messages again: it gets what is owed to it.
    func peerIsUp(_ peer: LinkPeer, now: Int64) {
        desk.linkUp(peer.deskName)
        if peer.role == .balancer { report(to: peer) }
        for key in store.keys(where: { $0.owesResult && $0.destination == peer }) { sendResult(of: key, now: now) }
    }

    /// When ``tick(now:)`` is needed before its usual time.
    var due: Int64? { desk.due.map { Int64(clamping: $0) } }

    /// What has to be done from time to time: each 50 ms or so.
    func tick(now: Int64) {
        for work in pool.removeExpired(now: now) {
            finished(WorkReport(work: work, outcome: .expired, waited: 0, worked: 0), now: now)
        }
        for (_, chunk) in store.removeExpired(now: now) { chunk.limit?.cancel() }
        tickJobs(now: now)
    }
}
