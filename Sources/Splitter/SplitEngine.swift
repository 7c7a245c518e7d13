import Dataplane
import Logging
import NetfilterQueue
import NodeLinks
import Splitting
import Tracking
import Wire

/// The splitting thread at work: packets in, jobs over the nodes, answers out. Belongs to its event loop's thread.
///
/// A payload's originals are parked in the kernel from the moment they are seen. They are dropped when the client has its
/// answer, and accepted with the mark of one backend when there is none: nothing is injected twice, and nothing is lost
/// but what a crash of the process takes along, as the kernel drops what is parked when its socket closes.
final class SplitEngine {
    /// A payload that came whole, or has been collected, and is to be offered to the desk.
    struct Candidate {
        var payload: [UInt8]
        var originals: [UInt32]
        var kept: UInt64
        var pool: Int32
        var shard: UInt32
        var endpoints: JobEndpoints
        var service: ServiceSplitting
    }

    /// A job's originals, and where they go without an answer.
    struct Pending {
        var originals: [UInt32]
        var kept: UInt64
    }

    /// What was decided about originals while they were on their way to their queue.
    enum Settled {
        case refused([UInt32], FragmentFault?)
        case released([UInt32], UInt64)
    }

    let loop: EventLoop
    let context: LinkContext
    let settings: SplitterSettings
    let queue: CopyQueue
    var plan = SplitterPlan()
    var desk: SplitDesk
    var originals: OriginalTable
    var collector: PayloadCollector
    let answers: AnswerSender
    var links: [String: NodeLink] = [:]
    private var loads: SharedLoads
    let forecasts = LoadForecasts()
    var jobs: [JobID: Pending] = [:]
    var candidates: [Candidate] = []
    var settled: [Settled] = []
    var unsent: UInt64 = 0
    private var limit = LogLimit()
    private(set) var failure: SystemError?
    private(set) var isClosing = false

    /// How often the time of what waits is looked at.
    private static let interval = Duration.milliseconds(10)
    /// An answer that comes at the last moment has this much time to be sent, in nanoseconds.
    private static let leastSendTime: Int64 = 50_000_000
    /// How long answers may still be sent when the load balancer stops, in nanoseconds.
    private static let farewell: Int64 = 100_000_000

    init(
        _ settings: SplitterSettings, loop: EventLoop, path: consuming PacketPath, parking: ParkingPlaces, place: Int
    ) throws(SplitterError) {
        self.loop = loop
        self.settings = settings
        do throws(LinkSetupError) {
            context = try LinkContext(loop: loop, identity: settings.identity)
        } catch {
            throw .links(error)
        }
        do throws(QueueError) {
            queue = try CopyQueue(
                settings.queue, originals: settings.originals, length: settings.maximumOriginals, path: path,
                parking: parking, place: place)
        } catch {
            throw .queue(error)
        }
        loads = SharedLoads(settings.store, settings.splitting)
        let forecasts = forecasts
        desk = SplitDesk(
            settings: settings.splitting, origin: UInt64.random(in: 1...(.max)),
            checksum: { algorithm, bytes in algorithm.checksum(of: bytes) },
            predictedLoad: { node in forecasts.load(of: node) })
        originals = OriginalTable(capacity: Int(settings.maximumOriginals))
        collector = PayloadCollector(CollectorLimits(bytes: settings.collectedBytes, ttl: settings.fragmentTime))
        answers = AnswerSender(
            AnswerSockets.Settings(ipv6Fragment: settings.ipv6Fragment), loop: loop,
            maximumBytes: settings.splitting.maximumJobBytes)
        answers.onEnd = { [unowned self] in finish($0) }
        do throws(LinkSetupError) {
            try loop.watch(queue.descriptor, for: .readable) { [unowned self] _ in receive() }
        } catch {
            throw .links(error)
        }
        scheduleInterval()
        scheduleMeasuring()
    }

    /// The time, in nanoseconds of the monotonic clock.
    var now: Int64 { MonotonicClock.now }

    // MARK: Events

    /// Packets have come, or it is time to look at those that wait.
    func receive() {
        failure = failure ?? queue.receive { packet, bytes, path in decide(packet, bytes, &path) }
        queue.collectOriginals { name, id in
            if !originals.confirm(name, id: id) { queue.release(id, .drop) }
        }
        for decided in settled {
            switch decided {
            case .refused(let names, let fault): refuse(names, fault)
            case .released(let names, let kept): release(names, kept, nil)
            }
        }
        settled.removeAll(keepingCapacity: true)
        takeGivenUp()
        if !candidates.isEmpty {
            let offered = candidates
            candidates.removeAll(keepingCapacity: true)
            var actions: [SplitAction] = []
            for candidate in offered { submit(candidate, &actions) }
            carryOut(&actions)
        }
        queue.flush()
        if failure != nil { loop.handle.stop() }
    }

    /// Packets that are not collected any more go the ordinary way, but for those that cannot become whole.
    private func takeGivenUp() {
        for packet in collector.takeGivenUp() {
            switch packet.reason {
            case .expired: refuse(packet.originals, .expired)
            case .evicted, .refused:
                desk.refused(.originals)
                follow(packet.fragments, of: packet.key)
            case .ended:
                // Who has no first fragment would wait for it in a queue that is given back as well.
                if packet.hasFirst {
                    follow(packet.fragments, of: packet.key)
                } else {
                    for name in packet.originals { finish(name) { path, _ in path.unplacedDecision } }
                }
            }
        }
    }

    private func scheduleInterval() {
        loop.schedule(after: Self.interval) { [unowned self] in
            receive()
            followOthers()
            collector.expire(now: now)
            answers.expire(now: now)
            tick()
            scheduleInterval()
        }
    }

    private func scheduleMeasuring() {
        loop.schedule(after: settings.splitting.updateInterval) { [unowned self] in
            for (name, link) in links {
                guard let conditions = link.conditions else { continue }
                desk.measured(
                    roundTrip: UInt64(conditions.roundTrip) * 1000, bytesPerSecond: Double(conditions.deliveryRate),
                    isLowerBound: conditions.isApplicationLimited, to: name)
            }
            scheduleMeasuring()
        }
    }

    /// A deadline of the desk's has come, or may have.
    private func tick() {
        var actions: [SplitAction] = []
        desk.tick(now: UInt64(now), into: &actions)
        carryOut(&actions)
        queue.flush()
    }

    /// Takes over what is split and where the nodes are.
    func take(_ new: SplitterPlan) {
        for (name, link) in links where new.nodes[name] != link.address {
            links[name] = nil
            link.onChange = nil
            link.close()
            var actions: [SplitAction] = []
            desk.remove(name, now: UInt64(now), into: &actions)
            forecasts.forget(name)
            carryOut(&actions)
        }
        for (name, address) in new.nodes where links[name] == nil {
            let link = NodeLink(context, to: address, peer: LinkPeer(name: name, role: .node))
            link.onMessage = { [unowned self] _, message in receive(message, from: name) }
            link.onChange = { [unowned self] link in changed(link, name) }
            links[name] = link
            link.connect()
        }
        plan = new
        queue.flush()
    }

    private func receive(_ message: LinkMessage, from node: String) {
        var actions: [SplitAction] = []
        if case .load = message {
            loads.put(message, of: node, now: now)
            takeLoads(&actions)
        } else {
            desk.receive(message, from: node, now: UInt64(now), into: &actions)
        }
        carryOut(&actions)
        queue.flush()
    }

    /// Takes over what the load table has of late, whoever put it there.
    private func takeLoads(_ actions: inout [SplitAction]) {
        for (node, report) in loads.news(now: now) {
            desk.receive(report, from: node, now: UInt64(now), into: &actions)
            if let row = desk.book.table.row(of: node, now: UInt64(now)) {
                forecasts.learn(row.load, of: node, now: now)
            }
        }
    }

    private func changed(_ link: NodeLink, _ name: String) {
        var actions: [SplitAction] = []
        if link.isUp {
            Log.notice("node \(name) at \(link.address) is linked")
            desk.linkUp(name, now: UInt64(now))
        } else {
            desk.linkDown(name, now: UInt64(now), into: &actions)
        }
        carryOut(&actions)
        queue.flush()
    }

    /// Ends all jobs and collecting, lets the originals go, each with its outcome, and gives the queue back.
    func close() {
        isClosing = true
        collector.giveUpAll()
        takeGivenUp()
        var actions: [SplitAction] = []
        desk.stop(now: UInt64(now), into: &actions)
        carryOut(&actions)
        let end = now + Self.farewell
        while answers.waiting > 0, now < end { loop.turn(waitingAtMost: .milliseconds(5)) }
        answers.giveUpAll()
        queue.flush()
        for link in links.values {
            link.onChange = nil
            link.finish()
        }
        loop.unwatch(queue.descriptor)
        queue.close()
    }

    // MARK: Jobs

    private func submit(_ candidate: Candidate, _ actions: inout [SplitAction]) {
        let name = candidate.service.requestType(of: candidate.payload.span)
        let type = plan.types[name] ?? RequestTypeSettings(name: name)
        let snapshot = queue.withPath { $0.currentSnapshot }
        guard let ring = snapshot.plan.pools[Int(candidate.pool)].table else {
            return release(candidate.originals, candidate.kept, nil)
        }
        let request = SplitRequest(
            payload: candidate.payload, type: type, key: JobKey.key(ofType: name, shard: candidate.shard),
            endpoints: candidate.endpoints)
        do throws(JobRefusal) {
            let id = try desk.submit(request, ring: ring, now: UInt64(now), into: &actions)
            jobs[id] = Pending(originals: candidate.originals, kept: candidate.kept)
        } catch {
            release(candidate.originals, candidate.kept, nil)
        }
    }

    private func carryOut(_ actions: inout [SplitAction]) {
        var index = 0
        while index < actions.count {
            switch actions[index] {
            case .send(let message, let node):
                if links[node]?.send(message) != .queued {
                    desk.undeliverable(message, to: node, now: UInt64(now), into: &actions)
                }
            case .ended(let end): finish(end)
            }
            index += 1
        }
    }

    /// The nodes' part is over: the client gets the answer, or the originals go where they would have gone.
    private func finish(_ end: JobEnd) {
        guard let datagrams = end.answer else { return settle(end.job, end.outcome) }
        let deadline = max(Int64(clamping: end.deadline), now + Self.leastSendTime)
        answers.send(
            WaitingAnswer(job: end.job, client: end.endpoints.client, datagrams: datagrams, deadline: deadline),
            from: end.endpoints.virtual)
    }

    /// Answers have been sent, or cannot be: who did not get all of one has none, whatever the nodes have made.
    private func finish(_ ended: [(job: JobID, end: AnswerEnd)]) {
        for (job, end) in ended {
            if end != .sent { note(end, of: job) }
            settle(job, desk.answered(job, reached: end == .sent, now: UInt64(now)))
        }
        queue.flush()
    }

    private func note(_ end: AnswerEnd, of job: JobID) {
        unsent += 1
        guard let held = limit.admit() else { return }
        Log.warning("the answer of job \(job) could not be sent: \(end)" + (held > 0 ? " (and \(held) more)" : ""))
    }

    private func settle(_ job: JobID, _ outcome: JobOutcome) {
        guard let pending = jobs.removeValue(forKey: job) else { return }
        release(pending.originals, pending.kept, outcome.isForwarded ? nil : outcome == .answered)
    }

    // MARK: Originals

    /// Lets originals go (`answered` nil), or ends them.
    private func release(_ names: [UInt32], _ kept: UInt64, _ answered: Bool?) {
        for name in names {
            finish(name) { path, original in
                guard let answered else { return path.forward(kept, isFragment: original.isFragment) }
                return path.end(kept, answered: answered)
            }
        }
    }

    /// Drops originals whose packet must not be.
    func refuse(_ names: [UInt32], _ fault: FragmentFault?) {
        for name in names { finish(name) { path, _ in path.refused(fault) } }
    }

    private func finish(_ name: UInt32, _ decide: (borrowing PacketPath, Original) -> Decision) {
        guard let original = originals.remove(name) else { return }
        let verdict = queue.withPath { path in
            // One that never arrived was dropped by the kernel, for which its queue was too short.
            let decision = original.id == nil ? path.lostDecision : decide(path, original)
            path.countUnparked(decision, wireLength: original.wireLength)
            return decision.verdict
        }
        // Not while the path is lent: a full buffer of verdicts is sent, which is counted there.
        if let id = original.id { queue.release(id, verdict) }
    }
}
