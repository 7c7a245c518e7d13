import Selection

/// Decides for each payload how many chunks it is cut into, where, and which nodes get them.
///
/// A pure function of what it is told: the same payload under the same conditions is planned alike on every load balancer.
public struct ShardManager: Sendable {
    /// What holds for all types.
    public var settings: SplittingSettings

    /// What each chunk costs besides its work, in nanoseconds: its frames, its place in the job, one more to wait for.
    public static var overhead: Double { 30_000 }
    /// Another number of chunks than `num_chunks` must be expected to save a tenth.
    static var worthwhile: Double { 0.9 }

    /// While nodes are busy, want of credit makes a job's chunks at most so many times as long as they would be.
    static var growth: Int { 2 }

    /// A manager for these settings.
    public init(settings: SplittingSettings) { self.settings = settings }

    /// Plans a job.
    ///
    /// - Parameters:
    ///   - request: the payload.
    ///   - ring: the pool's table.
    ///   - conditions: what is known of each live node; a node that is not in it is not used.
    ///   - history: what is known of the type.
    /// - Throws: why the payload cannot be split now.
    public func plan(
        _ request: SplitRequest, ring: ShardTable, conditions: [String: NodeCondition], history: TypeHistory
    ) throws(JobRefusal) -> SplitPlan {
        do throws(JobRefusal) {
            return try planOnce(request, ring: ring, conditions: conditions, history: history)
        } catch {
            let wantsMore = error == .credit || error == .agreement
            guard wantsMore, conditions.values.contains(where: \.isLate) else { throw error }
            // To be late with one chunk is better than to have no place for the next.
            let all = conditions.mapValues { condition in
                var condition = condition
                condition.isLate = false
                return condition
            }
            return try planOnce(request, ring: ring, conditions: all, history: history)
        }
    }

    private func planOnce(
        _ request: SplitRequest, ring: ShardTable, conditions: [String: NodeCondition], history: TypeHistory
    ) throws(JobRefusal) -> SplitPlan {
        if request.payload.isEmpty || request.payload.count > 65_535 { throw .size }
        var field = try PlanField(
            key: request.key, ring: ring, conditions: conditions, depth: depth(for: history))
        let copies = min(settings.replicationFactor, field.nodes.count)
        if settings.reconciliation == .agree && copies < 2 { throw .agreement }
        let active = JobOpening.activeCopies(
            of: copies, replication: settings.replication, reconciliation: settings.reconciliation)
        let affordable = field.affordable(active: active)
        if affordable < 1 { throw .credit }
        let ranges = try cut(request, field: field, affordable: affordable, history: history)
        let largest = ranges.map(\.count).max() ?? 0
        field.estimate(bytes: largest, work: history.expectedWork(bytes: largest))
        let holders = field.place(chunks: ranges.count, copies: copies, active: active)
        let expected = history.expectedWork(bytes: largest) == nil ? nil : field.slowest(of: holders, active: active)
        let deadline = (request.type.deadline ?? settings.deadline).wholeNanoseconds
        if let expected, expected > Double(deadline) { throw .deadline }
        let reassembly = Self.reassemblyOrder(for: request.endpoints, ring: ring, conditions: conditions)
        return SplitPlan(
            ranges: ranges, holders: holders, activeCopies: active, reassembly: reassembly,
            expected: expected.map { UInt64($0) })
    }

    /// Chunks that a busy worker may have, one of them at work: of more the last would take more than `target_factor` times
    /// its work, and more than twice `min_target`, which no short chunk is too late by.
    private func depth(for history: TypeHistory) -> Double {
        guard history.work.count >= TypeHistory.enough, let work = history.work.average, work > 0 else {
            return .infinity
        }
        return max(2 * Double(settings.minimumTarget.wholeNanoseconds) / work, Double(settings.targetFactor))
    }

    /// The live nodes in the order in which they are asked to reassemble: around the ring from the hash of the client's
    /// address and port; those that are too slow or suspect come last.
    static func reassemblyOrder(
        for endpoints: JobEndpoints, ring: ShardTable, conditions: [String: NodeCondition]
    ) -> [String] {
        let places = Ring.candidates(
            forKey: JobKey.hash(endpoints.client), in: ring, count: ring.members.count)
        var good: [String] = []
        var last: [String] = []
        for place in places {
            let name = ring.members[place].name
            guard let condition = conditions[name] else { continue }
            if condition.isPassedOver || condition.isLate || condition.isSuspect {
                last.append(name)
            } else {
                good.append(name)
            }
        }
        return good + last
    }

    /// Where the payload is cut.
    private func cut(
        _ request: SplitRequest, field: PlanField, affordable: Int, history: TypeHistory
    ) throws(JobRefusal) -> [Range<Int>] {
        let type = request.type
        let most = type.maximumChunks ?? settings.maximumChunks
        if type.clientShards {
            let shards = try Self.clientRanges(of: request.payload, maximum: most)
            if shards.count > affordable { throw .credit }
            return shards
        }
        let size = request.payload.count
        let minimum = type.minimumChunkSize ?? settings.minimumChunkSize
        let possible = max(min(most, size / minimum), 1)
        let wanted = min(type.chunks ?? settings.chunks, possible)
        // Chunks grow as credit shrinks, but only so far: a long one in a queue keeps all those behind it waiting.
        if affordable * Self.growth < wanted && field.isBusy { throw .credit }
        // More than usual are cut only while as much credit is left for the next job.
        let bound = min(possible, affordable, max(wanted, affordable / 2))
        let usual = min(wanted, bound)
        let count = field.bestCount(usual: usual, bound: bound, bytes: size, history: history)
        return PayloadCut.ranges(
            of: request.payload.span, into: count, minimum: minimum, alignment: type.alignment,
            delimiter: type.delimiter)
    }

    /// Where the client has cut the payload.
    private static func clientRanges(of payload: [UInt8], maximum: Int) throws(JobRefusal) -> [Range<Int>] {
        do {
            return try ClientShards.ranges(of: payload.span, maximum: maximum)
        } catch {
            throw .shards
        }
    }
}

extension JobOpening {
    /// How many of a chunk's copies are worked on at once.
    public static func activeCopies(
        of copies: Int, replication: ReplicationMode, reconciliation: Reconciliation
    ) -> Int {
        if replication == .parallel { return copies }
        return reconciliation == .agree ? min(copies, 2) : 1
    }
}
