import Configuration
import NodeLinks
import Splitting
import Testing

@testable import Node

/// Load balancers that have the same name, as with the default of `splitting.name` on each.
@Suite(.serialized) struct NamesakeTests {
    private let key: KeyFile

    init() throws { key = try KeyFile() }

    private func node(gate: Gate) throws -> NodeService {
        try NodeService(
            try key.configuration(
                "n1", "request_types: {t: {processor: \"gate\", time_limit: \"60s\"}}, dht_update_interval: \"50ms\"",
                linked: ["gate"]), linked: ["gate": gate], cores: 1)
    }

    private func start(_ job: TestJob, by balancer: ScriptedPeer) {
        let holders = job.parts.map { _ in ["n1"] }
        balancer.send(job.opening(holders), to: "n1")
        for index in job.parts.indices { balancer.send(job.chunk(index, to: "n1"), to: "n1") }
    }

    private func reports(_ balancer: ScriptedPeer) -> Int {
        balancer.heard.all.count { if case .load = $0.message { true } else { false } }
    }

    @Test func eachGetsItsOwnAnswersRefusalsAndReports() async throws {
        let gate = Gate()
        let node = try node(gate: gate)
        let first = try await ScriptedPeer("anabranch", nodes: [("n1", node.address)])
        let (early, late) = (TestJob([testBytes(900), testBytes(700, seed: 2)]), TestJob([testBytes(800, seed: 3)]))
        start(early, by: first)
        #expect(await eventually { gate.count == 1 })
        #expect(sample(node.metrics, "anabranch_node_balancers_of_one_name") == 0)
        let second = try await ScriptedPeer("anabranch", nodes: [("n1", node.address)])
        defer { for end in [first.stop, second.stop, node.stop] { end() } }
        #expect(await eventually { sample(node.metrics, "anabranch_node_balancers_of_one_name") == 2 })
        start(late, by: second)
        gate.open()
        #expect(await first.heard.answer(early.id, within: .seconds(5))?.payload == early.parts.flatMap { $0 })
        #expect(await second.heard.answer(late.id, within: .seconds(5))?.payload == late.parts.flatMap { $0 })
        #expect(first.heard.answers(late.id).isEmpty && second.heard.answers(early.id).isEmpty)
        // What the node does not take goes back to who sent it.
        let unknown = TestJob([[1]], type: "nobody's")
        first.send(unknown.chunk(0, to: "n1"), to: "n1")
        #expect(await first.heard.result(unknown.id, 0, within: .seconds(5))?.status == .failed)
        #expect(second.heard.results(unknown.id).isEmpty)
        let (one, two) = (reports(first), reports(second))
        #expect(await eventually { reports(first) >= one + 3 && reports(second) >= two + 3 })
    }

    @Test func theLossOfOneHarmsNoJobOfTheOther() async throws {
        let gate = Gate()
        let node = try node(gate: gate)
        let first = try await ScriptedPeer("anabranch", nodes: [("n1", node.address)])
        let second = try await ScriptedPeer("anabranch", nodes: [("n1", node.address)])
        defer { for end in [first.stop, second.stop, node.stop] { end() } }
        let (kept, lost) = (TestJob([testBytes(900)]), TestJob([testBytes(800, seed: 3)]))
        start(kept, by: first)
        start(lost, by: second)
        #expect(await eventually { sample(node.metrics, "anabranch_node_jobs") == 2 })
        second.close("n1")
        #expect(await eventually { sample(node.metrics, "anabranch_node_jobs") == 1 })
        #expect(sample(node.metrics, "anabranch_node_balancers_of_one_name") == 0)
        gate.open()
        #expect(await first.heard.answer(kept.id, within: .seconds(5))?.payload == kept.parts[0])
    }

    /// A load balancer that has lost sight of its link makes a new one before the node knows.
    @Test func anAnswerGoesOverALaterLinkOfTheSameInstance() async throws {
        let gate = Gate()
        let node = try node(gate: gate)
        let before = try await ScriptedPeer("anabranch", instance: 7, nodes: [("n1", node.address)])
        let job = TestJob([testBytes(900)])
        start(job, by: before)
        #expect(await eventually { gate.count == 1 })
        let after = try await ScriptedPeer("anabranch", instance: 7, nodes: [("n1", node.address)])
        defer { for end in [before.stop, after.stop, node.stop] { end() } }
        before.close("n1")
        #expect(await eventually { sample(node.metrics, "anabranch_node_balancers") == 1 })
        gate.open()
        #expect(await after.heard.answer(job.id, within: .seconds(5))?.payload == job.parts[0])
    }
}
