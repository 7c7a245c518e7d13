/// What a node reported, smoothed.
public struct LoadRow: Sendable, Equatable {
    /// The last report as it came.
    public internal(set) var report: LoadReport
    /// When it came, in monotonic nanoseconds.
    public internal(set) var arrived: UInt64
    /// How many came.
    public internal(set) var reports: UInt64
    /// Share of the machine's processors that is busy, 0 … 1, smoothed.
    public internal(set) var processor: Double
    /// Chunks and jobs that wait, smoothed.
    public internal(set) var waiting: Double
    /// Share of the machine's memory that is in use, 0 … 1, smoothed.
    public internal(set) var memory: Double

    /// The share of memory from which on its use counts as load: below, memory that is in use slows nothing down.
    public static var scarceMemory: Double { 0.9 }

    /// How busy the node is: the processors' share, that of the queue, or how much of the last tenth of the memory is in
    /// use, whichever is greatest; 0 … 1.
    public var load: Double {
        let queue = report.queueSize == 0 ? 0 : min(waiting / Double(report.queueSize), 1)
        let scarcity = (memory - Self.scarceMemory) / (1 - Self.scarceMemory)
        return max(min(processor, 1), queue, min(scarcity, 1))
    }

    /// Microseconds that a chunk of the type takes on the node, as it says; nil if it says nothing.
    public func time(ofType requestType: String) -> LoadReport.TypeTime? {
        report.types.first { $0.requestType == requestType }
    }
}

/// The load table: one row for each node that has reported.
///
/// A node that has not reported for ``silence`` is passed over, and its row stays for whoever looks at the table.
public struct LoadTable: Sendable {
    /// After this time without a report a node counts as silent, in nanoseconds.
    public let silence: UInt64
    /// The weight of a new report against what was known, 0 … 1.
    public let smoothing: Double
    /// By name.
    public private(set) var rows: [String: LoadRow] = [:]

    /// An empty table.
    ///
    /// - Parameters:
    ///   - interval: `dht_update_interval`.
    ///   - missed: a node may miss so many reports.
    public init(interval: Duration, missed: Int, smoothing: Double = 0.3) {
        let (product, overflow) = interval.wholeNanoseconds.multipliedReportingOverflow(by: UInt64(max(missed, 1)))
        silence = overflow ? .max : product
        self.smoothing = smoothing
    }

    /// A node has reported.
    public mutating func record(_ report: LoadReport, from node: String, now: UInt64) {
        let processor = Double(report.processor) / 1000
        let waiting = Double(report.waiting)
        let memory = Double(report.memory) / 1000
        guard var row = rows[node], isFresh(row, now: now) else {
            let reports = (rows[node]?.reports ?? 0) + 1
            rows[node] = LoadRow(
                report: report, arrived: now, reports: reports, processor: processor, waiting: waiting, memory: memory)
            return
        }
        row.report = report
        row.arrived = now
        row.reports += 1
        row.processor += smoothing * (processor - row.processor)
        row.waiting += smoothing * (waiting - row.waiting)
        row.memory += smoothing * (memory - row.memory)
        rows[node] = row
    }

    /// Forgets a node.
    public mutating func remove(_ node: String) { rows[node] = nil }

    /// The row of a node that reports; nil if it never has, or is silent.
    public func row(of node: String, now: UInt64) -> LoadRow? {
        guard let row = rows[node], isFresh(row, now: now) else { return nil }
        return row
    }

    /// The nodes that report, the least loaded first; equally loaded ones by name.
    public func order(now: UInt64) -> [String] {
        rows.filter { isFresh($0.value, now: now) }
            .sorted { ($0.value.load, $0.key) < ($1.value.load, $1.key) }
            .map(\.key)
    }

    private func isFresh(_ row: LoadRow, now: UInt64) -> Bool { now < row.arrived || now - row.arrived <= silence }
}
