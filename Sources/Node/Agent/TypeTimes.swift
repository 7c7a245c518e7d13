import Splitting

/// What chunks of each request type took of late: exponentially smoothed, the last eight count most.
struct TypeTimes {
    private struct Times {
        var microseconds: Double
        var nanosecondsPerByte: Double
        var chunks: UInt64
    }

    private var times: [String: Times] = [:]

    /// A chunk was worked on.
    mutating func add(_ type: String, microseconds: UInt32, bytes: Int) {
        let took = Double(microseconds)
        let perByte = took * 1000 / Double(max(1, bytes))
        guard var known = times[type] else {
            times[type] = Times(microseconds: took, nanosecondsPerByte: perByte, chunks: 1)
            return
        }
        known.microseconds += (took - known.microseconds) / 8
        known.nanosecondsPerByte += (perByte - known.nanosecondsPerByte) / 8
        known.chunks += 1
        times[type] = known
    }

    /// As load reports carry them: at most 64 types, those with the most chunks.
    var report: [LoadReport.TypeTime] {
        times.sorted { ($0.value.chunks, $1.key) > ($1.value.chunks, $0.key) }.prefix(64).map { type, times in
            LoadReport.TypeTime(
                requestType: type, microseconds: UInt32(times.microseconds.rounded()),
                nanosecondsPerByte: UInt32(min(times.nanosecondsPerByte.rounded(), Double(UInt32.max))))
        }
    }
}
