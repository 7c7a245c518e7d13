/// Which node gets which chunk.
extension PlanField {
    /// The nodes of each chunk, those that work at once first.
    ///
    /// The first copies go to the nodes that the ring names for the job, one chunk each as far as there are nodes; a node
    /// that is expected to need ``localityTolerance`` times what another needs gives way to the least loaded. Further
    /// copies go where the fewest are. Where that leaves no node for a copy that is worked on, credit alone decides.
    ///
    /// - Parameter chunks: at most what is ``affordable(active:)``.
    mutating func place(chunks: Int, copies: Int, active: Int) -> [[String]] {
        let untouched = nodes
        var holders = placeByRing(chunks: chunks, active: active)
        if holders == nil {
            nodes = untouched
            holders = placeByCredit(chunks: chunks, active: active)
        }
        guard var holders else { preconditionFailure("\(chunks) chunks are more than the nodes take") }
        for _ in active..<max(copies, active) {
            for chunk in holders.indices {
                guard let index = nextCopy(besides: holders[chunk], working: false) else { continue }
                nodes[index].copies += 1
                holders[chunk].append(index)
            }
        }
        return holders.map { $0.map { nodes[$0].name } }
    }

    /// The nodes that work on each chunk, as the ring names them; nil when some chunk has too few.
    private mutating func placeByRing(chunks: Int, active: Int) -> [[Int]]? {
        var holders: [[Int]] = []
        holders.reserveCapacity(chunks)
        while holders.count < chunks {
            let chosen = chooseNodes(min(chunks - holders.count, nodes.count))
            if chosen.isEmpty { return nil }
            for index in chosen { nodes[index].credit -= 1 }
            holders += assign(chosen, firstChunk: holders.count).map { [$0] }
        }
        for _ in 1..<active {
            for chunk in holders.indices {
                guard let index = nextCopy(besides: holders[chunk], working: true) else { return nil }
                nodes[index].copies += 1
                nodes[index].credit -= 1
                holders[chunk].append(index)
            }
        }
        return holders
    }

    /// The nodes that work on each chunk: those with the most credit left, which finds a way if there is one (Gale 1957).
    private mutating func placeByCredit(chunks: Int, active: Int) -> [[Int]]? {
        var holders: [[Int]] = []
        for _ in 0..<chunks {
            let chosen = nodes.indices.filter { nodes[$0].credit > 0 }
                .sorted { (-nodes[$0].credit, nodes[$0].cost, $0) < (-nodes[$1].credit, nodes[$1].cost, $1) }
                .prefix(active)
            if chosen.count < active { return nil }
            for index in chosen { nodes[index].credit -= 1 }
            holders.append(Array(chosen))
        }
        return holders
    }

    /// Up to `count` different nodes: the first of the ring but for those that give way.
    private func chooseNodes(_ count: Int) -> [Int] {
        let usable = nodes.indices.filter { nodes[$0].credit > 0 }
        // The nodes that stand first on the whole ring, dead ones counted: when one dies only its own chunks move.
        var chosen = usable.filter { nodes[$0].place < count }
        var spare = usable.filter { nodes[$0].place >= count }
            .sorted { (nodes[$0].cost, nodes[$0].place) < (nodes[$1].cost, nodes[$1].place) }[...]
        while chosen.count < count, let next = spare.popFirst() { chosen.append(next) }
        for place in chosen.indices {
            guard let best = spare.first else { break }
            if nodes[chosen[place]].cost <= Self.localityTolerance * nodes[best].cost { continue }
            chosen[place] = best
            spare.removeFirst()
        }
        return chosen
    }

    /// Gives the chunks `firstChunk` and following to the chosen nodes, in the order of the chunks.
    ///
    /// Each pair of chunk and node has a number of its own, and the greatest numbers win (rendezvous hashing: Thaler,
    /// Ravishankar 1998). So another set of nodes changes little: who stays mostly keeps its chunk.
    private func assign(_ chosen: [Int], firstChunk: Int) -> [Int] {
        var pairs: [(score: UInt64, chunk: Int, node: Int)] = []
        pairs.reserveCapacity(chosen.count * chosen.count)
        for chunk in chosen.indices {
            let seed = JobKey.mix(key &+ UInt64(chunk + 1) &* 0x9E37_79B9_7F4A_7C15)
            for node in chosen { pairs.append((JobKey.mix(seed ^ nodes[node].hash), chunk, node)) }
        }
        pairs.sort { $0.score > $1.score }
        var places = [Int](repeating: -1, count: chosen.count)
        var taken = Set<Int>()
        for pair in pairs where places[pair.chunk] < 0 && !taken.contains(pair.node) {
            places[pair.chunk] = pair.node
            taken.insert(pair.node)
        }
        return places
    }

    /// The node for one more copy of a chunk: where the fewest copies are, then where it is done first.
    private func nextCopy(besides holders: [Int], working: Bool) -> Int? {
        var best: Int?
        for index in nodes.indices where !holders.contains(index) {
            if working && nodes[index].credit < 1 { continue }
            guard let other = best else {
                best = index
                continue
            }
            let (a, b) = (nodes[index], nodes[other])
            if (a.copies, a.cost, a.place) < (b.copies, b.cost, b.place) { best = index }
        }
        return best
    }
}
