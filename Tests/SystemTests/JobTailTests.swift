import Foundation
import Testing

/// One node of four becomes 50 times slower under steady load.
@Suite("Job tails", .serialized, .exclusive, .enabled(if: Host.obstacle == nil))
struct JobTailTests {
    /// Times in milliseconds: the 99th percentile before, in the first 5 s, and after them.
    private struct Tail {
        var healthy: Double
        var early: Double
        var late: Double
        /// Jobs of the first 5 s, and how many of them took longer than 2.5 times the healthy percentile.
        var jobs: Int
        var slow: Int
        /// Chunks that were worked on beyond one each, in thousandths of all.
        var extra: Int
        /// Copies that hedging asked for since the node became slow.
        var hedged: Int
        /// Copies that it did not ask for since then, because the budget was spent.
        var denied: Int
        var text: String
    }

    private static let quick = "slow: { kind: \"delay\", per_byte: \"500ns\" }"
    private static let fifty = "slow: { kind: \"delay\", per_byte: \"25us\" }"

    private func measure(_ mode: String) throws -> Tail {
        let splitting = "replication_factor: 2, replication_mode: \"\(mode)\", retry_timeout: \"50ms\","
        let lab = try JobLab(.init(processors: Self.quick, processor: "slow", splitting: splitting))
        let warm = try lab.run(JobPlan(to: Lab.virtual4, jobs: 300, size: "16000", rate: 60, first: 10_000))
        #expect(warm.faults == "", "\(warm.faults)")
        let before = try lab.counters()
        let done = try lab.results()
        let traffic = try lab.start(JobPlan(to: Lab.virtual4, jobs: 1_500, size: "16000", rate: 60, first: 20_000))
        // A percentile of 600 jobs, before and when the node is passed over: that of 300 is a matter of three jobs.
        usleep(10_000_000)
        let hedges = try lab.hedges()
        try lab.change("b2", processors: Self.fifty)
        let run = traffic.finish()
        // Not sooner: asking all nodes takes some tenths of a second of both cores, which would be part of the tail.
        let hedgesAfter = try lab.hedges()
        let after = try lab.counters()
        #expect(run.faults == "", "\(run.faults); \(run.text)")
        #expect(run.forwarded == 0, "\(run.text); \(after.text)")
        let chunks = after.since(before, "chunks")
        let healthy = run.percentile(0.99, from: 0, to: 9.9)
        let early = run.lines.filter { $0.sent >= 10 && $0.sent < 15 }
        let slow = early.filter { ($0.time ?? .infinity) > 2.5 * healthy }.count
        let tail = Tail(
            healthy: healthy, early: run.percentile(0.99, from: 10, to: 15),
            late: run.percentile(0.99, from: 15.1, to: 25), jobs: early.count, slow: slow,
            extra: 1000 * (try lab.results() - done - chunks) / chunks,
            hedged: hedgesAfter.asked - hedges.asked, denied: hedgesAfter.denied - hedges.denied, text: after.text)
        print("\(mode): \(tail)")
        return tail
    }

    /// Measures until the tail holds, three times at most: what else runs on the machine only ever makes a tail longer,
    /// and what the nodes or the load balancer do wrong shows each time.
    private func expect(_ mode: String, _ holds: (Tail) -> Bool) throws {
        var tails: [Tail] = []
        while tails.count < 3 {
            let tail = try measure(mode)
            if holds(tail) { return }
            tails.append(tail)
        }
        Issue.record("\(mode): \(tails)")
    }

    @Test func hedgingHoldsTheTailWithinItsBudget() throws {
        // The budget: 5 % of the work. Jobs that it does not cover are slow until the node is passed over; the nodes count
        // them. Of the others one in a hundred may be slow.
        try expect("hedged") { tail in
            tail.extra <= 50 && tail.hedged > 0 && tail.denied < tail.jobs / 10
                && tail.slow <= tail.denied + tail.jobs / 100 && tail.late <= 1.5 * tail.healthy
        }
    }

    @Test func aCopyOnStandbyIsUsedAfterTheRetryTimeout() throws {
        try expect("standby") { max($0.early, $0.late) <= $0.healthy + 50 }
    }

    @Test func parallelCopiesHideTheSlowNode() throws {
        try expect("parallel") { max($0.early, $0.late) <= 1.5 * $0.healthy }
    }
}

extension JobLab {
    /// A number of a node's metrics page, summed over its samples that contain the text.
    func metric(_ name: String, of node: String) throws -> Int {
        let page = try lab.run(node, "curl", "-sf", "http://127.0.0.1:9465/metrics").output
        let samples = page.split(separator: "\n").filter { $0.hasPrefix("anabranch_node_\(name)") }
        guard !samples.isEmpty else { throw LabError(what: "\(node) has no metric \(name)") }
        return samples.reduce(0) { sum, line in sum + (line.split(separator: " ").last.flatMap { Int($0) } ?? 0) }
    }

    /// Copies that hedging has asked for, and those that its budget did not cover, at all nodes.
    func hedges() throws -> (asked: Int, denied: Int) {
        try setup.nodes.reduce((0, 0)) { sum, node in
            (
                try sum.0 + metric("hedges_total{outcome=\"asked\"}", of: node),
                try sum.1 + metric("hedges_total{outcome=\"denied\"}", of: node)
            )
        }
    }

    /// Chunks that all nodes have worked on.
    func results() throws -> Int {
        try setup.nodes.reduce(0) { try $0 + metric("results_total{status=\"done\"}", of: $1) }
    }
}
