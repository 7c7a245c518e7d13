/// What is known of the jobs of one request type.
public struct TypeHistory: Sendable {
    /// What a processor needs for a chunk, without waiting.
    public private(set) var work = CostLine()
    /// How long chunks took from the opening of the job to the arrival of the result, in microseconds.
    public private(set) var chunkTime = RecentPercentiles()
    /// How long jobs took, in microseconds.
    public private(set) var jobTime = RecentPercentiles()
    /// Bytes of result for each byte of payload, smoothed.
    public private(set) var growth = 1.0

    /// Measurements that a line or a percentile must rest on before anything is decided by it.
    public static var enough: Int { 20 }

    /// Nothing is known yet.
    public init() {}

    /// A chunk was worked on.
    ///
    /// - Parameters:
    ///   - bytes: of the chunk.
    ///   - worked: microseconds in the processor.
    ///   - took: microseconds from the job's opening to the result's arrival; nil when the node was judged slow: then the
    ///     time tells of the node, not of the type.
    public mutating func recordChunk(bytes: Int, worked: UInt32, took: UInt32?) {
        guard let took else { return }
        work.record(bytes: bytes, nanoseconds: Double(worked) * 1000)
        chunkTime.record(took)
    }

    /// A job was answered.
    public mutating func recordJob(payloadBytes: Int, answerBytes: Int, took: UInt32) {
        jobTime.record(took)
        if payloadBytes > 0 { growth += 0.1 * (Double(answerBytes) / Double(payloadBytes) - growth) }
    }

    /// What the processor needs for a chunk of so many bytes, in nanoseconds; nil while too little is known.
    public func expectedWork(bytes: Int) -> Double? {
        work.count < Self.enough ? nil : work.cost(ofBytes: bytes)
    }

    /// What a chunk usually takes, in nanoseconds: the median of chunk times, a millisecond at least, for below that chance
    /// makes most of the difference. nil while too little is known.
    public var usualChunkTime: UInt64? {
        if chunkTime.count < Self.enough { return nil }
        return chunkTime.percentile(0.5).map { UInt64(max($0, 1000)) * 1000 }
    }

    /// What a job usually takes until its answer is here, in nanoseconds: the median; nil while too little is known.
    public var usualJobTime: UInt64? {
        jobTime.count < Self.enough ? nil : jobTime.percentile(0.5).map { UInt64($0) * 1000 }
    }

    /// When a second copy of a chunk is worth its work (Dean, Barroso: The Tail at Scale, 2013): the 95th percentile of
    /// chunk times in microseconds; nil while too little is known.
    public var hedgeAfter: UInt32? {
        chunkTime.count < Self.enough ? nil : chunkTime.percentile(0.95)
    }
}
