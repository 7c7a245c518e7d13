import Foundation
import Testing

/// A full system refuses new jobs early, and loses none: what finds no room goes to one backend, whole.
@Suite("Splitting without room", .serialized, .exclusive, .enabled(if: Host.obstacle == nil))
struct SplitRoomTests {
    private static let addresses = [Lab.virtual4, Lab.virtual6]

    @Test(arguments: ["in-order", "shuffled"])
    func whatFindsTheTableOfOriginalsFullReachesOneBackendWhole(order: String) throws {
        let lab = try JobLab(.init(splitting: "originals: 8,"))
        let before = try lab.counters()
        for (index, address) in Self.addresses.enumerated() {
            let run = try lab.run(
                JobPlan(to: address, jobs: 200, size: "60000", order: order, first: 10_000 * (1 + index)))
            #expect(run.faults == "" && run.forwarded == 200, "\(run.faults); \(run.text)")
        }
        let after = try lab.counters()
        #expect(after.outcome("forwarded_refused", since: before) == 400, "\(after.text)")
        #expect((after.refusals["originals"] ?? 0) - (before.refusals["originals"] ?? 0) == 400, "\(after.text)")
        try lab.expectNothingKept()
    }

    @Test func smallFlaggedDatagramsInFragmentsNeedNoRoom() throws {
        let lab = try JobLab(.init(splitting: "originals: 1,"))
        for (index, address) in Self.addresses.enumerated() {
            let run = try lab.run(
                JobPlan(
                    to: address, jobs: 300, size: "700-1400", order: "shuffled", first: 10_000 * (1 + index), mtu: 600))
            #expect(run.faults == "" && run.forwarded == 300, "\(run.faults); \(run.text)")
        }
        try lab.expectNothingKept()
    }

    @Test(arguments: ["in-order", "shuffled"])
    func whatIsGivenUpForItsMemoryReachesOneBackendWhole(order: String) throws {
        let lab = try JobLab(.init(splitting: "collect_bytes: \"1MiB\","))
        let before = try lab.counters()
        for (index, address) in Self.addresses.enumerated() {
            let run = try lab.run(
                JobPlan(
                    to: address, jobs: 400, size: "60000", concurrency: 40, order: order,
                    first: 10_000 * (1 + index)))
            #expect(run.faults == "", "\(run.faults); \(run.text)")
        }
        let after = try lab.counters()
        #expect(after.since(before, "offered") >= 800, "\(after.text)")
        try lab.expectNothingKept()
    }

    /// The load balancer's device is too slow for the answers, and drops: they wait for their turn. The same device drops
    /// fragments of jobs that were refused and forwarded, as any router may; each answer that counts has arrived.
    @Test func answersThatTheDeviceHoldsUpArriveAllTheSame() throws {
        let lab = try JobLab(.init(splitting: "deadline: \"5s\","))
        let done = try lab.lab.run(
            "lb", "tc", "qdisc", "add", "dev", "eth0", "root", "tbf", "rate", "400mbit", "burst", "20000", "limit",
            "150000")
        #expect(done.status == 0, "\(done.error)")
        let before = try lab.counters()
        let run = try lab.run(
            JobPlan(to: Lab.virtual4, jobs: 200, size: "60000", concurrency: 16, first: 10_000, timeout: 10_000))
        let after = try lab.counters()
        #expect(run.answered == after.outcome("answered", since: before), "\(run.text); \(after.text)")
        #expect(run.answered >= 100, "\(run.text); \(after.text)")
        #expect(after.outcome("forwarded_unsent", since: before) == 0, "\(after.text)")
        try lab.expectNothingKept()
    }
}
