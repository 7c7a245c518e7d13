import JSONText

extension ShowText {
    /// Jobs: how they ended, how long they took, and the last ones, or one of them as a time line.
    static func jobs(_ data: JSONValue, _ console: Console) -> String {
        let jobs = data["jobs"]?.array ?? []
        if jobs.count == 1, jobs[0]["entries"] != nil { return timeLine(jobs[0], console) }
        var outcomes = TextTable(["PAYLOADS", "COUNT#"])
        outcomes.add([.init("offered"), .init("\(data.whole("offered") ?? 0)")])
        for member in data["outcomes"]?.object ?? [:] {
            let count = member.value.int ?? 0
            let isGood = member.key == "answered"
            outcomes.add([.init(member.key), .init("\(count)", count == 0 ? nil : isGood ? .good : .careful)])
        }
        for member in data["refusals"]?.object ?? [:] where (member.value.int ?? 0) > 0 {
            outcomes.add([.init("  refused: \(member.key)"), .init("\(member.value.int ?? 0)")])
        }
        var times = TextTable(["TIME OF", "COUNT#", "MEAN#", "P50#", "P95#", "P99#"])
        for (name, key) in [
            ("jobs answered", "job_microseconds"), ("chunks", "chunk_microseconds"),
            ("waiting at nodes", "waiting_microseconds"),
        ] {
            let histogram = Histogram(data[key])
            times.add(
                [.init(name), .init("\(histogram.count)")]
                    + [histogram.mean, histogram.quantile(0.5), histogram.quantile(0.95), histogram.quantile(0.99)]
                    .map { .init($0.map { Units.nanoseconds($0 * 1000) } ?? "-") })
        }
        // The last place counts all from there on.
        let retries = (data["retries_per_chunk"]?.array ?? []).map { $0.int ?? 0 }
        var again = TextTable(["ASKED FOR AGAIN", "CHUNKS#"])
        for (times, count) in retries.enumerated() where count > 0 {
            let isLast = times > 0 && times == retries.count - 1
            let name = times == 0 ? "never" : times == 1 ? "once" : "\(times) times\(isLast ? " or more" : "")"
            again.add([.init(name), .init("\(count)")])
        }
        var last = TextTable(["JOB", "TYPE", "BYTES#", "CHUNKS#", "OUTCOME", "TIME#"])
        for job in jobs.suffix(20) {
            let outcome = job["outcome"]?.string
            last.add([
                .init(text(job["job"])), .init(text(job["request_type"])), .init("\(job.whole("bytes") ?? 0)"),
                .init(job.whole("chunks").map { "\($0)" } ?? "-"),
                .init(outcome ?? "under way", outcome == "answered" ? .good : .careful),
                .init(job.number("microseconds").map { Units.nanoseconds($0 * 1000) } ?? "-"),
            ])
        }
        let now =
            "under way: \(data.whole("under_way") ?? 0) jobs, \(Units.bytes(data.number("under_way_bytes") ?? 0)); "
            + "\(data.whole("originals") ?? 0) packets wait in the kernel, "
            + "\(data.whole("collecting") ?? 0) payloads are being collected, "
            + "\(data.whole("waiting_answers") ?? 0) answers wait to be sent\n"
        let isAsked = retries.contains { $0 > 0 }
        return ([outcomes, times] + (isAsked ? [again] : [])).map { $0.text(console) }.joined(separator: "\n") + "\n"
            + now
            + (jobs.isEmpty ? "" : "\n" + last.text(console))
    }

    /// The load table and the links.
    static func nodes(_ data: JSONValue, _ console: Console) -> String {
        var table = TextTable([
            "NODE", "ADDRESS", "STATE", "LOAD#", "FORECAST#", "CPU#", "MEMORY#", "WAITING#", "CREDIT#", "IN FLIGHT#",
            "WINDOW#",
            "RTT#", "SENT#", "RECEIVED#",
        ])
        func percent(_ value: Double?) -> TextTable.Cell { .init(value.map { Units.percent($0) } ?? "-") }
        for row in data["nodes"]?.array ?? [] {
            let isAlive = row["alive"]?.bool == true
            let isLinked = row["linked"]?.bool == true
            let isSlow = row["passed_over"]?.bool == true
            table.add([
                .init(text(row["name"])), .init(text(row["address"])),
                isAlive
                    ? isSlow ? .init("too slow", .careful) : .init("alive", .good)
                    : .init(isLinked ? "silent" : "not linked", .bad),
                percent(row.number("load")), percent(row.number("predicted_load")), percent(row.number("processor")),
                percent(row.number("memory")),
                .init(row.whole("waiting").map { "\($0)" } ?? "-"), .init(row.whole("credit").map { "\($0)" } ?? "-"),
                .init("\(row.whole("in_flight") ?? 0)"), .init("\(row.whole("window") ?? 0)"),
                .init(row.number("round_trip_microseconds").map { Units.nanoseconds($0 * 1000) } ?? "-"),
                .init(Units.bytes(row.number("bytes_out") ?? 0)), .init(Units.bytes(row.number("bytes_in") ?? 0)),
            ])
        }
        return table.text(console)
    }

    private static func timeLine(_ job: JSONValue, _ console: Console) -> String {
        let total = max(1, job.number("microseconds") ?? 1)
        var table = TextTable(["AT#", "", "EVENT", "CHUNK#", "NODE", ""])
        for entry in job["entries"]?.array ?? [] {
            let at = entry.number("microseconds") ?? 0
            let place = min(29, Int(at / total * 29))
            table.add([
                .init(Units.nanoseconds(at * 1000)),
                .init(
                    "│" + String(repeating: " ", count: place) + "●" + String(repeating: " ", count: 29 - place) + "│"),
                .init(text(entry["event"])), .init(entry.whole("chunk").map { "\($0)" } ?? ""),
                .init(entry["node"]?.string ?? ""), .init(entry["detail"]?.string ?? ""),
            ])
        }
        return "job \(text(job["job"])), \(text(job["request_type"])), \(job.whole("bytes") ?? 0) bytes: "
            + "\(job["outcome"]?.string ?? "under way")\n\n" + table.text(console)
    }
}

/// A histogram of the daemon's, for its quantiles.
private struct Histogram {
    let count: Int
    private let sum: Double
    private let bounds: [Double]
    private let counts: [Int]

    init(_ data: JSONValue?) {
        count = data?.whole("count") ?? 0
        sum = data?.number("sum") ?? 0
        bounds = (data?["bounds"]?.array ?? []).map { $0.double ?? 0 }
        counts = (data?["counts"]?.array ?? []).map { $0.int ?? 0 }
    }

    var mean: Double? { count == 0 ? nil : sum / Double(count) }

    /// The value below which a share of all lies, estimated within its bucket; nil without any.
    func quantile(_ share: Double) -> Double? {
        guard count > 0 else { return nil }
        var before = 0
        for (index, here) in counts.enumerated() where here > 0 {
            if Double(before + here) >= share * Double(count) {
                let low = index == 0 ? 0 : bounds[index - 1]
                let high = index < bounds.count ? bounds[index] : low * 2
                return low + (high - low) * (share * Double(count) - Double(before)) / Double(here)
            }
            before += here
        }
        return bounds.last
    }
}
