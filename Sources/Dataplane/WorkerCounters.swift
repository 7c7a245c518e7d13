import CLinuxShims
import Synchronization
import Tracking
import Wire

/// All counters of one worker: written by its thread only, read by any.
///
/// The block is mapped memory whose untouched pages cost nothing. Counters only grow; a reader that sums over
/// workers sees each counter whole (64-bit relaxed loads), though not all of one instant.
public final class WorkerCounters: Sendable {
    /// How many services and backends the block has room for.
    public let capacity: CounterCapacity
    /// The writer's way in. Only the owning worker uses it.
    public var writer: CounterWriter { CounterWriter(base, capacity) }
    private let base: CounterWriter.Base

    /// A block of zeros.
    public init(capacity: CounterCapacity) {
        self.capacity = capacity
        let bytes = capacity.count * MemoryLayout<UInt64>.stride
        guard let memory = unsafe ab_map(bytes) else { fatalError("no memory for \(bytes) bytes of counters") }
        // SAFETY: zeroed bytes are valid atomics of value 0; the mapping is page-aligned and lives as long as self.
        base = unsafe CounterWriter.Base(
            memory.bindMemory(to: Atomic<UInt64>.self, capacity: capacity.count))
    }

    deinit {
        unsafe ab_unmap(base.pointer, capacity.count * MemoryLayout<UInt64>.stride)
    }

    private func value(_ index: Int) -> UInt64 { unsafe base.pointer[index].load(ordering: .relaxed) }

    /// Packets that ended in the outcome.
    public func packets(_ outcome: Outcome) -> UInt64 { value(CounterLayout.outcomes + Int(outcome.rawValue)) }

    /// Packets that could not be read for the reason.
    public func packets(unreadableFor error: WireError) -> UInt64 {
        value(CounterLayout.malformed + Int(error.rawValue))
    }

    /// Fragments that were dropped for the reason.
    public func packets(rejectedFor fault: FragmentFault) -> UInt64 {
        value(CounterLayout.rejected + Int(fault.rawValue))
    }

    /// How often the event happened (or nanoseconds, where its name says so).
    public func count(_ event: WorkerEvent) -> UInt64 { value(CounterLayout.events + event.rawValue) }

    /// Batches whose size lay in 2^bucket … 2^(bucket+1) − 1 packets.
    public func batches(inBucket bucket: Int) -> UInt64 {
        precondition((0..<CounterLayout.buckets).contains(bucket))
        return value(CounterLayout.batchSizes + bucket)
    }

    /// Packets whose batch took on average 2^bucket … 2^(bucket+1) − 1 nanoseconds a packet.
    public func packets(inDecisionTimeBucket bucket: Int) -> UInt64 {
        precondition((0..<CounterLayout.buckets).contains(bucket))
        return value(CounterLayout.decisionTimes + bucket)
    }

    /// Packets that matched the service with this counter slot.
    public func packets(service slot: Int) -> UInt64 {
        precondition((0..<capacity.services).contains(slot))
        return value(CounterLayout.services + slot)
    }

    /// Packets sent to the backend with this counter slot.
    public func packets(backend slot: Int) -> UInt64 {
        precondition((0..<capacity.backends).contains(slot))
        return value(capacity.backendsOffset + slot * 2)
    }

    /// Bytes (layer 3) sent to the backend with this counter slot.
    public func bytes(backend slot: Int) -> UInt64 {
        precondition((0..<capacity.backends).contains(slot))
        return value(capacity.backendsOffset + slot * 2 + 1)
    }

    /// Packets in all outcomes. Over all workers these and the parked ones are `count(.packetsReceived)` whenever no
    /// batch is being decided.
    public var packets: UInt64 { Outcome.allCases.reduce(0) { $0 + packets($1) } }
}

/// The writing side of a worker's counters. One thread uses it; each addition is a plain load and store.
public struct CounterWriter: @unchecked Sendable {
    /// The block's address. SAFETY: mapped for the life of the `WorkerCounters` that made it.
    @safe
    @usableFromInline
    struct Base: @unchecked Sendable {
        @usableFromInline let pointer: UnsafeMutablePointer<Atomic<UInt64>>

        init(_ pointer: UnsafeMutablePointer<Atomic<UInt64>>) { unsafe self.pointer = pointer }
    }

    @usableFromInline let base: Base
    @usableFromInline let services: Int
    @usableFromInline let backendsOffset: Int
    @usableFromInline let backends: Int

    init(_ base: Base, _ capacity: CounterCapacity) {
        self.base = base
        services = capacity.services
        backendsOffset = capacity.backendsOffset
        backends = capacity.backends
    }

    @inlinable
    @inline(__always)
    func add(_ index: Int, _ amount: UInt64) {
        // SAFETY: every caller passes an index inside the block; there is one writer, so load and store need not be one.
        let counter = unsafe base.pointer + index
        unsafe counter.pointee.store(counter.pointee.load(ordering: .relaxed) &+ amount, ordering: .relaxed)
    }

    /// Counts an event.
    @inlinable
    public func add(_ event: WorkerEvent, _ amount: UInt64 = 1) { add(CounterLayout.events + event.rawValue, amount) }

    /// Counts a batch of `packets` packets that took `nanoseconds` to decide.
    @inlinable
    public func addBatch(packets: Int, nanoseconds: UInt64) {
        guard packets > 0 else { return }
        add(.packetsReceived, UInt64(packets))
        add(.batches)
        add(.decisionNanoseconds, nanoseconds)
        let size = min(CounterLayout.buckets - 1, Int.bitWidth - 1 - packets.leadingZeroBitCount)
        add(CounterLayout.batchSizes + size, 1)
        let each = max(1, nanoseconds / UInt64(packets))
        let time = min(CounterLayout.buckets - 1, 63 - each.leadingZeroBitCount)
        add(CounterLayout.decisionTimes + time, UInt64(packets))
    }
}
