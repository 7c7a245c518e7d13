/// What travels on a link between load balancer and node, or between nodes, once the handshake is done.
///
/// The load balancer that splits a payload sends ``opening`` to the reassembly node and one ``chunk`` to each node that
/// works on one. Results go straight to the reassembly node, which returns one ``answer``. The load balancer then
/// settles the job with all who took part.
public enum LinkMessage: Equatable, Sendable {
    /// Load balancer → reassembly node: a job begins, or is taken over.
    case opening(JobOpening)
    /// Load balancer → node: work for a node, or a copy to keep.
    case chunk(Chunk)
    /// Node → reassembly node: what became of a chunk.
    case result(ChunkResult)
    /// Reassembly node → holder of a copy: work on it now. Reassembly node → load balancer: have another node work on it.
    case demand(ChunkDemand)
    /// Reassembly node → load balancer: a chunk takes much longer than usual.
    case overdue(OverdueChunks)
    /// Reassembly node → load balancer: how the job ended.
    case answer(JobAnswer)
    /// Load balancer → all who took part: forget the job.
    case settled(JobID)
    /// Node → load balancer, every `dht_update_interval`: how the node is.
    case load(LoadReport)
    /// Either way: is anybody there? The other side returns it as ``echo`` with the same number.
    case probe(UInt64)
    /// The answer to ``probe``.
    case echo(UInt64)
}

/// A job as the reassembly node must know it.
public struct JobOpening: Equatable, Sendable {
    /// What all parts have in common.
    public var terms: JobTerms
    /// Counts the reassembly nodes that were asked, from 0: a result for an earlier one is as good.
    public var takeover: UInt8
    /// For each chunk the names of the nodes that have it, those that work on it at once before those that keep a copy.
    public var holders: [[String]]
    /// What further copies are for.
    public var replication: ReplicationMode
    /// Which of several results is taken.
    public var reconciliation: Reconciliation
    /// Microseconds after which a result is late and asked for again (`retry_timeout`).
    public var retryAfter: UInt32
    /// How often a chunk is asked for again at most.
    public var maximumRetries: UInt8
    /// The processor that joins the results; nil: concatenation in order.
    public var aggregation: String?
    /// Microseconds after which a further copy of a chunk may be worked on too, within the budget: the type's 95th
    /// percentile; 0: never.
    public var hedgeAfter: UInt32
    /// What the job adds to the budget of extra work for hedging (`hedge_budget`), in thousandths of its chunks.
    public var hedgeBudget: UInt16
    /// Microseconds after which the load balancer is told of a chunk that is not there, once: `slow_factor` times what
    /// chunks of the type usually take; 0: never.
    public var overdueAfter: UInt32

    /// All fields.
    public init(
        terms: JobTerms, takeover: UInt8, holders: [[String]], replication: ReplicationMode,
        reconciliation: Reconciliation, retryAfter: UInt32, maximumRetries: UInt8, aggregation: String? = nil,
        hedgeAfter: UInt32 = 0, hedgeBudget: UInt16 = 0, overdueAfter: UInt32 = 0
    ) {
        self.terms = terms
        self.takeover = takeover
        self.holders = holders
        self.replication = replication
        self.reconciliation = reconciliation
        self.retryAfter = retryAfter
        self.maximumRetries = maximumRetries
        self.aggregation = aggregation
        self.hedgeAfter = hedgeAfter
        self.hedgeBudget = hedgeBudget
        self.overdueAfter = overdueAfter
    }
}

/// A part of a payload.
public struct Chunk: Equatable, Sendable {
    /// What all parts have in common.
    public var terms: JobTerms
    /// The chunk's place, 0 ..< `terms.total`.
    public var index: Int
    /// Counts the copies of the chunk, from 0.
    public var replica: UInt8
    /// Whether to work on it at once, or to keep it until it is asked for.
    public var standby: Bool
    /// The node that the result goes to, by name; empty: the load balancer, which sees by it how quick the node is.
    public var reassembly: String
    /// The bytes, at most 65,535.
    public var payload: [UInt8]
    /// Of the bytes, by the job's algorithm.
    public var checksum: [UInt8]

    /// All fields.
    public init(
        terms: JobTerms, index: Int, replica: UInt8, standby: Bool, reassembly: String, payload: [UInt8],
        checksum: [UInt8]
    ) {
        self.terms = terms
        self.index = index
        self.replica = replica
        self.standby = standby
        self.reassembly = reassembly
        self.payload = payload
        self.checksum = checksum
    }
}

/// What became of a chunk.
public struct ChunkResult: Equatable, Sendable {
    /// How work on a chunk ends.
    public enum Status: UInt8, CaseIterable, Sendable {
        /// The result is there.
        case done = 0
        /// The node's queue is full.
        case refused = 1
        /// The processor failed, or took longer than it may.
        case failed = 2
        /// The chunk arrived damaged.
        case damaged = 3
        /// The time was over before the chunk's turn.
        case expired = 4
        /// The node does not have the chunk (any more).
        case unknown = 5
    }

    /// The job.
    public var job: JobID
    /// The chunk's place.
    public var index: Int
    /// Which copy was worked on.
    public var replica: UInt8
    /// How it ended.
    public var status: Status
    /// Microseconds that the chunk waited in the node's queue.
    public var waited: UInt32
    /// Microseconds that the processor took.
    public var worked: UInt32
    /// The result; at most 16 MiB; empty unless done.
    public var payload: [UInt8]
    /// Of the result, by the job's algorithm; empty unless done.
    public var checksum: [UInt8]

    /// All fields.
    public init(
        job: JobID, index: Int, replica: UInt8, status: Status, waited: UInt32 = 0, worked: UInt32 = 0,
        payload: [UInt8] = [], checksum: [UInt8] = []
    ) {
        self.job = job
        self.index = index
        self.replica = replica
        self.status = status
        self.waited = waited
        self.worked = worked
        self.payload = payload
        self.checksum = checksum
    }
}

/// A chunk is asked for again.
public struct ChunkDemand: Equatable, Sendable {
    /// Why.
    public enum Reason: UInt8, CaseIterable, Sendable {
        /// Its result has not come in time.
        case late = 0
        /// Its result was damaged on the way.
        case damaged = 1
        /// Its node said that it failed, refused, or does not have it.
        case failed = 2
        /// Its node cannot be reached.
        case unreachable = 3
        /// The type's percentile is over: a second copy is worked on in case the first is slow.
        case hedge = 4
        /// Results of two copies differ, and a third decides.
        case disagreement = 5
    }

    /// The job.
    public var job: JobID
    /// The chunk's place.
    public var index: Int
    /// Why it is asked for.
    public var reason: Reason
    /// The nodes that have had their chance, by name.
    public var tried: [String]

    /// All fields.
    public init(job: JobID, index: Int, reason: Reason, tried: [String]) {
        self.job = job
        self.index = index
        self.reason = reason
        self.tried = tried
    }
}

/// What a reassembly node still waits for when its job takes much longer than usual; the other chunks are there.
public struct OverdueChunks: Equatable, Sendable {
    /// A chunk whose result has not come.
    public struct Line: Equatable, Sendable {
        /// The chunk's place.
        public var index: Int
        /// The nodes that work on it, by name.
        public var nodes: [String]

        /// All fields.
        public init(index: Int, nodes: [String]) {
            self.index = index
            self.nodes = nodes
        }
    }

    /// The job.
    public var job: JobID
    /// The chunks that it waits for; none while an aggregation joins them.
    public var chunks: [Line]

    /// All fields.
    public init(job: JobID, chunks: [Line]) {
        self.job = job
        self.chunks = chunks
    }
}

/// How a job ended at its reassembly node.
public struct JobAnswer: Equatable, Sendable {
    /// How it ended.
    public enum Status: UInt8, CaseIterable, Sendable {
        /// All chunks are there and joined.
        case done = 0
        /// The node takes no more jobs.
        case refused = 1
        /// A chunk could not be had, as often as it was asked for.
        case failed = 2
        /// The time was over.
        case expired = 3
        /// The results are together longer than an answer may be.
        case tooLong = 4
    }

    /// The time line of one chunk, in microseconds since the job was opened at the node.
    public struct ChunkTrace: Equatable, Sendable {
        /// The node whose result was taken, by name.
        public var node: String
        /// When it came.
        public var arrived: UInt32
        /// How long it had waited in its node's queue.
        public var waited: UInt32
        /// How long its processor took.
        public var worked: UInt32
        /// How often it was asked for again.
        public var retries: UInt8

        /// All fields.
        public init(node: String, arrived: UInt32, waited: UInt32, worked: UInt32, retries: UInt8) {
            self.node = node
            self.arrived = arrived
            self.waited = waited
            self.worked = worked
            self.retries = retries
        }
    }

    /// The job.
    public var job: JobID
    /// How it ended.
    public var status: Status
    /// The joined result, at most 16 MiB; empty unless done.
    public var payload: [UInt8]
    /// Of the result, by the job's algorithm.
    public var checksum: [UInt8]
    /// One for each chunk, as far as there is something to say.
    public var chunks: [ChunkTrace]

    /// All fields.
    public init(
        job: JobID, status: Status, payload: [UInt8] = [], checksum: [UInt8] = [], chunks: [ChunkTrace] = []
    ) {
        self.job = job
        self.status = status
        self.payload = payload
        self.checksum = checksum
        self.chunks = chunks
    }
}

/// How a node is: its row of the load table.
public struct LoadReport: Equatable, Sendable {
    /// What one request type's chunks took on the node of late.
    public struct TypeTime: Equatable, Sendable {
        /// The request type.
        public var requestType: String
        /// Smoothed microseconds a chunk.
        public var microseconds: UInt32
        /// Smoothed nanoseconds a byte.
        public var nanosecondsPerByte: UInt32

        /// All fields.
        public init(requestType: String, microseconds: UInt32, nanosecondsPerByte: UInt32) {
            self.requestType = requestType
            self.microseconds = microseconds
            self.nanosecondsPerByte = nanosecondsPerByte
        }
    }

    /// Share of the machine's processors that is busy, in thousandths.
    public var processor: UInt16
    /// Share of the machine's memory that is in use, in thousandths.
    public var memory: UInt16
    /// Workers that the node has.
    public var workers: UInt16
    /// Chunks and jobs that wait in the priority queue.
    public var waiting: UInt32
    /// The queue's bound.
    public var queueSize: UInt32
    /// Further chunks that the node would take now.
    public var credit: UInt32
    /// At most 64.
    public var types: [TypeTime]

    /// All fields.
    public init(
        processor: UInt16, memory: UInt16, workers: UInt16, waiting: UInt32, queueSize: UInt32, credit: UInt32,
        types: [TypeTime]
    ) {
        self.processor = processor
        self.memory = memory
        self.workers = workers
        self.waiting = waiting
        self.queueSize = queueSize
        self.credit = credit
        self.types = types
    }
}
