import CLinuxShims
import ChunkProcessing
import Configuration
import Health
import Logging
import NodeLinks
import Splitting
import Synchronization

/// The loop's thread of a node: brings links, workers and the agent together.
final class NodeLoop {
    /// What a node is made of.
    struct Parts: Sendable {
        let configuration: NodeConfiguration
        let identity: LinkIdentity
        let processors: ProcessorSet
        let workers: Int
    }

    /// How long the loop is at most quiet.
    private static var longestPause: Int64 { 50_000_000 }

    let loop: EventLoop
    let routes: NodeRoutes
    let agent: NodeAgent
    let context: LinkContext
    private let pool: WorkerPool
    private let status: NodeStatus
    private var updateInterval: Duration
    private var nextReport: Int64 = 0
    private var timer: LoopTimer?
    private var isFinishing = false

    /// Builds the loop, says how that ended, and runs it to its end, on the calling thread.
    static func run(_ parts: Parts, _ status: NodeStatus, _ start: StartResult) {
        _ = unsafe ab_name_thread("node")
        let node: NodeLoop
        let running: RunningLoop
        do throws(NodeError) {
            (node, running) = try make(parts, status)
        } catch {
            return start.set(.failure(error))
        }
        start.set(.success(running))
        node.loop.run()
        node.agent.cancelAll()
        node.pool.stop()
    }

    private static func make(
        _ parts: Parts, _ status: NodeStatus
    ) throws(NodeError) -> (NodeLoop, RunningLoop) {
        do throws(LinkSetupError) {
            let loop = try EventLoop()
            let context = try LinkContext(loop: loop, identity: parts.identity)
            let holder = Holder()
            let mailbox = loop.mailbox(capacity: .max) { (event: NodeEvent) in holder.node?.take(event) }
            let pool = WorkerPool(
                workers: parts.workers, size: parts.configuration.priorityQueueSize,
                weight: parts.configuration.priorityQueueWeight
            ) { mailbox.post(.finished($0)) }
            let node = NodeLoop(parts, loop, context, pool, status, holder)
            holder.node = node
            try node.routes.listen(at: parts.configuration.links.endpoint)
            do throws(ThreadError) {
                try pool.start()
            } catch {
                pool.stop()
                throw LinkSetupError("\(error)")
            }
            node.begin(parts.configuration)
            let address = node.routes.address ?? parts.configuration.links.endpoint
            return (node, RunningLoop(address: address, mailbox: mailbox, pool: pool))
        } catch {
            throw NodeError("links: \(error)")
        }
    }

    /// Lets the handlers, which are made first, find the node.
    private final class Holder { weak var node: NodeLoop? }

    private init(
        _ parts: Parts, _ loop: EventLoop, _ context: LinkContext, _ pool: WorkerPool, _ status: NodeStatus,
        _ holder: Holder
    ) {
        self.loop = loop
        self.context = context
        self.pool = pool
        self.status = status
        updateInterval = parts.configuration.updateInterval
        routes = NodeRoutes(
            context, onMessage: { holder.node?.take($0, from: $1) }, onPeer: { holder.node?.found($0) },
            onLoss: { holder.node?.lost($0) })
        agent = NodeAgent(parts.configuration, processors: parts.processors, pool: pool, outlet: routes)
    }

    private func begin(_ configuration: NodeConfiguration) {
        routes.connect(to: configuration.nodes.map { ($0.name, $0.address) })
        status.isReady.store(true, ordering: .relaxed)
        turn()
    }

    // MARK: Events

    private func take(_ message: LinkMessage, from peer: LinkPeer) {
        agent.receive(message, from: peer, now: loop.now)
        schedule()
    }

    private func found(_ peer: LinkPeer) {
        agent.peerIsUp(peer, now: loop.now)
        schedule()
    }

    private func lost(_ peer: LinkPeer) {
        agent.peerIsDown(peer, now: loop.now)
        schedule()
    }

    private func take(_ event: NodeEvent) {
        switch event {
        case .finished(let report): agent.finished(report, now: loop.now)
        case .apply(let configuration, let processors): apply(configuration, processors)
        case .drain:
            status.isReady.store(false, ordering: .relaxed)
            agent.drain()
        case .finish: finish()
        case .metrics(let question):
            let text = metrics
            question.text.withLock { $0 = text }
            question.done.signal()
        }
        schedule()
    }

    private func apply(_ configuration: NodeConfiguration, _ processors: ProcessorSet) {
        updateInterval = configuration.updateInterval
        nextReport = 0
        agent.apply(configuration, processors)
        routes.connect(to: configuration.nodes.map { ($0.name, $0.address) })
    }

    /// Sends what waits and stops the loop: half a second for those who take it.
    private func finish() {
        guard !isFinishing else { return }
        isFinishing = true
        status.isReady.store(false, ordering: .relaxed)
        routes.stopAccepting()
        routes.finish()
        let end = loop.now + 500_000_000
        func look() {
            if routes.queued == 0 || MonotonicClock.now >= end { return loop.handle.stop() }
            loop.schedule(after: .milliseconds(5)) { look() }
        }
        look()
    }

    // MARK: Time

    /// Does what is due, and sets the timer for what comes next.
    private func turn() {
        let now = MonotonicClock.now
        status.lastTurn.store(now, ordering: .relaxed)
        agent.tick(now: now)
        if now >= nextReport {
            agent.report()
            nextReport = now + max(1_000_000, updateInterval.wholeNanoseconds)
        }
        status.isIdle.store(agent.isDraining && agent.isIdle && routes.queued == 0, ordering: .relaxed)
        timer = nil
        schedule()
    }

    /// Makes sure that the loop turns when the agent wants it to.
    private func schedule() {
        let now = loop.now
        let due = min(agent.due ?? .max, nextReport, now + Self.longestPause)
        if let timer, timer.isPending, timer.deadline <= due { return }
        timer?.cancel()
        timer = loop.schedule(at: due) { [weak self] in self?.turn() }
    }
}

extension Duration {
    /// Whole nanoseconds; for times that a configuration may have.
    var wholeNanoseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }
}
