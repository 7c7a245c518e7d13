import Selection

/// The nodes that a job can use, as one plan looks at them.
struct PlanField {
    /// A node that can be given chunks now.
    struct Node {
        let name: String
        let hash: UInt64
        let condition: NodeCondition
        /// Its place on the way around the ring, from 0.
        let place: Int
        /// When a chunk would be back; without history the predicted load.
        var cost: Double
        /// Chunks that work may still be given for.
        var credit: Int
        /// Copies that it has been given by this plan.
        var copies = 0
    }

    let key: UInt64
    /// In ring order.
    var nodes: [Node] = []
    /// Chunks that all nodes together take now.
    var credit = 0
    /// Whether any live node has something to do.
    var isBusy = false

    /// A node that its place on the ring speaks for is used as long as it is expected to need less than this many times
    /// what the best of the others needs.
    static var localityTolerance: Double { 2 }

    /// The live nodes with credit that are neither passed over nor late; if there are none, the others with credit.
    ///
    /// - Parameter depth: how many chunks each worker of a busy node may have at most.
    init(
        key: UInt64, ring: ShardTable, conditions: [String: NodeCondition], depth: Double
    ) throws(JobRefusal) {
        self.key = key
        var live = 0
        var slow: [Node] = []
        for (place, member) in Ring.candidates(forKey: key, in: ring, count: ring.members.count).enumerated() {
            let name = ring.members[member].name
            guard let condition = conditions[name] else { continue }
            live += 1
            if condition.ahead >= 1 { isBusy = true }
            let credit = min(condition.credit, condition.room(depth: depth))
            if credit < 1 { continue }
            let node = Node(
                name: name, hash: JobKey.hash(name), condition: condition, place: place, cost: condition.load,
                credit: credit)
            if condition.isPassedOver || condition.isLate { slow.append(node) } else { nodes.append(node) }
        }
        if live == 0 { throw .nodes }
        if nodes.isEmpty { nodes = slow }
        if nodes.isEmpty { throw .credit }
        credit = nodes.reduce(0) { $0 + $1.credit }
    }

    /// The most chunks that the nodes take when each is worked on by so many different nodes.
    ///
    /// No node takes a chunk twice, so of *n* chunks a node with credit for more takes *n*.
    func affordable(active: Int) -> Int {
        var most = credit / active
        while most > 0 && nodes.reduce(0, { $0 + min($1.credit, most) }) < most * active { most -= 1 }
        return most
    }

    /// Sets each node's cost for chunks of so many bytes.
    mutating func estimate(bytes: Int, work: Double?) {
        for index in nodes.indices {
            let condition = nodes[index].condition
            // Without history a chunk's work is taken to be one millisecond, so that load and network still compare.
            nodes[index].cost = condition.expectedTime(bytes: bytes, work: work ?? 1_000_000)
        }
    }

    /// The number of chunks that is expected to be back first.
    ///
    /// While nothing is known of the type it is `usual`, and any other number must be expected to save a tenth.
    func bestCount(usual: Int, bound: Int, bytes: Int, history: TypeHistory) -> Int {
        if history.expectedWork(bytes: bytes) == nil { return usual }
        let usualTime = time(chunks: usual, bytes: bytes, history: history)
        var best = (count: usual, time: usualTime * ShardManager.worthwhile)
        var count = 1
        while count <= bound {
            let time = time(chunks: count, bytes: bytes, history: history)
            if time < best.time { best = (count, time) }
            // Every number up to 16, then some of each octave: the differences get small.
            count += max(count / 8, 1)
        }
        return best.count
    }

    /// When the last of so many equal chunks would be back on the quickest nodes, in nanoseconds.
    private func time(chunks: Int, bytes: Int, history: TypeHistory) -> Double {
        let size = (bytes + chunks - 1) / chunks
        let work = history.expectedWork(bytes: size) ?? 0
        var times: [Double] = []
        times.reserveCapacity(nodes.count)
        for node in nodes { times.append(node.condition.expectedTime(bytes: size, work: work)) }
        times.sort()
        let used = min(chunks, times.count)
        let workers = max(nodes.reduce(0) { $0 + $1.condition.workers } / nodes.count, 1)
        let rounds = (chunks + used * workers - 1) / (used * workers)
        return times[used - 1] + Double(rounds - 1) * work + Double(chunks) * ShardManager.overhead
    }

    /// When the slowest chunk is expected back.
    func slowest(of holders: [[String]], active: Int) -> Double {
        var costs: [String: Double] = [:]
        for node in nodes { costs[node.name] = node.cost }
        return holders.reduce(0) { most, names in
            max(most, names.prefix(active).reduce(0) { max($0, costs[$1] ?? 0) })
        }
    }
}
