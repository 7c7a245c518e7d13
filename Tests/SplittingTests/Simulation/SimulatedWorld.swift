import Selection
import Splitting
import Testing
import Wire

/// A load balancer and its nodes, exchanging real messages over a simulated network under a simulated clock. Everything
/// follows from the seed.
final class SimulatedWorld {
    /// What goes wrong on links.
    struct Network {
        /// Shares of the messages: lost without a sign, and damaged in their payload.
        var loss = 0.0
        var damage = 0.0
        /// Delay in nanoseconds: each message has its own, so they overtake each other.
        var delay: ClosedRange<UInt64> = 50_000...150_000
    }

    enum Event {
        case deliver(LinkMessage, from: String, to: String)
        case returned(LinkMessage, from: String, to: String)
        case worked(String, SimulatedNode.Work, epoch: Int)
        case submit
        case tick
        case report(String)
        case thaw(String)
        case run((SimulatedWorld) -> Void)
    }

    static let balancer = "lb"
    var now: UInt64 = 0
    var desk: SplitDesk
    var ring: ShardTable
    var nodes: [String: SimulatedNode] = [:]
    var network = Network()
    /// Ordered pairs that cannot talk.
    var cut: Set<[String]> = []
    var generator: SeededGenerator
    var type = RequestTypeSettings(name: "sum")
    var payloadSize: ClosedRange<Int> = 2_000...12_000
    /// Payload by job, until it ends.
    private var payloads: [JobID: [UInt8]] = [:]
    private(set) var outcomes: [JobID: JobOutcome] = [:]
    /// Nanoseconds that answered jobs took, with the time of their end.
    private(set) var times: [(ended: UInt64, took: UInt64)] = []
    private(set) var refused = 0
    private(set) var wrongAnswers = 0
    private(set) var doubleEnds = 0
    /// Messages that no frame can hold.
    private(set) var unsendable = 0
    private(set) var chunksWorked = 0
    private(set) var mostJobs = 0
    private var events = EventQueue<Event>()

    init(
        nodes names: [String], settings: SplittingSettings = SplittingSettings(), seed: UInt64,
        reassembly: ReassemblySettings = ReassemblySettings()
    ) throws {
        try settings.validate()
        generator = SeededGenerator(state: seed)
        desk = SplitDesk(settings: settings, origin: seed, checksum: testChecksum)
        ring = try ShardTable.build(members: names.map { TableMember(name: $0) }, size: 251)
        for name in names {
            nodes[name] = SimulatedNode(name: name, settings: reassembly)
            desk.linkUp(name, now: 0)
            events.add(.report(name), at: generator.next() % 100_000_000)
        }
        events.add(.tick, at: 0)
    }

    /// Offers `count` jobs, `interval` nanoseconds apart.
    func offer(_ count: Int, every interval: UInt64, from begin: UInt64 = 0) {
        for number in 0..<count { events.add(.submit, at: begin + UInt64(number) * interval) }
    }

    func at(_ time: UInt64, _ action: @escaping (SimulatedWorld) -> Void) { events.add(.run(action), at: time) }

    /// Runs until `end`.
    func run(until end: UInt64) {
        while let (time, event) = events.next(until: end) {
            now = time
            handle(event)
        }
        now = end
    }

    private func handle(_ event: Event) {
        switch event {
        case .deliver(let message, let from, let to): deliver(message, from: from, to: to)
        case .returned(let message, let from, let to): giveBack(message, from: from, to: to)
        case .worked(let name, let work, let epoch): finish(work, at: name, epoch: epoch)
        case .submit: submit()
        case .run(let action): action(self)
        case .thaw(let name):
            guard let node = nodes[name], node.frozenUntil <= now else { return }
            let backlog = node.backlog
            node.backlog = []
            for event in backlog { handle(event) }
        case .tick:
            var actions: [SplitAction] = []
            desk.tick(now: now, into: &actions)
            carryOut(actions)
            for node in nodes.values.sorted(by: { $0.name < $1.name }) where node.isUp(now) {
                var nodeActions: [ReassemblyAction] = []
                node.desk.tick(now: now, into: &nodeActions)
                carryOut(nodeActions, at: node)
            }
            events.add(.tick, at: now + 1_000_000)
        case .report(let name):
            events.add(.report(name), at: now + 100_000_000)
            guard let node = nodes[name], node.isUp(now) else { return }
            send(.load(node.report()), from: name, to: Self.balancer)
        }
    }

    // MARK: The load balancer

    private func submit() {
        let size = Int.random(in: payloadSize, using: &generator)
        let first = UInt8.random(in: 0...255, using: &generator)
        let payload = (0..<size).map { first &+ UInt8(truncatingIfNeeded: $0 &* 7) }
        let client = Endpoint(address: IPAddress(10, 0, 0, UInt8(generator.next() % 250)), port: 4000)
        let endpoints = JobEndpoints(client: client, virtual: Endpoint(address: IPAddress(192, 0, 2, 1), port: 53))
        let request = SplitRequest(
            payload: payload, type: type, key: JobKey.key(ofType: type.name), endpoints: endpoints)
        var actions: [SplitAction] = []
        do {
            let id = try desk.submit(request, ring: ring, now: now, into: &actions)
            payloads[id] = payload
        } catch {
            refused += 1
        }
        carryOut(actions)
        mostJobs = max(mostJobs, desk.jobCount)
    }

    private func carryOut(_ actions: [SplitAction]) {
        for action in actions {
            switch action {
            case .send(let message, let node): send(message, from: Self.balancer, to: node)
            case .ended(let end):
                if outcomes.updateValue(end.outcome, forKey: end.job) != nil { doubleEnds += 1 }
                let payload = payloads.removeValue(forKey: end.job) ?? []
                guard end.outcome == .answered else { continue }
                _ = desk.answered(end.job, reached: true, now: now)
                times.append((now, end.took))
                if end.answer != [SimulatedNode.process(payload)] { wrongAnswers += 1 }
            }
        }
    }

    // MARK: Nodes

    func carryOut(_ actions: [ReassemblyAction], at node: SimulatedNode) {
        for action in actions {
            switch action {
            case .send(let message, let peer): send(message, from: node.name, to: peer)
            case .join(let id, _, _, let results):
                var next: [ReassemblyAction] = []
                node.desk.joined(id, payload: Array(results.joined()), now: now, into: &next)
                carryOut(next, at: node)
            case .forget: break
            }
        }
    }

    func startWork(at node: SimulatedNode) {
        while let work = node.startNext(now: now) {
            events.add(.worked(node.name, work, epoch: node.epoch), at: now + work.time)
        }
    }

    private func finish(_ work: SimulatedNode.Work, at name: String, epoch: Int) {
        guard let node = nodes[name], node.epoch == epoch, node.isAlive else { return }
        if !node.isUp(now) { return node.backlog.append(.worked(name, work, epoch: epoch)) }
        chunksWorked += 1
        if let (result, to) = node.finish(work) { send(.result(result), from: name, to: to) }
        startWork(at: node)
    }

    // MARK: The network

    func send(_ message: LinkMessage, from: String, to: String) {
        switch message {
        case .opening, .demand: if (try? message.encoded()) == nil { unsendable += 1 }
        default: break
        }
        if from == to { return events.add(.deliver(message, from: from, to: to), at: now + 1000) }
        let isDown = nodes[to]?.isAlive == false || cut.contains([from, to])
        if isDown { return events.add(.returned(message, from: from, to: to), at: now + 1000) }
        if Double.random(in: 0..<1, using: &generator) < network.loss { return }
        var message = message
        if Double.random(in: 0..<1, using: &generator) < network.damage { message = message.damaged }
        events.add(
            .deliver(message, from: from, to: to), at: now + UInt64.random(in: network.delay, using: &generator))
    }

    private func deliver(_ message: LinkMessage, from: String, to: String) {
        if cut.contains([from, to]) { return }
        if to == Self.balancer {
            var actions: [SplitAction] = []
            desk.receive(message, from: from, now: now, into: &actions)
            return carryOut(actions)
        }
        guard let node = nodes[to], node.isAlive else { return }
        if !node.isUp(now) { return node.backlog.append(.deliver(message, from: from, to: to)) }
        var actions: [ReassemblyAction] = []
        if node.desk.receive(message, from: from, now: now, into: &actions) { carryOut(actions, at: node) }
        for (reply, peer) in node.receive(message, from: from, now: now) { send(reply, from: to, to: peer) }
        startWork(at: node)
    }

    private func giveBack(_ message: LinkMessage, from: String, to: String) {
        if from == Self.balancer {
            var actions: [SplitAction] = []
            desk.undeliverable(message, to: to, now: now, into: &actions)
            carryOut(actions)
        } else if let node = nodes[from], node.isUp(now) {
            var actions: [ReassemblyAction] = []
            node.desk.undeliverable(message, to: to, now: now, into: &actions)
            carryOut(actions, at: node)
        }
    }

    // MARK: Faults

    /// A node dies: all it knew is gone; the others notice.
    func kill(_ name: String) {
        nodes[name]?.die()
        linksDown(name)
    }

    /// A node begins anew.
    func revive(_ name: String) {
        nodes[name]?.isAlive = true
        linksUp(name)
    }

    func linksDown(_ name: String) {
        var actions: [SplitAction] = []
        desk.linkDown(name, now: now, into: &actions)
        carryOut(actions)
        for node in nodes.values.sorted(by: { $0.name < $1.name }) where node.name != name && node.isAlive {
            var nodeActions: [ReassemblyAction] = []
            node.desk.linkDown(name, now: now, into: &nodeActions)
            carryOut(nodeActions, at: node)
        }
    }

    func linksUp(_ name: String) {
        desk.linkUp(name, now: now)
        for node in nodes.values { node.desk.linkUp(name) }
    }

    /// A node stands still and then goes on where it was.
    func freeze(_ name: String, for time: UInt64) {
        nodes[name]?.frozenUntil = now + time
        events.add(.thaw(name), at: now + time)
    }

    /// The link between the load balancer and a node is cut, and both notice.
    func cutLink(_ name: String) {
        cut.formUnion([[Self.balancer, name], [name, Self.balancer]])
        var actions: [SplitAction] = []
        desk.linkDown(name, now: now, into: &actions)
        carryOut(actions)
        var nodeActions: [ReassemblyAction] = []
        nodes[name]?.desk.linkDown(Self.balancer, now: now, into: &nodeActions)
        if let node = nodes[name] { carryOut(nodeActions, at: node) }
    }

    func mendLink(_ name: String) {
        cut.subtract([[Self.balancer, name], [name, Self.balancer]])
        desk.linkUp(name, now: now)
        nodes[name]?.desk.linkUp(Self.balancer)
    }
}
