import Classification
import Selection
import Tracking
import Wire

/// One worker's way from packet to outcome: the snapshot it decides by, the fragments and flows it follows, and the
/// counters it writes.
///
/// A value belongs to one thread. `process` neither allocates nor locks more than a bucket of a table; `refresh` may, and
/// is called once a batch.
public struct PacketPath: ~Copyable {
    private let publisher: SnapshotPublisher
    private var snapshot: Snapshot
    var current: Snapshot { snapshot }
    @usableFromInline var view: SnapshotView
    @usableFromInline let counters: CounterWriter
    let fragments: FragmentTracking
    var flows: FlowTracking?
    let worker: Int
    var now: Int64
    /// Fragments given up so far that have been counted.
    var lost: UInt64 = 0

    /// A path that begins with the publisher's newest snapshot.
    ///
    /// - Parameters:
    ///   - publisher: Where the newest snapshot is.
    ///   - counters: This worker's own; they must outlive the path.
    ///   - fragments: The table of fragments, shared by all workers.
    ///   - worker: This worker's number, below the tables' `workers`.
    ///   - now: Nanoseconds of a monotonic clock.
    public init(
        publisher: SnapshotPublisher, counters: WorkerCounters, fragments: FragmentTracking, worker: Int = 0,
        now: Int64 = 0
    ) {
        precondition(worker < fragments.tracker.limits.workers)
        self.publisher = publisher
        snapshot = publisher.snapshot
        view = snapshot.view
        flows = snapshot.flows
        self.counters = counters.writer
        self.fragments = fragments
        self.worker = worker
        self.now = now
        lost = fragments.tracker.lost(worker: worker)
    }

    /// Takes up the time, and a newer snapshot if there is one.
    ///
    /// - Parameter now: Nanoseconds of a monotonic clock, for all that follows until the next call.
    public mutating func refresh(now: Int64) {
        self.now = now
        guard publisher.generation != snapshot.generation else { return }
        snapshot = publisher.snapshot
        view = snapshot.view
        flows = snapshot.flows
    }

    /// Decides one packet and counts it.
    ///
    /// - Parameters:
    ///   - bytes: The packet from its layer-3 header on, as far as the kernel copied it.
    ///   - wireLength: Its whole length in bytes.
    ///   - sender: The hardware address of the frame it came in, in the low 48 bits, first byte highest; 0: not known.
    @inlinable
    @inline(__always)
    public func process(_ bytes: RawSpan, wireLength: Int, sender: UInt64 = 0) -> Decision {
        let decision = decide(bytes, wireLength: wireLength, sender: sender)
        count(decision, wireLength)
        return decision
    }

    /// The same without counting: for those who may do something else with the packet. It has to be counted once.
    @inlinable
    @inline(__always)
    public func decide(_ bytes: RawSpan, wireLength: Int, sender: UInt64 = 0) -> Decision {
        do throws(WireError) {
            let packet = try Packet(parsing: bytes, wireLength: wireLength)
            // What is rare reads the packet again: given away by reference, it would have to lie in memory for all.
            if packet.isFragment { return decideFragment(bytes, wireLength, sender) }
            let choice = view.decide(packet)
            guard choice.pool >= 0, unsafe view.tables.pools[Int(choice.pool)].pinsFlows else { return choice }
            return follow(bytes, wireLength, choice)
        } catch {
            return refuse(bytes, error)
        }
    }

    /// Counts a packet's decision, once; a parked packet's outcome is still to come.
    @inlinable
    @inline(__always)
    public func count(_ decision: Decision, _ wireLength: Int) {
        if decision.verdict.action == .park {
            counters.add(.packetsParked)
            return
        }
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
        } else if let fault = decision.fault {
            counters.add(CounterLayout.rejected + Int(fault.rawValue), 1)
        }
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
