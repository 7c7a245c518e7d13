import Glibc
import Splitting

/// Waits, then lets another processor work: for measures and tests, where a chunk's time has to be known.
public struct DelayProcessor: ChunkProcessor {
    private let perChunk: Int64
    private let perByte: Int64
    private let next: any ChunkProcessor

    /// A processor that waits `perChunk` and `perByte` for each of the chunk's bytes, then calls `next`.
    public init(perChunk: Duration, perByte: Duration, then next: any ChunkProcessor = IdentityProcessor()) {
        self.perChunk = Self.nanoseconds(perChunk)
        self.perByte = Self.nanoseconds(perByte)
        self.next = next
    }

    /// The result of the next processor.
    public func process(_ chunk: ChunkWork, _ limit: WorkLimit) throws(ProcessorError) -> [UInt8] {
        let end = WorkLimit.now + perChunk + perByte * Int64(chunk.payload.count)
        while true {
            let left = end - WorkLimit.now
            guard left > 0 else { break }
            try limit.check()
            let nap = max(1, min(left, limit.left, WorkLimit.patience))
            var time = timespec(tv_sec: 0, tv_nsec: Int(nap))
            unsafe nanosleep(&time, nil)
        }
        return try next.process(chunk, limit)
    }

    /// Joins without waiting.
    public func join(_ results: [[UInt8]], of job: JobTerms, _ limit: WorkLimit) throws(ProcessorError) -> [UInt8] {
        try next.join(results, of: job, limit)
    }

    /// Ends the next processor.
    public func stop() { next.stop() }

    private static func nanoseconds(_ time: Duration) -> Int64 {
        let (seconds, attoseconds) = time.components
        return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }
}
