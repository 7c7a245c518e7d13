import Selection

/// What happens to nodes.
extension NodeBook {
    /// A node's link is up: the node can be used, though it has not reported yet.
    mutating func linkUp(_ name: String, now: UInt64) {
        var node = nodes[name] ?? newNode()
        node.isLinked = true
        node.linked = now
        node.isGivenUp = false
        node.knownInFlight = node.window.inFlight
        nodes[name] = node
    }

    /// A node's link is down.
    mutating func linkDown(_ name: String, now: UInt64) {
        nodes[name]?.isLinked = false
        if let job = nodes[name]?.trial?.job { cancelTrial(job, of: name, now: now) }
    }

    /// A node is no longer configured.
    mutating func remove(_ name: String) {
        nodes[name] = nil
        table.remove(name)
    }

    /// What `TCP_INFO` says of a node's link. A rate that was bounded by what there was to send may raise what is known of
    /// the link, and never lowers it: a link that has carried nothing but its handshake is not a slow one.
    mutating func measured(roundTrip: UInt64, bytesPerSecond: Double, isLowerBound: Bool, to name: String) {
        guard let known = nodes[name]?.link.bytesPerSecond else { return }
        let isNews = bytesPerSecond > 0 && (!isLowerBound || bytesPerSecond > known)
        nodes[name]?.link = LinkConditions(roundTrip: roundTrip, bytesPerSecond: isNews ? bytesPerSecond : known)
    }

    /// A node has reported.
    mutating func report(_ report: LoadReport, from name: String, now: UInt64) {
        guard let inFlight = nodes[name]?.window.inFlight else { return }
        table.record(report, from: name, now: now)
        nodes[name]?.knownInFlight = inFlight
        // Our own are counted as they come and go; as reported they would keep an idle node busy until the next report.
        nodes[name]?.waitingFromOthers = max(Int(report.waiting) - inFlight, 0)
        if nodes[name]?.isLinked == true { nodes[name]?.isGivenUp = false }
    }

    /// The nodes that have been lost since the last call: their links are down, or they are silent.
    mutating func takeLost(now: UInt64) -> [String] {
        var lost: [String] = []
        for (name, node) in nodes where !node.isGivenUp && !isAlive(name, now: now) { lost.append(name) }
        for name in lost { nodes[name]?.isGivenUp = true }
        return lost.sorted()
    }

    /// A reassembly node left a job unanswered: for a second it is asked last.
    mutating func suspect(_ name: String, now: UInt64) { nodes[name]?.suspectUntil = now &+ 1_000_000_000 }

    /// A chunk was sent to be worked on.
    mutating func sent(to name: String) { nodes[name]?.window.sent() }

    /// A chunk is no longer waited for.
    mutating func released(by name: String) { nodes[name]?.window.released() }

    /// A chunk takes much longer than usual.
    mutating func becameOverdue(at name: String) { nodes[name]?.overdue += 1 }

    /// A chunk that took much longer than usual takes no longer.
    mutating func noLongerOverdue(at name: String) {
        // A node that was removed and came again knows nothing of what was before.
        if let overdue = nodes[name]?.overdue, overdue > 0 { nodes[name]?.overdue = overdue - 1 }
    }

    /// A chunk's result did not come in time, or the node is lost.
    mutating func lost(at name: String, sent: UInt64, now: UInt64) {
        nodes[name]?.window.lost(sent: sent, now: now)
    }

    /// A chunk is done.
    ///
    /// - Parameters:
    ///   - took: nanoseconds.
    ///   - bytes: of the chunk.
    ///   - history: of the chunk's type.
    mutating func completed(
        at name: String, sent: UInt64, took: UInt64, bytes: Int, history: TypeHistory, now: UInt64
    ) {
        guard let node = nodes[name] else { return }
        let work = history.expectedWork(bytes: bytes) ?? 0
        let target = max(
            settings.minimumTarget.wholeNanoseconds,
            UInt64(work * Double(settings.targetFactor)) + 2 * node.link.roundTrip)
        nodes[name]?.window.completed(sent: sent, took: took, target: target, now: now)
        judge(name, took: took, history: history, now: now)
    }

    /// Compares a node's chunk time with what the type's chunks usually take.
    ///
    /// - Parameters:
    ///   - took: nanoseconds.
    ///   - isOvertaken: whether a node that was asked later was quicker: then the chunk would have taken longer still.
    mutating func judge(
        _ name: String, took: UInt64, isOvertaken: Bool = false, history: TypeHistory, now: UInt64
    ) {
        guard let usual = history.usualChunkTime else { return }
        let others = medianRatio(now: now)
        nodes[name]?.slowness.record(
            Double(took) / Double(usual), isOvertaken: isOvertaken, others: others,
            factor: Double(settings.slowFactor), now: now)
    }

    /// The node that a chunk is sent to when it must go elsewhere: alive, with credit, neither passed over nor late, the least
    /// expected time; if there is none, credit does not count; then what was tried does not.
    ///
    /// - Parameters:
    ///   - tried: nodes that have had their chance.
    ///   - lost: nodes that are of no use, come what may.
    func substitute(
        in ring: ShardTable, requestType: String, bytes: Int, work: Double?, tried: [String], lost: [String],
        now: UInt64
    ) -> String? {
        let live = conditions(in: ring, requestType: requestType, now: now).filter { !lost.contains($0.key) }
        func best(_ usable: (String, NodeCondition) -> Bool) -> String? {
            live.filter { usable($0.key, $0.value) }.min {
                let first = $0.value.expectedTime(bytes: bytes, work: work ?? 1_000_000)
                let second = $1.value.expectedTime(bytes: bytes, work: work ?? 1_000_000)
                return (first, $0.key) < (second, $1.key)
            }?.key
        }
        return best { !tried.contains($0) && $1.credit > 0 && !$1.isPassedOver && !$1.isLate }
            ?? best { name, _ in !tried.contains(name) }
            ?? best { _, condition in !condition.isPassedOver }
            ?? best { _, _ in true }
    }

    private func newNode() -> Node {
        Node(window: CreditWindow(initial: settings.initialCredit, maximum: settings.maximumCredit))
    }
}
