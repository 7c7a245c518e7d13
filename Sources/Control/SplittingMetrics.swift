import Hosting
import NodeLinks
import Splitter
import Splitting

extension ControlPlane {
    /// Metrics of splitting; none when nothing is split, or when its thread does not answer.
    func splitting(_ page: inout MetricsText) {
        if let report = splitter?.report() { Self.splitting(&page, report) }
    }

    /// Metrics of splitting as it stood.
    static func splitting(_ page: inout MetricsText, _ report: SplitReport) {
        let counters = report.counters
        page.begin("jobs_total", .counter, "Payloads offered for splitting, by how they ended.")
        for outcome in JobOutcome.allCases {
            page.sample(["outcome": outcome.rawValue], counters.outcomes[outcome] ?? 0)
        }
        page.begin("job_refusals_total", .counter, "Payloads that were not split, by reason.")
        for reason in JobRefusal.allCases { page.sample(["reason": reason.rawValue], counters.refusals[reason] ?? 0) }
        page.begin("chunk_demands_total", .counter, "Chunks asked for again, by reason.")
        for (index, reason) in ChunkDemand.Reason.allCases.enumerated() {
            page.sample(["reason": "\(reason)"], counters.demands[index])
        }
        page.begin("job_events_total", .counter, "What happened to jobs, their chunks and answers.")
        for (event, count) in counts(report) { page.sample(["event": event], count) }
        page.single("jobs_under_way", .gauge, "Jobs under way.", report.jobs)
        page.single("job_bytes", .gauge, "Bytes of payloads under way.", report.jobBytes)
        page.single("originals_parked", .gauge, "Packets that wait while their payload is split.", report.originals)
        page.single("answers_waiting", .gauge, "Answers that wait for room to be sent.", report.waitingAnswers)
        page.begin("job_seconds", .histogram, "Time of answered jobs.")
        fill(&page, counters.jobTime, "jobs")
        page.begin("chunk_seconds", .histogram, "Time of chunks, from the job's opening to the result's arrival.")
        fill(&page, counters.chunkTime, "chunks")
        page.begin("chunk_waiting_seconds", .histogram, "Time of chunks in the queues of their nodes.")
        fill(&page, counters.waitingTime, "chunks")
        page.begin("chunk_retries", .histogram, "Times that a chunk was asked for again.")
        // The last place counts all from there on.
        let often = counters.retriesPerChunk.enumerated()
        let last = counters.retriesPerChunk.count - 1
        page.histogram(
            "of", "chunks", buckets: often.map { (bound: $0 == last ? "+Inf" : "\($0)", count: $1) },
            sum: counters.retries)
        nodes(&page, report)
    }

    private static func nodes(_ page: inout MetricsText, _ report: SplitReport) {
        page.begin("node_alive", .gauge, "1 when the node is linked and reports its load.")
        for node in report.nodes { page.sample(["node": node.name], node.isAlive ? 1 : 0) }
        page.begin("node_passed_over", .gauge, "1 when the node gets no chunks because it is too slow.")
        for node in report.nodes { page.sample(["node": node.name], node.isPassedOver ? 1 : 0) }
        page.begin("node_load_ratio", .gauge, "Smoothed load of the node as it reports it.")
        for node in report.nodes { page.sample(["node": node.name], node.row?.load ?? 0) }
        page.begin("node_predicted_load_ratio", .gauge, "Forecast load of the node; none while too little is known.")
        for node in report.nodes {
            if let load = node.predictedLoad { page.sample(["node": node.name], load) }
        }
        page.begin("node_round_trip_seconds", .gauge, "Round trip of the link to the node; none without one.")
        for node in report.nodes {
            if let time = node.roundTrip { page.sample(["node": node.name], Double(time) / 1e6) }
        }
        page.begin("node_waiting", .gauge, "Work that waits in the node's queue.")
        for node in report.nodes { page.sample(["node": node.name], Int(node.row?.report.waiting ?? 0)) }
        page.begin("node_chunks_in_flight", .gauge, "Chunks that the node has.")
        for node in report.nodes { page.sample(["node": node.name], node.inFlight) }
        page.begin("node_window", .gauge, "Chunks that the node may have at once.")
        for node in report.nodes { page.sample(["node": node.name], node.window) }
        page.begin("node_link_bytes_total", .counter, "Bytes over the link to the node.")
        for node in report.nodes {
            page.sample(["node": node.name, "direction": "in"], node.bytesIn)
            page.sample(["node": node.name, "direction": "out"], node.bytesOut)
        }
        page.begin("link_refusals_total", .counter, "Links to nodes refused or cut by this side, by reason.")
        for reason in LinkRefusal.allCases { page.sample(["reason": reason.name], report.refusals[reason]) }
    }

    private static func fill(_ page: inout MetricsText, _ histogram: DurationHistogram, _ unit: String) {
        let bounds = DurationHistogram.bounds.map { "\(Double($0) / 1e6)" } + ["+Inf"]
        let buckets = zip(bounds, histogram.counts).map { (bound: $0, count: $1) }
        page.histogram("of", unit, buckets: buckets, sum: Double(histogram.sum) / 1e6)
    }
}
