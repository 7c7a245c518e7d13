import Tracking
import Wire

/// Events of a queue worker that are no packet's outcome. Counted per worker; names are stable.
public enum WorkerEvent: Int, CaseIterable, Sendable {
    /// Packets received, counted by batch and apart from the outcomes, so that the two can be held against each other.
    case packetsReceived
    /// Receive calls that returned at least one packet.
    case batches
    /// Netlink messages sent with verdicts (a run of equal verdicts is one message).
    case verdictMessages
    /// The receive buffer of the netlink socket ran over (ENOBUFS): the kernel dropped packets it could not hand over.
    case overruns
    /// Verdicts that met no packet (ENOENT): the kernel had flushed it, as it does when a device goes down.
    case verdictsLate
    /// Verdict messages that the kernel refused for another reason.
    case verdictsRefused
    /// Sends that failed with all their verdicts after the retries.
    case sendFailures
    /// Messages that were cut or were no packet message: skipped.
    case messagesSkipped
    /// Failed receive calls other than overruns and interruptions.
    case receiveFailures
    /// Packets that the kernel handed over as one aggregate of several (GSO).
    case aggregates
    /// Flagged aggregates: several payloads in one, of which none is split.
    case unsplitAggregates
    /// Flagged packets that no queue hands over whole, 65,532 bytes and more: their payload is not split.
    case unsplitTruncated
    /// Packets longer than the device they came by can carry: the kernel joined their fragments (conntrack does).
    case defragmented
    /// Packets parked: fragments whose packet's first had not come, originals of payloads that are split.
    case packetsParked
    /// Parked packets that met their outcome.
    case packetsUnparked
    /// Packets of flows that there was no room to pin.
    case flowsNotPinned
    /// Flows that were pinned to a backend that is gone or down, and now are to another.
    case flowsMoved
    /// Nanoseconds spent from the end of a receive call to the end of the encoded verdicts.
    case decisionNanoseconds

    /// The name in tables and metrics, `snake_case`.
    public var name: String {
        switch self {
        case .packetsReceived: "packets_received"
        case .batches: "batches"
        case .verdictMessages: "verdict_messages"
        case .overruns: "overruns"
        case .verdictsLate: "verdicts_late"
        case .verdictsRefused: "verdicts_refused"
        case .sendFailures: "send_failures"
        case .messagesSkipped: "messages_skipped"
        case .receiveFailures: "receive_failures"
        case .aggregates: "aggregates"
        case .unsplitAggregates: "unsplit_aggregates"
        case .unsplitTruncated: "unsplit_truncated"
        case .defragmented: "defragmented"
        case .packetsParked: "packets_parked"
        case .packetsUnparked: "packets_unparked"
        case .flowsNotPinned: "flows_not_pinned"
        case .flowsMoved: "flows_moved"
        case .decisionNanoseconds: "decision_nanoseconds"
        }
    }
}

/// Where each counter stands in a worker's block, in units of one counter (8 bytes).
///
/// Groups begin on a cache line of their own, so that a reader of one does not disturb the writer of another.
@usableFromInline
enum CounterLayout {
    @usableFromInline static let line = 8
    @usableFromInline static let buckets = 16

    @inlinable static var outcomes: Int { 0 }
    @inlinable static var malformed: Int { 16 }
    @inlinable static var rejected: Int { malformed + 64 }
    @inlinable static var events: Int { rejected + 16 }
    @inlinable static var batchSizes: Int { events + 24 }
    @inlinable static var decisionTimes: Int { batchSizes + 16 }
    @inlinable static var services: Int { decisionTimes + 16 }
}

/// How many services and backends can be counted at a time. Fixed at start, so that a counter never moves.
public struct CounterCapacity: Sendable {
    /// Services that can have counters at a time.
    public let services: Int
    /// Backends that can have counters at a time.
    public let backends: Int

    /// - Parameters:
    ///   - services: 1 … 32,767.
    ///   - backends: 1 … 32,767.
    public init(services: Int = 1024, backends: Int = 4096) {
        // KeptDecision has 15 bits for a slot.
        precondition((1...32_767).contains(services) && (1...32_767).contains(backends))
        self.services = services
        self.backends = backends
    }

    @inlinable var backendsOffset: Int {
        CounterLayout.services + (services + 7) / 8 * 8
    }

    @inlinable var count: Int { backendsOffset + backends * 2 }
}
