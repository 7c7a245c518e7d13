import Splitting

/// What a node keeps of chunks: bounded in bytes, found by job and place, forgotten when the job is settled or its time
/// is over.
///
/// Chunks that do not fit are refused. Results push out the oldest results: who asks for one of those is told that it
/// is unknown. A result that would not fit beside nothing else is not kept. Belongs to the agent's thread.
struct ChunkStore {
    /// Bytes that an entry costs besides its payload.
    static var overhead: Int { 512 }

    /// Bytes of chunks at most.
    var chunkLimit: Int
    /// Bytes of results at most.
    var resultLimit: Int
    private(set) var chunkBytes = 0
    private(set) var resultBytes = 0
    /// Results that were given up for newer ones.
    private(set) var evictions: UInt64 = 0
    private var jobs: [JobID: [Int: KeptChunk]] = [:]
    private(set) var count = 0
    /// Results by age; those that are gone are passed over.
    private var results: [ChunkKey] = []
    private var firstResult = 0

    init(chunkLimit: Int, resultLimit: Int) {
        self.chunkLimit = chunkLimit
        self.resultLimit = resultLimit
    }

    /// Bytes of chunks that would still fit.
    var room: Int { max(0, chunkLimit - chunkBytes) }

    subscript(key: ChunkKey) -> KeptChunk? { jobs[key.job]?[key.index] }

    /// Keeps a chunk that is not there yet.
    ///
    /// - Returns: false when there is no room.
    mutating func insert(_ chunk: KeptChunk, at key: ChunkKey) -> Bool {
        let bytes = chunk.payload.count + Self.overhead
        guard bytes <= room else { return false }
        chunkBytes += bytes
        count += 1
        jobs[key.job, default: [:]][key.index] = chunk
        return true
    }

    /// Changes an entry's state, destination or limit; its payload stays.
    mutating func update(_ key: ChunkKey, _ body: (inout KeptChunk) -> Void) {
        guard var chunk = jobs[key.job]?[key.index] else { return }
        body(&chunk)
        jobs[key.job]?[key.index] = chunk
    }

    /// Whether a result can be kept: alone, it fits.
    func canKeep(_ result: ChunkResult) -> Bool { result.payload.count <= resultLimit }

    /// The result of an entry is there, and can be kept: the chunk's bytes are given up for it.
    mutating func finish(_ key: ChunkKey, _ result: ChunkResult) {
        guard var chunk = jobs[key.job]?[key.index] else { return }
        chunkBytes -= chunk.payload.count
        chunk.payload = []
        chunk.limit = nil
        chunk.state = .done(result)
        jobs[key.job]?[key.index] = chunk
        resultBytes += result.payload.count
        results.append(key)
        while resultBytes > resultLimit, let oldest = takeOldestResult() {
            evictions += 1
            remove(oldest)
        }
    }

    /// Forgets a job.
    ///
    /// - Returns: what was kept of it.
    mutating func removeJob(_ job: JobID) -> [KeptChunk] {
        guard let chunks = jobs.removeValue(forKey: job) else { return [] }
        for chunk in chunks.values { account(chunk) }
        return Array(chunks.values)
    }

    /// Forgets what has no more time.
    ///
    /// - Returns: what it was.
    mutating func removeExpired(now: Int64) -> [(key: ChunkKey, chunk: KeptChunk)] {
        var expired: [(key: ChunkKey, chunk: KeptChunk)] = []
        for (job, chunks) in jobs {
            for (index, chunk) in chunks where chunk.deadline <= now {
                expired.append((ChunkKey(job: job, index: index), chunk))
            }
        }
        for (key, _) in expired { remove(key) }
        compactResults()
        return expired
    }

    /// All entries for which that is so.
    func keys(where isWanted: (KeptChunk) -> Bool) -> [ChunkKey] {
        jobs.flatMap { job, chunks in
            chunks.filter { isWanted($0.value) }.map { ChunkKey(job: job, index: $0.key) }
        }
    }

    /// Forgets a chunk.
    mutating func remove(_ key: ChunkKey) {
        guard let chunk = jobs[key.job]?.removeValue(forKey: key.index) else { return }
        if jobs[key.job]?.isEmpty == true { jobs[key.job] = nil }
        account(chunk)
    }

    private mutating func account(_ chunk: KeptChunk) {
        count -= 1
        chunkBytes -= chunk.payload.count + Self.overhead
        if case .done(let result) = chunk.state { resultBytes -= result.payload.count }
    }

    private mutating func takeOldestResult() -> ChunkKey? {
        while firstResult < results.count {
            let key = results[firstResult]
            firstResult += 1
            if firstResult > 1024 && firstResult * 2 > results.count { compactResults() }
            if case .done? = self[key]?.state { return key }
        }
        return nil
    }

    private mutating func compactResults() {
        results = results[firstResult...].filter { if case .done? = self[$0]?.state { true } else { false } }
        firstResult = 0
    }
}
