import Classification
import Configuration
import Dataplane
import Synchronization

/// Decides who takes which shards: the configuration, what operators changed at run time and what checks say, turned
/// into one snapshot for the workers.
///
/// Every change is carried out whole or not at all, and its snapshot is published before the call returns. Tables
/// depend on names, weights and sizes alone, so the order of changes leaves no trace in them.
public final class Director: Sendable {
    /// Where the workers find the newest snapshot.
    public let publisher: SnapshotPublisher
    /// The workers' counters, read by slot.
    public let ledger: CounterLedger
    private let state: Mutex<DirectorState>

    /// Builds all tables of a configuration.
    ///
    /// - Parameters:
    ///   - configuration: as loaded, validated.
    ///   - ledger: the counters that slots are given out of.
    public init(_ configuration: Configuration, ledger: CounterLedger) throws(DirectorError) {
        let first = try DirectorState(configuration, capacity: ledger.capacity, workers: ledger.workers.count)
        self.ledger = ledger
        publisher = SnapshotPublisher(try first.snapshot())
        state = Mutex(first)
    }

    /// Sets a backend's state until the file's entry for it changes.
    ///
    /// - Parameter name: `NAME` or `POOL/NAME`.
    /// - Returns: the backend after the change.
    public func set(_ newState: BackendConfiguration.State, of name: String) throws(DirectorError) -> BackendStatus {
        try changeBackend(name) { state, key throws(DirectorError) in try state.set(newState, of: key) }
    }

    /// Sets a backend's weight, 0 … 65535, until the file's entry for it changes.
    ///
    /// - Parameter name: `NAME` or `POOL/NAME`.
    /// - Returns: the backend after the change.
    public func set(weight: Int, of name: String) throws(DirectorError) -> BackendStatus {
        try changeBackend(name) { state, key throws(DirectorError) in try state.set(weight: weight, of: key) }
    }

    /// Takes in what a backend's checks say.
    ///
    /// - Returns: whether a table changed.
    @discardableResult
    public func set(healthy: Bool, of key: BackendKey) throws(DirectorError) -> Bool {
        try change { state throws(DirectorError) in try state.set(healthy: healthy, of: key) }.changed.isEmpty == false
    }

    /// Takes over another configuration.
    ///
    /// - Returns: the pools whose tables changed, and the backends whose run-time changes the file ended.
    public func take(
        _ configuration: Configuration
    ) throws(DirectorError) -> (changedPools: [String], endedOverrides: [BackendKey]) {
        let (changed, taken) = try change { state throws(DirectorError) in try state.take(configuration) }
        ledger.beginAnew(services: taken.services, backends: taken.backends)
        return (changed, taken.ended)
    }

    /// The table of pinned flows; nil while no pool has pinned any.
    public var flows: FlowTracking? { state.withLock { $0.flows } }

    /// Everything as it stands, of one instant.
    public var view: DirectorView { state.withLock { DirectorView($0) } }

    private func changeBackend(
        _ name: String, _ body: (inout DirectorState, BackendKey) throws(DirectorError) -> Void
    ) throws(DirectorError) -> BackendStatus {
        let (_, key) = try change { state throws(DirectorError) in
            let key = try state.key(named: name)
            try body(&state, key)
            return key
        }
        let pool = view.pools.first { $0.configuration.name == key.pool }
        guard let status = pool?.backends.first(where: { $0.key == key }) else {
            throw .unknownBackend(name, suggestion: nil)
        }
        return status
    }

    /// Carries out a change on a copy and publishes it; an error leaves everything as it was.
    private func change<Result: Sendable>(
        _ body: (inout DirectorState) throws(DirectorError) -> Result
    ) throws(DirectorError) -> (changed: [String], result: Result) {
        try state.withLock { state throws(DirectorError) in
            var copy = state
            let result = try body(&copy)
            let changed = try copy.rebuild()
            let snapshot = try copy.snapshot()
            state = copy
            publisher.publish(snapshot)
            return (changed, result)
        }
    }
}

/// What the director knows, of one instant, for those who print it.
public struct DirectorView: Sendable {
    /// A pool and its backends.
    public struct Pool: Sendable {
        /// The file's entry.
        public let configuration: PoolConfiguration
        /// Its table.
        public let table: PoolTable
        /// Its backends in the file's order.
        public let backends: [BackendStatus]
        /// Backends that take shards.
        public var up: Int { backends.count { $0.isUp } }
    }

    /// The configuration in force.
    public let configuration: Configuration
    /// All pools in the file's order.
    public let pools: [Pool]
    /// Where each service's packets are counted, in the order of `configuration.services`.
    public let serviceSlots: [Int]
    /// The snapshot's generation.
    public let generation: UInt64

    init(_ state: DirectorState) {
        configuration = state.configuration
        generation = state.generation
        serviceSlots = state.configuration.services.map { state.counterSlot(ofService: $0.name) }
        pools = state.configuration.pools.map { pool in
            Pool(configuration: pool, table: state.tables[pool.name]!, backends: state.backends(of: pool))
        }
    }

    /// Whether a service's pool has a backend that takes shards.
    public func isUp(_ pool: String) -> Bool { pools.contains { $0.configuration.name == pool && $0.up > 0 } }
}
