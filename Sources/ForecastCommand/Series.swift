/// One series as it was read: values on an even grid, NaN where one is missing.
struct Series: Equatable {
    var name: String
    var values: [Double]
    /// The time of the first value, seconds since the epoch; nil in files without times.
    var start: Int64?
    /// Seconds between two values; nil in files without times.
    var interval: Int?

    var hasGaps: Bool { values.contains { !$0.isFinite } }

    /// The time of a step, where there are times.
    func time(_ step: Int) -> Int64? {
        guard let start, let interval else { return nil }
        return start + Int64(step) * Int64(interval)
    }
}

/// Something wrong with a file, at a line and a column of characters, both from 1.
struct TableError: Error, Equatable {
    var line: Int
    var column: Int
    var message: String
}
