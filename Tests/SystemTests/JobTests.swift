import Foundation
import Testing

/// Flagged payloads are split over the nodes, and every one comes back whole.
@Suite("Jobs", .serialized, .exclusive, .enabled(if: Host.obstacle == nil))
struct JobTests {
    private static let addresses = [Lab.virtual4, Lab.virtual6]

    @Test func tenThousandJobsComeBackByteForByteAndNothingElseIsSplit() throws {
        // Work whose time goes with its size, 6 ms for 60 KB: without it a job is done soonest in one piece.
        let lab = try JobLab(
            .init(processors: "slow: { kind: \"delay\", per_byte: \"100ns\" }", processor: "slow", isWide: true))
        let before = try lab.counters()
        var first = 0
        for order in ["whole", "in-order", "shuffled"] {
            for address in Self.addresses {
                first += 10_000
                let run = try lab.run(JobPlan(to: address, jobs: 1_667, rate: 250, order: order, first: first))
                try lab.expectAnswers(run)
            }
        }
        let after = try lab.counters()
        #expect(after.since(before, "offered") == 10_002, "\(after.text)")
        #expect(after.outcome("answered", since: before) == 10_002, "\(after.text)")
        #expect(after.since(before, "chunks") >= 20_000, "little was split: \(after.text)")
        print(after.text)
        for (dscp, size) in [(0, "2000-60000"), (46, "64-1400"), (45, "2000-60000")] {
            for address in Self.addresses {
                for order in ["whole", "shuffled"] {
                    first += 10_000
                    let run = try lab.run(
                        JobPlan(to: address, jobs: 200, size: size, dscp: dscp, order: order, first: first))
                    #expect(run.faults == "" && run.answered == 0, "\(run.faults); \(run.text)")
                }
            }
        }
        let end = try lab.counters()
        #expect(end.offered == after.offered, "what was not to be split was: \(end.text)")
        let packets = try lab.lab.counters()
        packets.expectBalance()
        packets.expectNothingKept()
        #expect(end.number("originals") == 0 && end.number("collecting") == 0, "\(end.text)")
        #expect(lab.daemon.isRunning && lab.running.values.allSatisfy { $0.isRunning })
    }

    /// Here the kernels cut: the client's the payload, the load balancer's the answer.
    @Test func jobsComeBackOverEthernetToo() throws {
        let lab = try JobLab()
        for (index, address) in Self.addresses.enumerated() {
            let run = try lab.run(JobPlan(to: address, first: 10_000 * (1 + index)))
            try lab.expectAnswers(run)
        }
    }

    @Test func fourNodesTakeAThirdOfTheTimeOfOne() throws {
        // 1,221 ns a byte are 20 ms for 16 KiB.
        var setup = JobLab.Setup(processors: "slow: { kind: \"delay\", per_byte: \"1221ns\" }", processor: "slow")
        var times: [Int: Double] = [:]
        for count in [1, 4] {
            setup.nodes = Array(JobLab.nodes.prefix(count))
            let lab = try JobLab(setup)
            let run = try lab.run(JobPlan(to: Lab.virtual4, jobs: 30, size: "60000", concurrency: 1, first: 10_000))
            try lab.expectAnswers(run)
            times[count] = run.time("p50")
        }
        let (one, four) = (times[1] ?? 0, times[4] ?? .infinity)
        #expect(one >= 60_000 * 1_221e-6, "one node was faster than its delay: \(one) ms")
        #expect(four <= one / 3, "one node: \(one) ms, four nodes: \(four) ms")
        print("one node \(one) ms, four nodes \(four) ms: \(one / four) times as fast")
    }
}
