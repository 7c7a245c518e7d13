import Classification
import Selection
import Tracking
import Wire

/// One immutable state of services, pools and tables, as the workers read it.
///
/// A change builds a new snapshot; workers swap between two batches and never see half of a change.
public final class Snapshot: Sendable {
    /// What the snapshot was made from, for those who print it.
    public let plan: SnapshotPlan
    /// Counts the snapshots of this process, from 1.
    public let generation: UInt64
    /// Every backend of every pool, in the order that `Decision.backend` counts.
    public let backends: [SnapshotPlan.Backend]
    /// The services in the order that `Decision.service` counts: the one in which they are tried.
    public var services: [ServiceDefinition] { classifier.services }
    /// The tables as flat memory.
    var view: SnapshotView { unsafe SnapshotView(classifier.lookup, entries.view, plan) }

    /// The table of pinned flows; nil while no pool pins any.
    let flows: FlowTracking?
    private let classifier: Classifier
    private let entries: SnapshotEntries

    /// Compiles a plan.
    ///
    /// - Precondition: every service names a pool of the plan, every slot is inside the capacity, and every table's
    ///   members are the pool's backends, a pool that pins flows finds a table for them, and the tier's own load
    ///   balancer is in its pool. The control plane has checked all of it.
    /// - Throws: what keeps the services from being compiled, such as a name that stands twice.
    public init(
        _ plan: SnapshotPlan, generation: UInt64, capacity: CounterCapacity, flows: FlowTracking? = nil
    ) throws(ClassificationError) {
        precondition(flows != nil || !plan.pools.contains(where: \.pinsFlows))
        self.plan = plan
        self.flows = flows
        self.generation = generation
        backends = plan.pools.flatMap(\.backends)
        classifier = try Classifier(plan.services.map(\.definition))
        entries = SnapshotEntries(plan, services: classifier.services, capacity: capacity)
    }

    /// Reads a packet and decides where it goes; counts nothing, follows no fragments and pins no flows. For `explain`
    /// and tests: a worker has a `PacketPath`.
    ///
    /// - Parameters:
    ///   - bytes: the packet from its layer-3 header on, as far as it was copied.
    ///   - wireLength: its whole length in bytes.
    public func decide(_ bytes: RawSpan, wireLength: Int) -> Decision { view.decide(bytes, wireLength: wireLength) }

    /// Decides where a packet goes that was read already.
    public func decide(_ packet: Packet) -> Decision { view.decide(packet) }

    /// Where a whole packet's flow is pinned, whatever its shard; nil if it is not.
    ///
    /// - Parameter now: Nanoseconds of the workers' monotonic clock.
    public func pinned(_ bytes: RawSpan, wireLength: Int, now: Int64) -> Decision? {
        guard let flows, let packet = try? Packet(parsing: bytes, wireLength: wireLength) else { return nil }
        let choice = view.decide(packet)
        guard choice.pool >= 0, plan.pools[Int(choice.pool)].pinsFlows,
            let binding = flows.table.binding(of: packet.key, now: now),
            let place = view.place(of: binding, in: choice.pool)
        else { return nil }
        return view.send(choice, to: place)
    }

    /// The load balancer that fragments between these addresses are brought together on, if that is another one.
    public func peer(for addresses: (source: IPAddress, destination: IPAddress)) -> String? {
        view.peer(for: addresses, 0).flatMap { backendName($0.backend) }
    }

    /// The name of a service that a decision names by index.
    public func serviceName(_ index: Int32) -> String? { index < 0 ? nil : services[Int(index)].name }
    /// The name of a pool that a decision names by index.
    public func poolName(_ index: Int32) -> String? { index < 0 ? nil : plan.pools[Int(index)].name }
    /// The name of a backend that a decision names by index.
    public func backendName(_ index: Int32) -> String? { index < 0 ? nil : backends[Int(index)].name }
}
