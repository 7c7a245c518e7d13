import ChunkProcessing
import Splitting

/// What a node has counted since its start. Belongs to the agent's thread.
struct NodeCounters: Equatable {
    /// Chunks that came, to be worked on at once or as copies.
    var chunksReceived: UInt64 = 0
    var copiesReceived: UInt64 = 0
    /// Chunks that came again.
    var duplicates: UInt64 = 0
    /// Bytes of all chunks that came.
    var chunkBytes: UInt64 = 0
    /// Chunks by what became of them, by `ChunkResult.Status`.
    var results = [UInt64](repeating: 0, count: ChunkResult.Status.allCases.count)
    /// Work that a processor did not do, by `ProcessorError.names`.
    var failures = [UInt64](repeating: 0, count: ProcessorError.names.count)
    /// Results that nobody wanted any more when they were there.
    var unwanted: UInt64 = 0
    /// Results that were sent again because they were asked for.
    var resent: UInt64 = 0
    /// Results that are longer than all results together may be: they were sent at once and not kept.
    var unkept: UInt64 = 0
    /// Chunks that lost their place in the queue to more urgent ones.
    var displaced: UInt64 = 0
    /// Chunks of request types that the node does not know.
    var unknownTypes: UInt64 = 0
    /// Demands that came.
    var demands: UInt64 = 0
    /// Messages that do not fit the part their sender plays.
    var misplaced: UInt64 = 0
    /// Messages that no link took.
    var unsent: UInt64 = 0
    /// Jobs that the node did not take on.
    var jobsRefused: UInt64 = 0
    /// Microseconds that chunks waited and were worked on, in powers of two.
    var waited = TimeHistogram()
    var worked = TimeHistogram()
    /// The same for joining.
    var joined = TimeHistogram()

    mutating func failed(_ error: ProcessorError) {
        if let place = ProcessorError.names.firstIndex(of: error.name) { failures[place] += 1 }
    }
}

/// Times in buckets of powers of two, from 16 µs on.
struct TimeHistogram: Equatable {
    static var buckets: Int { 20 }
    private(set) var counts = [UInt64](repeating: 0, count: TimeHistogram.buckets)
    private(set) var sum: UInt64 = 0

    mutating func add(microseconds: UInt32) {
        let bits = 32 - microseconds.leadingZeroBitCount
        counts[min(max(0, bits - 4), Self.buckets - 1)] += 1
        sum += UInt64(microseconds)
    }

    /// Upper bound of a bucket in seconds, as metrics have it.
    static func bound(_ bucket: Int) -> String {
        bucket == buckets - 1 ? "+Inf" : "\(Double(UInt64(16) << UInt64(bucket)) / 1e6)"
    }
}
