/// Results whose job is not known yet: nodes may be quicker than the load balancer's link to the reassembly node. Bounded
/// in bytes and time.
struct EarlyResults: Sendable {
    /// What an entry costs besides its payload: so that many empty results are bounded too.
    static var overhead: Int { 512 }

    private struct Waiting: Sendable {
        let until: UInt64
        var bytes = 0
        var results: [(node: String, result: ChunkResult)] = []
    }

    let maximumBytes: Int
    let time: UInt64
    private var jobs: [JobID: Waiting] = [:]
    private var dueJobs = DueQueue<JobID>()
    private(set) var bytes = 0

    init(maximumBytes: Int, time: UInt64) {
        self.maximumBytes = maximumBytes
        self.time = time
    }

    /// When something must be forgotten.
    var due: UInt64? { dueJobs.first }

    /// Keeps a result; false if there is no room.
    mutating func keep(_ result: ChunkResult, from node: String, now: UInt64) -> Bool {
        let cost = result.payload.count + result.checksum.count + Self.overhead
        if bytes + cost > maximumBytes { return false }
        let until = now.clampedSum(time)
        if jobs[result.job] == nil { dueJobs.add(result.job, due: until) }
        jobs[result.job, default: Waiting(until: until)].results.append((node, result))
        jobs[result.job]?.bytes += cost
        bytes += cost
        return true
    }

    /// Takes out what came for a job.
    mutating func take(_ job: JobID) -> [(node: String, result: ChunkResult)] {
        guard let waiting = jobs.removeValue(forKey: job) else { return [] }
        bytes -= waiting.bytes
        return waiting.results
    }

    /// Forgets what has waited too long.
    ///
    /// - Returns: how many results.
    mutating func expire(now: UInt64) -> Int {
        var forgotten = 0
        while let job = dueJobs.popDue(now: now) {
            guard let waiting = jobs[job] else { continue }
            if waiting.until <= now { forgotten += take(job).count } else { dueJobs.add(job, due: waiting.until) }
        }
        return forgotten
    }
}
