import Classification
import Configuration
import Dataplane
import Selection
import Tracking

/// All that the director knows: a value, so that a change that cannot be carried out is thrown away whole.
struct DirectorState: Sendable {
    /// What an operator changed at run time.
    struct Override: Equatable, Sendable {
        var state: BackendConfiguration.State?
        var weight: UInt32?
    }

    private(set) var configuration: Configuration
    private(set) var overrides: [BackendKey: Override] = [:]
    private(set) var unhealthy: Set<BackendKey> = []
    private(set) var tables: [String: PoolTable] = [:]
    private(set) var generation: UInt64 = 0
    /// The table of pinned flows, from the first configuration on that needs it.
    private(set) var flows: FlowTracking?
    /// The last epoch of each pool there ever was, so that a pool that comes back does not count from 1 again.
    private var epochs: [String: UInt64] = [:]
    private var serviceSlots: SlotAllocator<String>
    private var backendSlots: SlotAllocator<BackendKey>
    private let capacity: CounterCapacity
    private let workers: Int

    /// - Parameter workers: Queue workers; the control plane is one more user of the tables they share.
    init(_ configuration: Configuration, capacity: CounterCapacity, workers: Int) throws(DirectorError) {
        self.configuration = configuration
        self.capacity = capacity
        self.workers = workers
        serviceSlots = SlotAllocator(capacity: capacity.services)
        backendSlots = SlotAllocator(capacity: capacity.backends)
        _ = try assignSlots()
        _ = try rebuild()
        try makeFlows()
    }

    // MARK: Changes

    /// Sets a backend's state; the file's own value ends the override.
    mutating func set(_ state: BackendConfiguration.State, of key: BackendKey) throws(DirectorError) {
        let entry = try entry(key)
        overrides[key, default: Override()].state = state == entry.state ? nil : state
        try finishOverride(key)
    }

    /// Sets a backend's weight; the file's own value ends the override.
    mutating func set(weight: Int, of key: BackendKey) throws(DirectorError) {
        guard let value = UInt32(exactly: weight), value <= TableMember.maximumWeight else { throw .badWeight(weight) }
        let entry = try entry(key)
        overrides[key, default: Override()].weight = value == entry.weight ? nil : value
        try finishOverride(key)
    }

    /// Takes in what a backend's checks say. Backends that are not known any more are passed over.
    mutating func set(healthy: Bool, of key: BackendKey) throws(DirectorError) {
        guard configuration.pool(named: key.pool)?.health != nil, (try? entry(key)) != nil else { return }
        if healthy { unhealthy.remove(key) } else { unhealthy.insert(key) }
    }

    /// Takes over another configuration.
    ///
    /// - Returns: the overrides that ended, and the counter slots that now count for another name.
    mutating func take(
        _ new: Configuration
    ) throws(DirectorError) -> (ended: [BackendKey], services: [Int], backends: [Int]) {
        var ended: [BackendKey] = []
        for key in overrides.keys.sorted() {
            let before = try? entry(key)
            let after = new.pool(named: key.pool)?.backends.first { $0.name == key.name }
            if before != after { ended.append(key) }
        }
        for key in ended { overrides[key] = nil }
        unhealthy = unhealthy.filter { key in
            let pool = new.pool(named: key.pool)
            return pool?.health != nil && pool?.backends.contains { $0.name == key.name } == true
        }
        configuration = new
        let taken = try assignSlots()
        try makeFlows()
        return (ended, taken.services, taken.backends)
    }

    /// Builds the tables whose members, weights or sizes changed.
    ///
    /// - Returns: the pools whose table is another one now.
    mutating func rebuild() throws(DirectorError) -> [String] {
        var changed: [String] = []
        var current: [String: PoolTable] = [:]
        for pool in configuration.pools {
            let members = self.members(of: pool).sorted {
                $0.name.utf8.lexicographicallyPrecedes($1.name.utf8)
            }
            let old = tables[pool.name]
            let epoch = epochs[pool.name, default: 0] + 1
            do throws(SelectionError) {
                let next = try PoolTable.next(after: old, members: members, size: pool.shards, epoch: epoch)
                if old?.epoch != next.epoch {
                    changed.append(pool.name)
                    epochs[pool.name] = next.epoch
                }
                current[pool.name] = next
            } catch {
                throw .table(pool: pool.name, error)
            }
        }
        tables = current
        generation += 1
        return changed
    }

    // MARK: Views

    /// The backend called `name` or `pool/name`.
    func key(named text: String) throws(DirectorError) -> BackendKey {
        let all = configuration.pools.flatMap { pool in
            pool.backends.map { BackendKey(pool: pool.name, name: $0.name) }
        }
        if let exact = all.first(where: { $0.description == text }) { return exact }
        let named = all.filter { $0.name == text }
        if named.count == 1 { return named[0] }
        guard named.isEmpty else { throw .ambiguousBackend(text, pools: named.map(\.pool)) }
        let known = all.map { text.contains("/") ? $0.description : $0.name }
        throw .unknownBackend(text, suggestion: closestName(to: text, among: known))
    }

    /// All backends of a pool, in the file's order.
    func backends(of pool: PoolConfiguration) -> [BackendStatus] {
        pool.backends.map { entry in
            let key = BackendKey(pool: pool.name, name: entry.name)
            let override = overrides[key]
            return BackendStatus(
                key: key, configuration: entry, state: override?.state ?? entry.state,
                weight: override?.weight ?? entry.weight, healthy: !unhealthy.contains(key),
                overridden: override != nil, slots: tables[pool.name]?.shares[entry.name] ?? 0,
                counterSlot: backendSlots[key] ?? 0)
        }
    }

    /// Where a service's packets are counted.
    func counterSlot(ofService name: String) -> Int { serviceSlots[name] ?? 0 }

    /// What the data plane is to be given.
    func snapshot() throws(DirectorError) -> Snapshot {
        var plan = SnapshotPlan()
        plan.services = configuration.services.map {
            SnapshotPlan.Service($0, counterSlot: counterSlot(ofService: $0.name))
        }
        plan.pools = configuration.pools.map { pool in
            let backends = backends(of: pool).sorted {
                $0.key.name.utf8.lexicographicallyPrecedes($1.key.name.utf8)
            }
            return SnapshotPlan.Pool(
                name: pool.name, table: tables[pool.name]?.table,
                backends: backends.map {
                    SnapshotPlan.Backend(
                        name: $0.key.name, mark: $0.configuration.mark, counterSlot: $0.counterSlot,
                        keepsFlows: $0.keepsFlows)
                }, pinsFlows: pool.affinity == .flow)
        }
        plan.tier = configuration.tier
        plan.hashSeed = configuration.hashSeed
        plan.onNoService = FallbackPolicy(configuration.fallback.onNoService)
        plan.onNoBackend = FallbackPolicy(configuration.fallback.onNoBackend)
        plan.onMalformed = FallbackPolicy(configuration.fallback.onMalformed)
        do throws(ClassificationError) {
            return try Snapshot(plan, generation: generation, capacity: capacity, flows: flows)
        } catch {
            throw .services(error)
        }
    }

    // MARK: Parts

    private mutating func makeFlows() throws(DirectorError) {
        guard flows == nil, configuration.pools.contains(where: { $0.affinity == .flow }) else { return }
        do throws(TrackingError) {
            flows = try FlowTracking(configuration.flowLimits(workers: workers + 1, backends: capacity.backends))
        } catch {
            throw .flows(error)
        }
    }

    private func entry(_ key: BackendKey) throws(DirectorError) -> BackendConfiguration {
        guard let entry = configuration.pool(named: key.pool)?.backends.first(where: { $0.name == key.name }) else {
            throw .unknownBackend(key.description, suggestion: nil)
        }
        return entry
    }

    /// Refuses an override that a pool's table has no room for, now or once all its backends are healthy again.
    private mutating func finishOverride(_ key: BackendKey) throws(DirectorError) {
        if overrides[key] == Override() { overrides[key] = nil }
        guard let pool = configuration.pool(named: key.pool) else { return }
        let wanted = backends(of: pool).count { $0.state == .active && $0.weight > 0 }
        do throws(SelectionError) {
            try ShardTable.check(size: pool.shards, activeMembers: wanted)
        } catch {
            throw .table(pool: pool.name, error)
        }
    }

    private func members(of pool: PoolConfiguration) -> [TableMember] {
        backends(of: pool).map { TableMember(name: $0.key.name, weight: $0.effectiveWeight) }
    }

    private mutating func assignSlots() throws(DirectorError) -> (services: [Int], backends: [Int]) {
        let services = configuration.services.map(\.name)
        let backends = configuration.pools.flatMap { pool in
            pool.backends.map { BackendKey(pool: pool.name, name: $0.name) }
        }
        guard let takenServices = serviceSlots.use(services) else {
            throw .tooManyServices(services.count, capacity: capacity.services)
        }
        guard let takenBackends = backendSlots.use(backends) else {
            throw .tooManyBackends(backends.count, capacity: capacity.backends)
        }
        return (takenServices, takenBackends)
    }
}

extension FallbackPolicy {
    /// The data plane's word for what the configuration says.
    init(_ action: FallbackConfiguration.Action) {
        switch action {
        case .accept: self = .accept
        case .drop: self = .drop
        case .mark(let mark): self = .mark(mark)
        }
    }
}
