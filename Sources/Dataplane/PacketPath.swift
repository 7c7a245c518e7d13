import Classification
import Selection
import Wire

/// One worker's way from packet to outcome: the snapshot it decides by and the counters it writes.
///
/// A value belongs to one thread. `process` neither allocates nor locks nor counts references; `refresh` may, and is
/// called once a batch.
public struct PacketPath: ~Copyable {
    private let publisher: SnapshotPublisher
    private var snapshot: Snapshot
    @usableFromInline var view: SnapshotView
    @usableFromInline let counters: CounterWriter

    /// A path that begins with the publisher's newest snapshot.
    ///
    /// - Parameter counters: this worker's own; they must outlive the path.
    public init(publisher: SnapshotPublisher, counters: WorkerCounters) {
        self.publisher = publisher
        snapshot = publisher.snapshot
        view = snapshot.view
        self.counters = counters.writer
    }

    /// Takes up a newer snapshot if there is one.
    public mutating func refresh() {
        guard publisher.generation != snapshot.generation else { return }
        snapshot = publisher.snapshot
        view = snapshot.view
    }

    /// Decides one packet and counts it.
    ///
    /// - Parameters:
    ///   - bytes: the packet from its layer-3 header on, as far as the kernel copied it.
    ///   - wireLength: its whole length in bytes.
    @inlinable
    @inline(__always)
    public func process(_ bytes: RawSpan, wireLength: Int) -> Decision {
        let decision = view.decide(bytes, wireLength: wireLength)
        counters.add(CounterLayout.outcomes + Int(decision.outcome.rawValue), 1)
        if decision.service >= 0 {
            let slot = unsafe view.tables.services[Int(decision.service)].counterSlot
            counters.add(CounterLayout.services + Int(slot), 1)
        }
        if decision.backend >= 0 {
            let slot = unsafe Int(view.tables.backends[Int(decision.backend)].counterSlot)
            counters.add(counters.backendsOffset + slot * 2, 1)
            counters.add(counters.backendsOffset + slot * 2 + 1, UInt64(wireLength))
        } else if let error = decision.error {
            counters.add(CounterLayout.malformed + Int(error.rawValue), 1)
        }
        return decision
    }

    /// Counts an event of this worker.
    @inlinable
    public func count(_ event: WorkerEvent, _ amount: UInt64 = 1) { counters.add(event, amount) }

    /// Counts a batch of `packets` packets that took `nanoseconds` to decide.
    @inlinable
    public func countBatch(packets: Int, nanoseconds: UInt64) {
        counters.addBatch(packets: packets, nanoseconds: nanoseconds)
    }
}
