/// `on_failure`: what becomes of the parked originals when a job has no answer.
public enum FailureHandling: String, CaseIterable, Sendable {
    /// They are accepted with the mark of one backend, which then answers the unsplit payload.
    case forward
    /// They are dropped and counted.
    case drop
}

/// `large_answers`: what becomes of a result that no UDP datagram can carry.
public enum LargeAnswers: String, CaseIterable, Sendable {
    /// The job ends as failed, for the counted reason `too_long`.
    case refuse
    /// The client gets several datagrams with the header of ``AnswerParts``.
    case parts
}

/// How payloads are split, for all services of a load balancer. Names in quotes are the configuration's keys.
public struct SplittingSettings: Equatable, Sendable {
    /// `num_chunks`: how many chunks a payload has as long as nothing is known of its type; 1 … ``maximumChunks``.
    public var chunks = 4
    /// `max_chunks`: the greatest number of chunks of a payload; 1 … 1024.
    public var maximumChunks = 16
    /// `min_chunk_size`: bytes that a chunk has at least, but for the only one of a short payload; 1 … 65,535.
    public var minimumChunkSize = 1024
    /// `replication_factor`: how many nodes get each chunk, the first one counted; 1 … 8.
    public var replicationFactor = 1
    /// `replication_mode`: what the copies after the first are for.
    public var replication = ReplicationMode.standby
    /// `reconcile`: which of several results is taken; `agree` wants a `replication_factor` of 2 or more.
    public var reconciliation = Reconciliation.first
    /// `retry_timeout`: a chunk without a result after this time is asked for again; 1 ms … 60 s.
    public var retryTimeout = Duration.milliseconds(200)
    /// `max_retries`: how often a chunk is asked for again at most; 0 … 32.
    public var maximumRetries = 3
    /// `max_takeovers`: how many further reassembly nodes are asked when one is lost; 0 … 16.
    public var maximumTakeovers = 2
    /// `deadline`: how long a job may take; 1 ms … 10 min.
    public var deadline = Duration.seconds(2)
    /// `dht_update_interval`: how often each node reports its load; 10 ms … 60 s.
    public var updateInterval = Duration.milliseconds(100)
    /// `missed_updates`: a node that has been silent for this many intervals is passed over; 2 … 100.
    public var missedUpdates = 5
    /// `chunk_checksum_algorithm`: how chunks, results and answers are checked.
    public var checksums = ChecksumAlgorithm.xxh3
    /// `on_failure`: what becomes of a payload whose job has no answer.
    public var onFailure = FailureHandling.forward
    /// `hedge_budget`: work that hedging may add, in thousandths of the chunks; 0 … 1000.
    public var hedgeBudget = 50
    /// `max_jobs`: jobs at once; 1 … 65,536.
    public var maximumJobs = 4096
    /// `max_job_bytes`: payloads of all jobs together, in bytes; 65,535 … 2⁴⁰.
    public var maximumJobBytes = 256 << 20
    /// `large_answers`: what becomes of results above ``AnswerParts/largestDatagram`` bytes.
    public var largeAnswers = LargeAnswers.refuse
    /// `slow_factor`: a node whose chunks take this many times what those of the others take is passed over; 2 … 1000.
    public var slowFactor = 4
    /// `initial_credit`: chunks a node may have at once before anything is known of it; 1 … 4096.
    public var initialCredit = 16
    /// `max_credit`: chunks a node may have at once at most; `initial_credit` … 65,536.
    public var maximumCredit = 256
    /// `target_factor`: a chunk may take this many times what its type needs before its node's window shrinks; 2 … 100.
    public var targetFactor = 3
    /// `min_target`: no chunk is held to a shorter time than this; 100 µs … 10 s.
    public var minimumTarget = Duration.milliseconds(20)
    /// `trace_jobs`: how many ended jobs keep their time line for `anabranch show jobs`; 0 … 65,536.
    public var traces = 256

    /// All defaults, as they stand beside the properties.
    public init() {}

    /// The first setting that is out of its range.
    public func validate() throws(SettingsError) {
        try SettingsError.check("max_chunks", maximumChunks, 1...JobTerms.maximumTotal)
        try SettingsError.check("num_chunks", chunks, 1...maximumChunks)
        try SettingsError.check("min_chunk_size", minimumChunkSize, 1...65_535)
        try SettingsError.check("replication_factor", replicationFactor, 1...8)
        try SettingsError.check("retry_timeout", retryTimeout, .milliseconds(1)...(.seconds(60)))
        try SettingsError.check("max_retries", maximumRetries, 0...32)
        try SettingsError.check("max_takeovers", maximumTakeovers, 0...16)
        try SettingsError.check("deadline", deadline, .milliseconds(1)...(.seconds(600)))
        try SettingsError.check("dht_update_interval", updateInterval, .milliseconds(10)...(.seconds(60)))
        try SettingsError.check("missed_updates", missedUpdates, 2...100)
        try SettingsError.check("hedge_budget", hedgeBudget, 0...1000)
        try SettingsError.check("max_jobs", maximumJobs, 1...65_536)
        try SettingsError.check("max_job_bytes", maximumJobBytes, 65_535...(1 << 40))
        try SettingsError.check("slow_factor", slowFactor, 2...1000)
        try SettingsError.check("max_credit", maximumCredit, 1...65_536)
        try SettingsError.check("initial_credit", initialCredit, 1...min(4096, maximumCredit))
        try SettingsError.check("target_factor", targetFactor, 2...100)
        try SettingsError.check("min_target", minimumTarget, .microseconds(100)...(.seconds(10)))
        try SettingsError.check("trace_jobs", traces, 0...65_536)
        if reconciliation == .agree && replicationFactor < 2 {
            throw SettingsError(
                key: "reconcile", problem: "'agree' wants two results: set replication_factor to 2 or more")
        }
    }
}

extension JobTerms {
    /// The greatest number of chunks that messages can name.
    public static var maximumTotal: Int { 1024 }
}
