import NodeLinks
import Splitting
import Wire

/// How splitting stands, of one instant.
public struct SplitReport: Sendable {
    /// A node and its link.
    public struct Node: Sendable {
        /// Its name, which is that of a backend.
        public var name: String
        /// Where it listens.
        public var address: Endpoint
        /// Whether its link is up.
        public var isLinked: Bool
        /// Whether it can be used: linked, and it reports.
        public var isAlive: Bool
        /// Whether it gets no chunks because it is too slow.
        public var isPassedOver: Bool
        /// Its last report and smoothed values; nil before the first.
        public var row: LoadRow?
        /// Chunks it has.
        public var inFlight: Int
        /// Chunks it may have at once.
        public var window: Int
        /// Its forecast load, 0 … 1, a few seconds ahead; nil while too little is known.
        public var predictedLoad: Double?
        /// Round trip of the link in microseconds; nil without a connection.
        public var roundTrip: UInt32?
        /// Bytes that came over the link.
        public var bytesIn: UInt64
        /// Bytes that went over the link.
        public var bytesOut: UInt64
        /// How often the link was made anew.
        public var reconnects: UInt64
    }

    /// What was counted.
    public var counters: SplitCounters
    /// Jobs under way.
    public var jobs: Int
    /// Bytes of their payloads.
    public var jobBytes: Int
    /// Originals that wait in the kernel.
    public var originals: Int
    /// Payloads whose fragments are being collected.
    public var collecting: Int
    /// Bytes of memory that they take.
    public var collectedBytes: Int
    /// Answers that wait for room in a socket or a device.
    public var waitingAnswers: Int
    /// Their bytes.
    public var waitingAnswerBytes: Int
    /// Packets for virtual addresses that the kernel delivered to this machine instead of forwarding them: a mistake in
    /// the set-up.
    public var strays: Int64
    /// Answers that could not be sent.
    public var unsent: UInt64
    /// Refusals of links by this side, by reason.
    public var refusals: RefusalCounts
    /// The nodes by name.
    public var nodes: [Node]
    /// Time lines of the jobs under way and those that ended last, the oldest first.
    public var traces: [JobTrace]
}

extension SplitEngine {
    /// How splitting stands now.
    ///
    /// - Parameter traces: Whether time lines are wanted.
    func report(traces: Bool) -> SplitReport {
        let time = UInt64(now)
        let nodes = links.sorted { $0.key < $1.key }.map { name, link in
            let statistics = link.statistics
            let window = desk.book.window(of: name)
            return SplitReport.Node(
                name: name, address: link.address, isLinked: link.isUp,
                isAlive: desk.book.isAlive(name, now: time),
                isPassedOver: desk.book.slowness(of: name)?.isPassedOver ?? false,
                row: desk.book.table.row(of: name, now: time),
                inFlight: window?.inFlight ?? 0, window: Int(window?.window ?? 0),
                predictedLoad: forecasts.load(of: name),
                roundTrip: link.conditions?.roundTrip, bytesIn: statistics.bytesIn, bytesOut: statistics.bytesOut,
                reconnects: statistics.reconnects)
        }
        return SplitReport(
            counters: desk.counters, jobs: desk.jobCount, jobBytes: desk.jobBytes, originals: originals.count,
            collecting: collector.statistics.packets, collectedBytes: collector.statistics.bytes,
            waitingAnswers: answers.waiting, waitingAnswerBytes: answers.waitingBytes, strays: answers.strays(),
            unsent: unsent, refusals: context.refusals, nodes: nodes,
            traces: traces ? desk.traces : [])
    }
}
