/// The time line of one job, for `anabranch show jobs`.
public struct JobTrace: Equatable, Sendable {
    /// What can happen to a job.
    public enum Event: Equatable, Sendable {
        /// Planned: so many chunks of at most so many bytes.
        case planned(chunks: Int, largest: Int)
        /// A reassembly node was asked, the first (0) or a further one.
        case opened(node: String, takeover: Int)
        /// A chunk was sent to a node; `copy` counts from 0, and a kept one is not worked on.
        case sent(chunk: Int, copy: Int, node: String, kept: Bool)
        /// A chunk could not be sent, or its node refused it.
        case refused(chunk: Int, node: String)
        /// The reassembly node has waited for a chunk several times as long as usual, and waits on.
        case overdue(chunk: Int, nodes: [String])
        /// The reassembly node has said nothing for longer than it takes to say what is missing.
        case silent(node: String)
        /// The reassembly node wants a chunk from another node.
        case demanded(chunk: Int, reason: ChunkDemand.Reason)
        /// A node was lost while the job ran.
        case lost(node: String)
        /// A chunk's result reached the reassembly node.
        case arrived(chunk: Int, node: String, waited: UInt32, worked: UInt32, retries: UInt8)
        /// An answer came; good or of no use.
        case answer(node: String, status: JobAnswer.Status, usable: Bool)
        /// The job is over.
        case ended(JobOutcome)
    }

    /// An event and when it was.
    public struct Entry: Equatable, Sendable {
        /// Microseconds since the job began.
        public var microseconds: UInt32
        /// What happened.
        public var event: Event

        /// Both.
        public init(microseconds: UInt32, event: Event) {
            self.microseconds = microseconds
            self.event = event
        }
    }

    /// The job.
    public let job: JobID
    /// Its type.
    public let requestType: String
    /// Bytes of the payload.
    public let payloadBytes: Int
    /// When it began, in monotonic nanoseconds.
    public let began: UInt64
    /// What happened, in the order of time.
    public private(set) var entries: [Entry] = []
    /// Events for which there was no room.
    public private(set) var omitted = 0

    /// Events that are kept of a job: all of a job of 16 chunks with 8 copies.
    public static var most: Int { 256 }

    /// An empty time line.
    public init(job: JobID, requestType: String, payloadBytes: Int, began: UInt64) {
        self.job = job
        self.requestType = requestType
        self.payloadBytes = payloadBytes
        self.began = began
    }

    /// Adds an event. The last place is kept for the end.
    mutating func add(_ event: Event, now: UInt64) { add(event, microseconds: now.microseconds(since: began)) }

    mutating func add(_ event: Event, microseconds: UInt32) {
        let isEnd = if case .ended = event { true } else { false }
        guard entries.count < (isEnd ? Self.most : Self.most - 1) else {
            omitted += 1
            return
        }
        entries.append(Entry(microseconds: microseconds, event: event))
    }

    /// Puts the entries in the order of time: what the reassembly node tells comes with its answer.
    mutating func sort() {
        let order = entries.indices.sorted { (entries[$0].microseconds, $0) < (entries[$1].microseconds, $1) }
        entries = order.map { entries[$0] }
    }
}

extension UInt64 {
    /// Whole microseconds from `begin` to this time; 0 if it is earlier.
    func microseconds(since begin: UInt64) -> UInt32 { self < begin ? 0 : UInt32(clamping: (self - begin) / 1000) }

    /// The sum, or the greatest number.
    func clampedSum(_ other: UInt64) -> UInt64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }
}
