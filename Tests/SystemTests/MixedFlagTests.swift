import Foundation
import Testing

/// With splitting on, flagged fragments go to the full-copy queue and the others to the workers: one packet's fragments
/// may meet different threads, and those that one of them parked may be another's to let go.
@Suite("Fragments with and without the flag", .serialized, .exclusive, .enabled(if: Host.obstacle == nil))
struct MixedFlagTests {
    private static let addresses = [Lab.virtual4, Lab.virtual6]

    /// Packets that the kernel keeps in the load balancer's queues, by queue: those that wait for a verdict.
    private func waiting(_ lab: Lab) throws -> [Int: Int] {
        let table = try lab.run("lb", "cat", "/proc/net/netfilter/nfnetlink_queue").output
        let rows = table.split(separator: "\n").map { $0.split(separator: " ").compactMap { Int($0) } }
        return Dictionary(rows.filter { $0.count > 2 }.map { ($0[0], $0[2]) }) { $0 + $1 }
    }

    /// Everything has its outcome, and nothing waits in a table or in the kernel.
    private func expectNothingLeft(_ lab: JobLab, _ location: SourceLocation = #_sourceLocation) throws {
        let counters = try lab.expectNothingKept(location)
        let queues = try waiting(lab.lab)
        // Two workers, their parking queues, those of the splitting thread, and the full-copy queue.
        #expect(queues.count == 7, "\(queues)", sourceLocation: location)
        #expect(queues.allSatisfy { $0.value == 0 }, "\(queues); \(counters.text)", sourceLocation: location)
    }

    /// The flagged fragment is the first, and comes last, or with the others behind it; or it is the last, and the first
    /// comes when it has been parked. Whichever thread sees its own first, all go to one backend.
    @Test(arguments: ["late-flag", "early-flag", "last-flag"])
    func aPacketOfWhichOnlyOneFragmentIsFlaggedReachesItsBackend(order: String) throws {
        let lab = try JobLab()
        for (index, address) in Self.addresses.enumerated() {
            let run = try lab.run(
                JobPlan(
                    to: address, jobs: 100, size: "1600-9000", order: order, first: 10_000 * (1 + index),
                    timeout: 2_000))
            #expect(run.faults == "" && run.forwarded == 100, "\(run.faults); \(run.text)")
        }
        try expectNothingLeft(lab)
    }

    @Test func aPayloadMayHaveMoreFragmentsThanABatchHasVerdicts() throws {
        let lab = try JobLab()
        for (index, address) in Self.addresses.enumerated() {
            let plan = JobPlan(
                to: address, jobs: 50, size: "60000", order: "shuffled", first: 10_000 * (1 + index), mtu: 600)
            try lab.expectAnswers(lab.run(plan))
        }
        try expectNothingLeft(lab)
    }

    @Test func aFlaggedFirstFragmentThatMustNotBeTakesTheUnflaggedOnesAlong() throws {
        let lab = try JobLab()
        let before = try lab.lab.counters()
        let hostile = try Self.addresses.map { address in
            try lab.lab.traffic(
                "client",
                [
                    "hostile", "--to", address, "--kinds", "flags", "--sources", "200", "--rate", "5000", "--seconds",
                    "3",
                ])
        }
        let sent = hostile.map { $0.finish() }
        #expect(sent.allSatisfy { $0.status == 0 }, "\(sent.map(\.error))")
        try expectNothingLeft(lab)
        let after = try lab.lab.counters()
        let flags = sent.reduce(0) { $0 + $1.number("flags") }
        let refused = ["fragment_rejected", "malformed"].reduce(0) { sum, outcome in
            sum + (after.outcomes[outcome] ?? 0) - (before.outcomes[outcome] ?? 0)
        }
        #expect(flags > 20_000 && refused == flags, "\(flags) sent; \(after.text)")
        let queues = try lab.lab.shown("queues", "queues") as? [[String: Any]] ?? []
        for worker in queues.prefix(2) { #expect(worker["packets_parked"] as? Int ?? 0 > 1_000, "\(worker)") }
        try lab.expectAnswers(lab.run(JobPlan(to: Lab.virtual4, jobs: 200, size: "8000", first: 30_000)))
        try expectNothingLeft(lab)
    }
}
