import Foundation
import Testing

/// How to send jobs.
struct JobPlan {
    var to: String
    var jobs = 1_000
    /// Bytes of payload: a number, or two with a dash.
    var size = "2000-60000"
    /// Jobs a second; nil: as many wait as `concurrency` says.
    var rate: Int?
    var concurrency = 8
    var dscp = 46
    var order = "whole"
    /// Into how many parts the client cuts each payload; 0: it leaves that to the load balancer.
    var shards = 0
    /// Jobs that leave as segments of one packet.
    var bundle = 1
    /// Number of the first job. Runs beside one another need different ones, thousands apart.
    var first = 0
    /// Client ports of each address, and addresses.
    var ports = 16
    var addresses = 8
    /// Milliseconds after which a job is given up.
    var timeout = 5_000
    /// The longest fragment in bytes, where they are cut by hand.
    var mtu = 1_500

    var text: String { "\(jobs) jobs of \(size) bytes to \(to), \(order), DSCP \(dscp)" }

    fileprivate func arguments(log: String) -> [String] {
        let pace = rate.map { ["--rate", "\($0)"] } ?? ["--concurrency", "\(concurrency)"]
        return [
            "jobs", "--to", to, "--jobs", "\(jobs)", "--size", size, "--dscp", "\(dscp)", "--order", order, "--first",
            "\(first)", "--first-port", "\(20_000 + first / 1_000 * 40 % 40_000)", "--ports", "\(ports)",
            "--addresses", "\(addresses)", "--timeout", "\(timeout)", "--seed", "\(first + 1)", "--log", log,
            "--shards", "\(shards)", "--bundle", "\(bundle)", "--mtu", "\(mtu)",
        ] + pace
    }
}

/// Jobs that were sent, and what became of them.
struct JobRun {
    /// One job.
    struct Line {
        /// Seconds after the first.
        var sent: Double
        /// Milliseconds to the answer; nil without one.
        var time: Double?
        var isAnswered: Bool
    }

    var plan: JobPlan
    var finished: Finished
    var lines: [Line]

    var answered: Int { finished.number("answered") }
    var forwarded: Int { finished.number("forwarded") }

    /// Milliseconds of the answered jobs, or of the forwarded ones: "p50", "p99", "max".
    func time(_ point: String, of kind: String = "answered") -> Double {
        ((finished.json["\(kind)_us"] as? [String: Any])?[point] as? NSNumber).map { $0.doubleValue / 1e3 } ?? -1
    }

    /// What went wrong, in words; empty when each job was answered or forwarded, once and byte for byte.
    var faults: String {
        var faults: [String] = []
        if finished.status != 0 { faults.append("traffic jobs: \(finished.error)") }
        if finished.number("sent") != plan.jobs { faults.append("\(finished.number("sent")) sent") }
        if answered + forwarded != plan.jobs { faults.append("\(answered) answered, \(forwarded) forwarded") }
        for key in ["lost", "wrong", "doubled", "late", "overrun"] where finished.number(key) != 0 {
            faults.append("\(finished.number(key)) \(key)")
        }
        return faults.joined(separator: "; ")
    }

    /// The part of the times, in milliseconds, of the jobs that were sent within those seconds and answered.
    func percentile(_ part: Double, from: Double, to: Double) -> Double {
        let times = lines.filter { $0.sent >= from && $0.sent < to && $0.isAnswered }.compactMap(\.time).sorted()
        return times.isEmpty ? -1 : times[Int((Double(times.count - 1) * part).rounded())]
    }

    var text: String {
        "\(plan.text): \(answered) answered (p50 \(time("p50")), p99 \(time("p99")), max \(time("max")) ms), "
            + "\(forwarded) forwarded (p50 \(time("p50", of: "forwarded")), p99 \(time("p99", of: "forwarded")), "
            + "max \(time("max", of: "forwarded")) ms)"
    }
}

/// Jobs that are being sent beside the test.
final class JobTraffic {
    private let plan: JobPlan
    private let log: String
    private let sender: Running

    var isRunning: Bool { sender.isRunning }

    init(_ lab: Lab, _ plan: JobPlan) throws {
        self.plan = plan
        log = "\(lab.directory)/jobs-\(UUID().uuidString)"
        sender = try lab.traffic("client", plan.arguments(log: log))
    }

    func finish() -> JobRun {
        let finished = sender.finish()
        let text = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
        let lines = text.split(separator: "\n").compactMap { line -> JobRun.Line? in
            let parts = line.split(separator: " ")
            guard parts.count == 5, let sent = Double(parts[1]), let time = Double(parts[2]) else { return nil }
            return JobRun.Line(sent: sent / 1e6, time: time < 0 ? nil : time / 1e3, isAnswered: parts[3] == "answered")
        }
        return JobRun(plan: plan, finished: finished, lines: lines)
    }
}
