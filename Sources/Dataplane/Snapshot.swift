import Classification
import Selection
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

    private let classifier: Classifier
    private let entries: SnapshotEntries

    /// Compiles a plan.
    ///
    /// - Precondition: every service names a pool of the plan, every slot is inside the capacity, and every table's
    ///   members are the pool's backends. The control plane has checked all of it.
    /// - Throws: what keeps the services from being compiled, such as a name that stands twice.
    public init(_ plan: SnapshotPlan, generation: UInt64, capacity: CounterCapacity) throws(ClassificationError) {
        self.plan = plan
        self.generation = generation
        backends = plan.pools.flatMap(\.backends)
        classifier = try Classifier(plan.services.map(\.definition))
        entries = SnapshotEntries(plan, services: classifier.services, capacity: capacity)
    }

    /// Reads a packet and decides where it goes; counts nothing. For `explain`, `replay` and tests: a worker has a
    /// `PacketPath`.
    ///
    /// - Parameters:
    ///   - bytes: the packet from its layer-3 header on, as far as it was copied.
    ///   - wireLength: its whole length in bytes.
    public func decide(_ bytes: RawSpan, wireLength: Int) -> Decision { view.decide(bytes, wireLength: wireLength) }

    /// Decides where a packet goes that was read already.
    public func decide(_ packet: Packet) -> Decision { view.decide(packet) }

    /// The name of a service that a decision names by index.
    public func serviceName(_ index: Int32) -> String? { index < 0 ? nil : services[Int(index)].name }
    /// The name of a pool that a decision names by index.
    public func poolName(_ index: Int32) -> String? { index < 0 ? nil : plan.pools[Int(index)].name }
    /// The name of a backend that a decision names by index.
    public func backendName(_ index: Int32) -> String? { index < 0 ? nil : backends[Int(index)].name }
}
