import Wire

/// Who asked, and what address they asked.
public struct JobEndpoints: Hashable, Sendable {
    /// Where the payload came from, and where the answer goes.
    public var client: Endpoint
    /// The virtual address and port that was asked, which the answer comes from.
    public var virtual: Endpoint

    /// Both ends.
    public init(client: Endpoint, virtual: Endpoint) {
        self.client = client
        self.virtual = virtual
    }
}

/// `chunk_checksum_algorithm`: how chunks, results and answers are checked for damage.
public enum ChecksumAlgorithm: UInt8, CaseIterable, Sendable {
    /// XXH3, 64 bits.
    case xxh3 = 1
    /// CRC-32C (Castagnoli, RFC 9260 appendix A).
    case crc32c = 2
    /// SHA-256 (FIPS 180-4).
    case sha256 = 3
}

/// `replication_mode`: what further copies of a chunk are for.
public enum ReplicationMode: UInt8, CaseIterable, Sendable {
    /// Kept, and worked on when the first copy's result is late or broken.
    case standby = 1
    /// Asked for already after the type's 95th percentile, within a budget of extra work.
    case hedged = 2
    /// All copies are worked on at once.
    case parallel = 3
}

/// `reconcile`: which result is taken when several copies of a chunk were worked on.
public enum Reconciliation: UInt8, CaseIterable, Sendable {
    /// The first valid one.
    case first = 1
    /// The first that two nodes agree on, byte for byte.
    case agree = 2
}

/// What all parts of a job have in common.
public struct JobTerms: Hashable, Sendable {
    /// Names the job.
    public var job: JobID
    /// Request type: by name, as in the configuration.
    public var requestType: String
    /// How many chunks the payload has, 1 … 1024.
    public var total: Int
    /// Who asked whom.
    public var endpoints: JobEndpoints
    /// How much time is left for the job as the message is sent, in microseconds: clocks of different machines are not
    /// compared.
    public var timeLeft: UInt32
    /// How everything is checked.
    public var checksums: ChecksumAlgorithm

    /// All fields.
    public init(
        job: JobID, requestType: String, total: Int, endpoints: JobEndpoints, timeLeft: UInt32,
        checksums: ChecksumAlgorithm
    ) {
        self.job = job
        self.requestType = requestType
        self.total = total
        self.endpoints = endpoints
        self.timeLeft = timeLeft
        self.checksums = checksums
    }
}
