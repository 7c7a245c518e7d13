import Foundation
import Testing

/// Whatever fails between load balancer and nodes: each of a thousand jobs is answered rightly or forwarded, once.
@Suite("Job failures", .serialized, .exclusive, .enabled(if: Host.obstacle == nil))
struct JobFailureTests {
    /// Work whose time goes with its size: 12 ms for 60 KB, so that splitting pays and is done.
    private static let slow = JobLab.Setup(
        processors: "slow: { kind: \"delay\", per_byte: \"200ns\" }", processor: "slow")

    /// The same with work for many at a time: whoever dies has some of it.
    private static let busy = JobLab.Setup(
        processors: "slow: { kind: \"delay\", per_byte: \"1us\" }", processor: "slow", workers: 8)

    private static func plan(_ to: String = Lab.virtual4, rate: Int) -> JobPlan {
        JobPlan(to: to, size: "2000-60000", rate: rate, first: 10_000)
    }

    /// Sends a thousand jobs, half a second of which pass before the failure. The counters must tell what became of each.
    @discardableResult
    private func expectNoneLost(
        _ lab: JobLab, _ plan: JobPlan, _ location: SourceLocation = #_sourceLocation, _ failure: () throws -> Void
    ) throws -> (run: JobRun, before: JobCounters, after: JobCounters) {
        let before = try lab.counters()
        let traffic = try lab.start(plan)
        usleep(500_000)
        try failure()
        let run = traffic.finish()
        let after = try lab.counters()
        let text = "\(run.faults); \(run.text); \(after.text)"
        print(text)
        #expect(run.faults == "", "\(text)", sourceLocation: location)
        let chunks = after.since(before, "chunks") - after.outcome("answered", since: before)
        #expect(chunks >= plan.jobs / 2, "little was split: \(text)", sourceLocation: location)
        #expect(after.since(before, "offered") == plan.jobs, "\(text)", sourceLocation: location)
        #expect(after.answered - before.answered == run.answered, "\(text)", sourceLocation: location)
        #expect(after.forwarded - before.forwarded == run.forwarded, "\(text)", sourceLocation: location)
        #expect(after.number("under_way") == 0 && after.number("originals") == 0, "\(text)", sourceLocation: location)
        #expect(lab.daemon.isRunning, "\(lab.daemon.error)", sourceLocation: location)
        return (run, before, after)
    }

    @Test func aNodeIsKilledUnderLoad() throws {
        let lab = try JobLab(Self.busy)
        let result = try expectNoneLost(lab, Self.plan(rate: 500)) { lab.running["b2"]?.kill(SIGKILL) }
        #expect(result.run.answered >= 950, "\(result.run.text); \(result.after.text)")
        let moved = result.after.since(result.before, "resent") + result.after.since(result.before, "takeovers")
        #expect(moved > 0, "\(result.after.text)")
        #expect(try lab.nodes()["b2"]?["linked"] as? Bool == false)
    }

    @Test func aNodeStandsStillForTenSeconds() throws {
        let lab = try JobLab(Self.slow)
        let result = try expectNoneLost(lab, Self.plan(Lab.virtual6, rate: 90)) {
            lab.running["b3"]?.kill(SIGSTOP)
            usleep(3_000_000)
            let alive = try lab.nodes()["b3"]?["alive"] as? Bool
            #expect(alive == false, "the node is not passed over")
            usleep(7_000_000)
            lab.running["b3"]?.kill(SIGCONT)
        }
        #expect(result.run.answered >= 900, "\(result.run.text); \(result.after.text)")
        usleep(1_000_000)
        #expect(try lab.nodes()["b3"]?["alive"] as? Bool == true, "the node is not taken again")
        #expect(lab.running["b3"]?.isRunning == true)
    }

    /// All jobs of one client port are reassembled by one node.
    @Test func theReassemblyNodeOfRunningJobsIsKilled() throws {
        let lab = try JobLab(Self.busy)
        var plan = Self.plan(rate: 500)
        (plan.ports, plan.addresses) = (1, 1)
        var killed = ""
        let result = try expectNoneLost(lab, plan) {
            let jobs = try lab.lab.shown("jobs", "jobs") as? [[String: Any]] ?? []
            let job = try #require(jobs.last?["job"] as? String)
            let trace = try lab.lab.operate("show", "jobs", "--job", job, "--json").json["jobs"] as? [[String: Any]]
            let entries = try #require(trace?.first?["entries"] as? [[String: Any]])
            killed = try #require(entries.first { $0["event"] as? String == "opened" }?["node"] as? String)
            lab.running[killed]?.kill(SIGKILL)
        }
        #expect(result.after.since(result.before, "takeovers") > 0, "killed \(killed): \(result.after.text)")
        #expect(result.run.answered >= 950, "\(result.run.text); \(result.after.text)")
    }

    /// Both directions, where packets arrive: what is dropped where it leaves is sent again by the local TCP at once.
    @Test func twoOfAHundredPacketsOfTheLinksAreLost() throws {
        let lab = try JobLab(Self.slow)
        let match = ["-p", "tcp", "-m", "statistic", "--mode", "random", "--probability", "0.02", "-j", "DROP"]
        for node in JobLab.nodes {
            try lab.firewall(node, ["-A", "INPUT", "--source", "10.77.2.2"] + match)
            try lab.firewall("lb", ["-A", "INPUT", "--source", JobLab.address(of: node)] + match)
        }
        let result = try expectNoneLost(lab, Self.plan(rate: 200)) {}
        #expect(result.run.answered >= 900, "\(result.run.text); \(result.after.text)")
        var dropped = 0
        for node in JobLab.nodes + ["lb"] {
            let rules = try lab.lab.run(node, "iptables", "-L", "INPUT", "-v", "-n", "-x").output
            for rule in rules.split(separator: "\n") where rule.contains("DROP") {
                dropped += rule.split(separator: " ").first.flatMap { Int($0) } ?? 0
            }
        }
        #expect(dropped > 50, "only \(dropped) packets were lost")
    }

    @Test func fiveOfAHundredPacketsOfTheLinksComeLate() throws {
        let lab = try JobLab(Self.slow)
        var programs: [String: Running] = [:]
        for node in JobLab.nodes + ["lb"] {
            programs[node] = try lab.lab.traffic(node, "reorder", "--queue", "40", "--every", "20")
        }
        for (node, program) in programs {
            guard program.wait(for: "ready") else { throw LabError(what: "reorder in \(node): \(program.error)") }
            let sources = node == "lb" ? JobLab.nodes.map { JobLab.address(of: $0) } : ["10.77.2.2"]
            for source in sources {
                try lab.firewall(
                    node, ["-A", "INPUT", "--source", source, "-p", "tcp", "-j", "NFQUEUE", "--queue-num", "40"])
            }
        }
        let result = try expectNoneLost(lab, Self.plan(Lab.virtual6, rate: 200)) {}
        #expect(result.run.answered >= 900, "\(result.run.text); \(result.after.text)")
        let passed = programs.values.map { program in
            program.kill(SIGTERM)
            return program.finish()
        }
        #expect(passed.allSatisfy { $0.number("passed") > 20 }, "\(passed.map(\.output))")
    }

    @Test func aLinkIsCutForFiveSeconds() throws {
        let lab = try JobLab(Self.slow)
        let result = try expectNoneLost(lab, Self.plan(rate: 125)) {
            for action in ["-A", "-D"] {
                for chain in [["INPUT", "--source"], ["OUTPUT", "--destination"]] {
                    try lab.firewall("lb", [action] + chain + [JobLab.address(of: "b4"), "-p", "tcp", "-j", "DROP"])
                }
                if action == "-A" { usleep(5_000_000) }
            }
        }
        #expect(result.run.answered >= 900, "\(result.run.text); \(result.after.text)")
        usleep(2_000_000)
        let node = try lab.nodes()["b4"]
        #expect(node?["alive"] as? Bool == true, "\(node ?? [:])")
    }

    /// A proxy before each node changes a bit in one of a hundred chunks and results; its TCP is sound.
    @Test func oneChunkOfAHundredIsDamaged() throws {
        var proxies: [Running] = []
        var setup = Self.slow
        setup.port = 9471
        let lab = try JobLab(setup) { lab in
            for (index, node) in JobLab.nodes.enumerated() {
                let proxy = try lab.traffic(node, "corrupt", "--to", "127.0.0.1", "--seed", "\(index)")
                guard proxy.wait(for: "ready") else { throw LabError(what: "proxy: \(proxy.error)") }
                proxies.append(proxy)
            }
        }
        let result = try expectNoneLost(lab, Self.plan(rate: 200)) {}
        let damaged = proxies.reduce(0) { sum, proxy in
            proxy.kill(SIGTERM)
            return sum + proxy.finish().number("damaged")
        }
        #expect(damaged >= 20, "only \(damaged) were damaged")
        #expect(result.run.answered >= 900, "\(result.run.text); \(result.after.text)")
        #expect(result.after.since(result.before, "resent") > 0, "\(result.after.text)")
    }
}

extension JobLab {
    /// Runs iptables inside a node.
    func firewall(_ node: String, _ arguments: [String]) throws {
        let done = try SystemTests.finish(["ip", "netns", "exec", "ab-\(lab.id)-\(node)", "iptables"] + arguments)
        guard done.status == 0 else { throw LabError(what: "iptables in \(node): \(done.error)") }
    }
}
