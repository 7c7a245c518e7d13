import Classification
import Selection

/// What the data plane needs of a service.
@frozen
@usableFromInline
struct ServiceEntry {
    @usableFromInline let pool: UInt32
    @usableFromInline let counterSlot: UInt32
    @usableFromInline let fields: HashFields
    /// For packets whose ports are not known: `fields` without them, or the addresses where nothing would be left.
    @usableFromInline let fieldsWithoutPorts: HashFields

    init(pool: UInt32, counterSlot: UInt32, fields: HashFields) {
        self.pool = pool
        self.counterSlot = counterSlot
        self.fields = fields
        let rest = fields.subtracting(.ports)
        fieldsWithoutPorts = rest.isDisjoint(with: .addresses) ? .addresses : rest
    }
}

/// What the data plane needs of a pool. `size` 0: no backend takes shards.
@safe
@frozen
@usableFromInline
struct PoolEntry {
    /// SAFETY: memory of the pool's `ShardTable`, which the snapshot's plan keeps alive.
    @usableFromInline let slots: UnsafePointer<UInt16>
    @usableFromInline let size: UInt32
    @usableFromInline let firstBackend: UInt32
    @usableFromInline let backendCount: UInt32
    @usableFromInline let pinsFlows: Bool
}

/// What the data plane needs of a backend.
@frozen
@usableFromInline
struct BackendEntry {
    @usableFromInline let mark: UInt32
    @usableFromInline let counterSlot: UInt32
    @usableFromInline let keepsFlows: Bool
}

/// What the data plane needs of the load balancers. `pool` -1: there is only this one.
@frozen
@usableFromInline
struct TierEntry {
    @usableFromInline let pool: Int32
    /// Index of this load balancer among the backends.
    @usableFromInline let own: Int32
    @usableFromInline let peers: Int

    init(pool: Int32, own: Int32, peers: Int) {
        self.pool = pool
        self.own = own
        self.peers = peers
    }
}

/// Owns the flat arrays that a snapshot's view points into.
@safe
final class SnapshotEntries: Sendable {
    let view: SnapshotTables
    /// Stands in for the table of a pool that has none; never read, because its size is 0.
    private nonisolated(unsafe) let noSlots: UnsafePointer<UInt16>

    /// - Parameter definitions: the plan's services in the order of the classifier.
    init(_ plan: SnapshotPlan, services definitions: [ServiceDefinition], capacity: CounterCapacity) {
        let counterSlots = Dictionary(uniqueKeysWithValues: plan.services.map { ($0.definition.name, $0.counterSlot) })
        var services: [ServiceEntry] = []
        for service in definitions {
            guard let slot = counterSlots[service.name], slot < capacity.services else {
                preconditionFailure("service \(service.name) has no counter")
            }
            guard let pool = plan.pools.firstIndex(where: { $0.name == service.pool }) else {
                preconditionFailure("service \(service.name) names the unknown pool \(service.pool)")
            }
            services.append(ServiceEntry(pool: UInt32(pool), counterSlot: UInt32(slot), fields: service.hash))
        }
        let noSlots: UnsafePointer<UInt16> = unsafe Self.copy([])
        var pools: [PoolEntry] = []
        var backends: [BackendEntry] = []
        for pool in plan.pools {
            if let table = pool.table {
                precondition(table.members.map(\.name) == pool.backends.map(\.name))
            }
            unsafe pools.append(
                PoolEntry(
                    slots: pool.table?.storage.base ?? noSlots, size: UInt32(pool.table?.size ?? 0),
                    firstBackend: UInt32(backends.count), backendCount: UInt32(pool.backends.count),
                    pinsFlows: pool.pinsFlows))
            for backend in pool.backends {
                precondition(backend.counterSlot < capacity.backends)
                backends.append(
                    BackendEntry(
                        mark: backend.mark, counterSlot: UInt32(backend.counterSlot), keepsFlows: backend.keepsFlows))
            }
        }
        var serviceOfSlot = [Int32](repeating: -1, count: capacity.services)
        for (index, service) in services.enumerated() { serviceOfSlot[Int(service.counterSlot)] = Int32(index) }
        var backendOfSlot = [Int32](repeating: -1, count: capacity.backends)
        for (index, backend) in backends.enumerated() { backendOfSlot[Int(backend.counterSlot)] = Int32(index) }
        view = unsafe SnapshotTables(
            services: Self.copy(services), pools: Self.copy(pools), backends: Self.copy(backends),
            serviceOfSlot: Self.copy(serviceOfSlot), backendOfSlot: Self.copy(backendOfSlot),
            peers: Self.copy(plan.tier?.peers ?? []), capacity: capacity, tier: Self.tier(plan, pools))
        unsafe self.noSlots = noSlots
    }

    deinit {
        unsafe view.services.deallocate()
        unsafe view.pools.deallocate()
        unsafe view.backends.deallocate()
        unsafe view.serviceOfSlot.deallocate()
        unsafe view.backendOfSlot.deallocate()
        unsafe view.peers.deallocate()
        unsafe noSlots.deallocate()
    }

    private static func tier(_ plan: SnapshotPlan, _ pools: [PoolEntry]) -> TierEntry {
        guard let tier = plan.tier else { return TierEntry(pool: -1, own: -1, peers: 0) }
        guard let pool = plan.pools.firstIndex(where: { $0.name == tier.pool }),
            let own = plan.pools[pool].backends.firstIndex(where: { $0.name == tier.own })
        else { preconditionFailure("there is no load balancer \(tier.own) in a pool \(tier.pool)") }
        return TierEntry(
            pool: Int32(pool), own: Int32(pools[pool].firstBackend) + Int32(own), peers: tier.peers.count)
    }

    private static func copy<Element: BitwiseCopyable>(_ array: [Element]) -> UnsafePointer<Element> {
        let memory = UnsafeMutableBufferPointer<Element>.allocate(capacity: max(1, array.count))
        _ = unsafe memory.initialize(from: array)
        return unsafe UnsafePointer(memory.baseAddress!)
    }
}

/// Addresses of a snapshot's arrays. SAFETY: valid while the `SnapshotEntries` lives; nothing writes to them.
@safe
@frozen
@usableFromInline
struct SnapshotTables: @unchecked Sendable {
    @usableFromInline let services: UnsafePointer<ServiceEntry>
    @usableFromInline let pools: UnsafePointer<PoolEntry>
    @usableFromInline let backends: UnsafePointer<BackendEntry>
    /// Index of the service, or backend, that holds a counter slot now, or -1.
    @usableFromInline let serviceOfSlot: UnsafePointer<Int32>
    @usableFromInline let backendOfSlot: UnsafePointer<Int32>
    @usableFromInline let peers: UnsafePointer<UInt64>
    @usableFromInline let capacity: CounterCapacity
    @usableFromInline let tier: TierEntry

    init(
        services: UnsafePointer<ServiceEntry>, pools: UnsafePointer<PoolEntry>,
        backends: UnsafePointer<BackendEntry>, serviceOfSlot: UnsafePointer<Int32>,
        backendOfSlot: UnsafePointer<Int32>, peers: UnsafePointer<UInt64>, capacity: CounterCapacity, tier: TierEntry
    ) {
        unsafe self.services = services
        unsafe self.pools = pools
        unsafe self.backends = backends
        unsafe self.serviceOfSlot = serviceOfSlot
        unsafe self.backendOfSlot = backendOfSlot
        unsafe self.peers = peers
        self.capacity = capacity
        self.tier = tier
    }

    /// The service that holds a counter slot, or -1.
    func service(ofSlot slot: Int) -> Int32 {
        slot < capacity.services ? unsafe serviceOfSlot[slot] : -1
    }

    /// The backend that holds a counter slot, or -1.
    func backend(ofSlot slot: Int) -> Int32 {
        slot < capacity.backends ? unsafe backendOfSlot[slot] : -1
    }

    /// Whether a frame with this hardware address comes from another load balancer.
    func isPeer(_ hardwareAddress: UInt64) -> Bool {
        for index in 0..<tier.peers where unsafe peers[index] == hardwareAddress { return true }
        return false
    }
}
