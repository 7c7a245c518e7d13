import Dataplane
import Synchronization
import Tracking
import Wire

/// The workers' counters added up, and told apart by the names that hold the slots now.
public final class CounterLedger: Sendable {
    /// One block for each queue, in the order of the queues.
    public let workers: [WorkerCounters]
    /// How many services and backends have room.
    public let capacity: CounterCapacity

    private struct Base {
        var services: [Int: UInt64] = [:]
        var backends: [Int: (packets: UInt64, bytes: UInt64)] = [:]
    }

    /// What a slot had counted when its present name got it.
    private let base = Mutex(Base())

    /// Blocks of zeros for a number of workers.
    public init(workers count: Int, capacity: CounterCapacity = CounterCapacity()) {
        self.capacity = capacity
        workers = (0..<count).map { _ in WorkerCounters(capacity: capacity) }
    }

    /// Packets of the service that holds the slot.
    public func packets(service slot: Int) -> UInt64 {
        sum { $0.packets(service: slot) } &- base.withLock { $0.services[slot] ?? 0 }
    }

    /// Packets and bytes (layer 3) of the backend that holds the slot.
    public func traffic(backend slot: Int) -> (packets: UInt64, bytes: UInt64) {
        let from = base.withLock { $0.backends[slot] ?? (0, 0) }
        return (
            sum { $0.packets(backend: slot) } &- from.packets, sum { $0.bytes(backend: slot) } &- from.bytes
        )
    }

    /// Packets that ended in an outcome, of all workers.
    public func packets(_ outcome: Outcome) -> UInt64 { sum { $0.packets(outcome) } }

    /// Packets that could not be read for a reason, of all workers.
    public func packets(unreadableFor error: WireError) -> UInt64 { sum { $0.packets(unreadableFor: error) } }

    /// Fragments that were dropped for a reason, of all workers.
    public func packets(rejectedFor fault: FragmentFault) -> UInt64 { sum { $0.packets(rejectedFor: fault) } }

    /// Packets in all outcomes, of all workers.
    public var packets: UInt64 { sum(\.packets) }

    /// Packets received, those parked now, and packets in each outcome.
    public struct Balance: Sendable {
        /// Packets taken from the queues.
        public var received: UInt64
        /// Those of them that are parked and have no outcome yet.
        public var parked: UInt64
        /// Packets in each outcome.
        public var outcomes: [(outcome: Outcome, packets: UInt64)]

        /// Whether each packet received is in one outcome, or parked.
        public var isEven: Bool { received == outcomes.reduce(parked) { $0 &+ $1.packets } }
    }

    /// All of one moment: the counters are read again while a batch is being decided, a hundred times at most.
    public var balance: Balance {
        for _ in 0..<99 {
            let now = reading
            if now.isEven { return now }
        }
        return reading
    }

    private var reading: Balance {
        Balance(
            received: count(.packetsReceived), parked: count(.packetsParked) &- count(.packetsUnparked),
            outcomes: Outcome.allCases.map { ($0, packets($0)) })
    }

    /// How often an event happened in all workers.
    public func count(_ event: WorkerEvent) -> UInt64 { sum { $0.count(event) } }

    /// Slots that now belong to another name count from here.
    func beginAnew(services: [Int], backends: [Int]) {
        guard !services.isEmpty || !backends.isEmpty else { return }
        base.withLock { base in
            for slot in services { base.services[slot] = sum { $0.packets(service: slot) } }
            for slot in backends {
                base.backends[slot] = (sum { $0.packets(backend: slot) }, sum { $0.bytes(backend: slot) })
            }
        }
    }

    private func sum(_ value: (WorkerCounters) -> UInt64) -> UInt64 { workers.reduce(0) { $0 &+ value($1) } }
}
