import JSONText
import Splitter
import Splitting
import Wire

extension ControlPlane {
    private func report(traces: Bool) throws(ControlError) -> SplitReport {
        guard let splitter else {
            throw ControlError("not_splitting", "nothing is split: the configuration has no \"splitting\" block")
        }
        guard let report = splitter.report(traces: traces) else {
            throw ControlError("busy", "the splitting thread does not answer")
        }
        return report
    }

    /// Jobs: counters, histograms, and time lines of those that ended last; with `job`, that one only.
    func showJobs(_ request: ControlRequest) throws(ControlError) -> JSONValue {
        let report = try report(traces: true)
        let counters = report.counters
        var outcomes: JSONObject = [:]
        for outcome in JobOutcome.allCases { outcomes[outcome.rawValue] = JSONValue(counters.outcomes[outcome] ?? 0) }
        var refusals: JSONObject = [:]
        for reason in JobRefusal.allCases { refusals[reason.rawValue] = JSONValue(counters.refusals[reason] ?? 0) }
        var demands: JSONObject = [:]
        for (index, reason) in ChunkDemand.Reason.allCases.enumerated() {
            demands["\(reason)"] = JSONValue(counters.demands[index])
        }
        let wanted = request.arguments["job"]?.string
        let traces = report.traces.filter { wanted == nil || $0.job.description == wanted }
        if let wanted, traces.isEmpty {
            throw ControlError("unknown_job", "there is no job \(wanted) among the last ones; `show jobs` lists them")
        }
        var object: JSONObject = [
            "under_way": JSONValue(report.jobs), "under_way_bytes": JSONValue(report.jobBytes),
            "originals": JSONValue(report.originals), "collecting": JSONValue(report.collecting),
            "collected_bytes": JSONValue(report.collectedBytes),
            "waiting_answers": JSONValue(report.waitingAnswers),
            "waiting_answer_bytes": JSONValue(report.waitingAnswerBytes), "offered": JSONValue(counters.offered),
        ]
        object["outcomes"] = JSONValue(outcomes)
        object["refusals"] = JSONValue(refusals)
        object["demands"] = JSONValue(demands)
        for (name, count) in Self.counts(report) { object[name] = JSONValue(count) }
        object["job_microseconds"] = Self.histogram(counters.jobTime)
        object["chunk_microseconds"] = Self.histogram(counters.chunkTime)
        object["waiting_microseconds"] = Self.histogram(counters.waitingTime)
        object["retries_per_chunk"] = JSONValue(counters.retriesPerChunk.map { JSONValue($0) })
        object["jobs"] = JSONValue(traces.map { Self.line($0, entries: wanted != nil) })
        return JSONValue(object)
    }

    /// The load table and the links.
    func showNodes() throws(ControlError) -> JSONValue {
        let rows = try report(traces: false).nodes.map { node -> JSONValue in
            var object: JSONObject = [
                "name": JSONValue(node.name), "address": JSONValue(node.address.description),
                "linked": JSONValue(node.isLinked), "alive": JSONValue(node.isAlive),
                "passed_over": JSONValue(node.isPassedOver),
                "in_flight": JSONValue(node.inFlight), "window": JSONValue(node.window),
                "round_trip_microseconds": JSONValue(node.roundTrip),
            ]
            object["processor"] = JSONValue(node.row.map { Double($0.report.processor) / 1000 })
            object["memory"] = JSONValue(node.row.map { Double($0.report.memory) / 1000 })
            object["load"] = JSONValue(node.row?.load)
            object["predicted_load"] = JSONValue(node.predictedLoad)
            object["workers"] = JSONValue(node.row?.report.workers)
            object["waiting"] = JSONValue(node.row?.report.waiting)
            object["queue_size"] = JSONValue(node.row?.report.queueSize)
            object["credit"] = JSONValue(node.row?.report.credit)
            object["reports"] = JSONValue(node.row?.reports)
            object["bytes_in"] = JSONValue(node.bytesIn)
            object["bytes_out"] = JSONValue(node.bytesOut)
            object["reconnects"] = JSONValue(node.reconnects)
            object["types"] = JSONValue(
                (node.row?.report.types ?? []).map { type -> JSONValue in
                    [
                        "request_type": JSONValue(type.requestType), "microseconds": JSONValue(type.microseconds),
                        "nanoseconds_per_byte": JSONValue(type.nanosecondsPerByte),
                    ]
                })
            return JSONValue(object)
        }
        return ["nodes": JSONValue(rows)]
    }

    static func counts(_ report: SplitReport) -> [(String, UInt64)] {
        let counters = report.counters
        return [
            ("chunks", counters.chunks), ("copies", counters.copies), ("resent", counters.resent),
            ("retries", counters.retries), ("takeovers", counters.takeovers), ("trials", counters.trials),
            ("overdue", counters.overdue),
            ("damaged_answers", counters.damagedAnswers), ("late_answers", counters.lateAnswers),
            ("stray_messages", counters.strayMessages), ("demands_ignored", counters.demandsIgnored),
            ("unsent_answers", report.unsent), ("stray_packets", UInt64(clamping: report.strays)),
        ]
    }

    private static func histogram(_ histogram: DurationHistogram) -> JSONValue {
        [
            "count": JSONValue(histogram.count), "sum": JSONValue(histogram.sum),
            "bounds": JSONValue(DurationHistogram.bounds.map { JSONValue($0) }),
            "counts": JSONValue(histogram.counts.map { JSONValue($0) }),
        ]
    }

    private static func line(_ trace: JobTrace, entries: Bool) -> JSONValue {
        var outcome: String?
        var chunks: Int?
        for entry in trace.entries {
            switch entry.event {
            case .ended(let end): outcome = end.rawValue
            case .planned(let count, _): chunks = count
            default: break
            }
        }
        var object: JSONObject = [
            "job": JSONValue(trace.job.description), "request_type": JSONValue(trace.requestType),
            "bytes": JSONValue(trace.payloadBytes), "chunks": JSONValue(chunks), "outcome": JSONValue(outcome),
            "microseconds": JSONValue(trace.entries.last?.microseconds),
        ]
        if entries {
            object["entries"] = JSONValue(trace.entries.map { entry(of: $0) })
            object["omitted"] = JSONValue(trace.omitted)
        }
        return JSONValue(object)
    }

    private static func entry(of entry: JobTrace.Entry) -> JSONValue {
        var object: JSONObject = ["microseconds": JSONValue(entry.microseconds)]
        func set(_ event: String, chunk: Int? = nil, node: String? = nil, _ detail: String = "") {
            object["event"] = JSONValue(event)
            object["chunk"] = JSONValue(chunk)
            object["node"] = JSONValue(node)
            object["detail"] = JSONValue(detail)
        }
        switch entry.event {
        case .planned(let chunks, let largest): set("planned", "\(chunks) chunks of at most \(largest) bytes")
        case .opened(let node, let takeover): set("opened", node: node, takeover == 0 ? "" : "takeover \(takeover)")
        case .sent(let chunk, let copy, let node, let kept):
            set("sent", chunk: chunk, node: node, (copy == 0 ? "" : "copy \(copy)") + (kept ? ", kept" : ""))
        case .refused(let chunk, let node): set("refused", chunk: chunk, node: node)
        case .overdue(let chunk, let nodes): set("overdue", chunk: chunk, node: nodes.joined(separator: ", "))
        case .silent(let node): set("silent", node: node)
        case .demanded(let chunk, let reason): set("demanded", chunk: chunk, "\(reason)")
        case .lost(let node): set("lost", node: node)
        case .arrived(let chunk, let node, let waited, let worked, let retries):
            set(
                "arrived", chunk: chunk, node: node,
                "waited \(waited) µs, worked \(worked) µs" + (retries == 0 ? "" : ", asked for again \(retries) times"))
        case .answer(let node, let status, let usable):
            set("answer", node: node, usable ? "\(status)" : "\(status), of no use")
        case .ended(let outcome): set("ended", outcome.rawValue)
        }
        return JSONValue(object)
    }
}
