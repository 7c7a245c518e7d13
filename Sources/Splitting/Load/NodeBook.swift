import Selection

/// All that a load balancer knows of its nodes: links, load table, credit, slowness.
public struct NodeBook: Sendable {
    /// One node.
    struct Node: Sendable {
        var isLinked = false
        /// When the link came up, in monotonic nanoseconds.
        var linked: UInt64 = 0
        /// Whether the jobs have been told that the node is lost.
        var isGivenUp = true
        var window: CreditWindow
        var slowness = Slowness()
        var link = LinkConditions()
        /// Until when the node is asked last to reassemble.
        var suspectUntil: UInt64 = 0
        /// Chunks that were under way to it as it reported: its credit knows of those, and of no others.
        var knownInFlight = 0
        /// Chunks and jobs that waited there as it reported, and were not from here.
        var waitingFromOthers = 0
        /// Chunks that reassembly nodes wait for much longer than usual.
        var overdue = 0
        /// The chunk that shows whether the node, which is passed over, is still slow.
        var trial: NodeTrial?
    }

    /// What holds for all.
    let settings: SplittingSettings
    /// The load table.
    public internal(set) var table: LoadTable
    /// A node's predicted load, 0 … 1; nil where there is no forecast: then the load table's smoothed value holds.
    public var predictedLoad: @Sendable (String) -> Double?
    var nodes: [String: Node] = [:]

    /// A book without nodes.
    public init(
        settings: SplittingSettings, predictedLoad: @escaping @Sendable (String) -> Double? = { _ in nil }
    ) {
        self.settings = settings
        self.predictedLoad = predictedLoad
        table = LoadTable(interval: settings.updateInterval, missed: settings.missedUpdates)
    }

    /// The nodes' names, in no order.
    public var names: [String] { Array(nodes.keys) }

    /// Whether a node can be used: linked, and its last report, or the beginning of its link, is not too long ago.
    public func isAlive(_ name: String, now: UInt64) -> Bool {
        guard let node = nodes[name], node.isLinked else { return false }
        if table.row(of: name, now: now) != nil { return true }
        return now < node.linked.clampedSum(table.silence)
    }

    /// A node's credit window; nil for an unknown node.
    public func window(of name: String) -> CreditWindow? { nodes[name]?.window }

    /// A node's slowness; nil for an unknown node.
    public func slowness(of name: String) -> Slowness? { nodes[name]?.slowness }

    /// Chunks that a node may be sent now: what its window leaves, and what it said it would take.
    func credit(of name: String, now: UInt64) -> Int {
        guard let node = nodes[name] else { return 0 }
        var credit = node.window.free
        if let row = table.row(of: name, now: now) {
            let said = Int(row.report.credit) + node.knownInFlight - node.window.inFlight
            credit = min(credit, max(said, 0))
        }
        return credit
    }

    /// Chunks that the live nodes take now, together.
    public func freeCredit(now: UInt64) -> Int {
        nodes.keys.reduce(0) { $0 + (isAlive($1, now: now) ? credit(of: $1, now: now) : 0) }
    }

    /// The live nodes of a ring as a plan sees them.
    public func conditions(in ring: ShardTable, requestType: String, now: UInt64) -> [String: NodeCondition] {
        var conditions: [String: NodeCondition] = [:]
        conditions.reserveCapacity(ring.members.count)
        let others = medianRatio(now: now)
        let live = nodes.keys.filter { isAlive($0, now: now) }
        // Where most nodes are late or slow it is the load or the network, and none is passed over for it.
        let skipsLate = live.count { nodes[$0]?.overdue ?? 0 > 0 } * 2 <= live.count
        let skipsSlow = live.count { nodes[$0]?.slowness.isPassedOver ?? false } * 2 <= live.count
        for member in ring.members where member.weight > 0 {
            guard let node = nodes[member.name], isAlive(member.name, now: now) else { continue }
            let row = table.row(of: member.name, now: now)
            let load = predictedLoad(member.name) ?? row?.load ?? 0
            conditions[member.name] = NodeCondition(
                load: load, credit: credit(of: member.name, now: now), workers: Int(row?.report.workers ?? 1),
                ahead: Double(node.window.inFlight + (row == nil ? 0 : node.waitingFromOthers)),
                slowness: node.slowness.ratio(now: now).map { $0 / max(others, 0.01) }
                    ?? reportedSlowness(of: member.name, requestType: requestType, now: now),
                link: node.link, isPassedOver: skipsSlow && node.slowness.isPassedOver,
                isLate: skipsLate && node.overdue > 0,
                isSuspect: now < node.suspectUntil)
        }
        return conditions
    }

    /// What a node says it takes for chunks of a type against what all say on average; 1 if it says nothing.
    private func reportedSlowness(of name: String, requestType: String, now: UInt64) -> Double {
        guard let own = table.row(of: name, now: now)?.time(ofType: requestType), own.microseconds > 0 else { return 1 }
        var sum = 0.0
        var count = 0.0
        for other in nodes.keys {
            guard let time = table.row(of: other, now: now)?.time(ofType: requestType), time.microseconds > 0 else {
                continue
            }
            sum += Double(time.microseconds)
            count += 1
        }
        return Double(own.microseconds) * count / sum
    }

    /// What a chunk must take for its node to be slow, in microseconds, now that the nodes take what they take.
    ///
    /// - Parameter usual: what such chunks usually take, in nanoseconds.
    func slowTime(usual: UInt64, now: UInt64) -> UInt32 {
        let bound = Slowness.bound(others: medianRatio(now: now), factor: Double(settings.slowFactor))
        return UInt32(clamping: Int(bound * Double(usual) / 1000))
    }

    /// The median of the live nodes' slowness; 1 while nothing is known.
    func medianRatio(now: UInt64) -> Double {
        let ratios = nodes.compactMap { isAlive($0, now: now) ? $1.slowness.ratio(now: now) : nil }.sorted()
        return ratios.isEmpty ? 1 : ratios[(ratios.count - 1) / 2]
    }
}
