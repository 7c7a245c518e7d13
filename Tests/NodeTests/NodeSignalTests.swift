import Foundation
import NodeLinks
import Splitting
import Testing

/// The program `anabranch-node` as its operator deals with it: SIGHUP and SIGTERM.
@Suite("Signals to a node", .serialized) struct NodeSignalTests {
    private static func slow(_ time: String, types: String = "") -> String {
        """
        processors: {slow: {kind: "delay", per_chunk: "\(time)"}},
        request_types: {t: {processor: "slow", time_limit: "60s"}, \(types)}
        """
    }

    /// Waits so many milliseconds, and not for a thread to go on with: what is under way would be over by then.
    private func pause(_ milliseconds: UInt32) { usleep(milliseconds * 1000) }

    /// A load balancer and another node with links to the program.
    private func peers(of node: NodeProcess) async throws -> (balancer: ScriptedPeer, other: ScriptedPeer) {
        (
            try await ScriptedPeer(nodes: [("n1", node.address)]),
            try await ScriptedPeer("n2", role: .node, nodes: [("n1", node.address)])
        )
    }

    @Test func aReloadHoldsForLaterChunksAndHarmsNoneUnderWay() async throws {
        let node = try NodeProcess(Self.slow("3s"))
        let (balancer, other) = try await peers(of: node)
        defer { for end in [other.stop, balancer.stop] { end() } }
        let job = TestJob((0..<3).map { testBytes(3000, seed: $0) })
        let fresh = TestJob([Array("123456789".utf8)], type: "fresh")
        balancer.send(fresh.chunk(0, to: "n2"), to: "n1")
        #expect(await balancer.heard.result(fresh.id, 0)?.status == .failed, "a type that is not there yet")
        // The one is worked on, the other waits for the only worker.
        balancer.send([job.chunk(0, to: "n2"), job.chunk(1, to: "n2")], to: "n1")
        pause(200)
        try node.write(Self.slow("1ms", types: "fresh: {processor: \"crc32\"}"))
        node.kill(SIGHUP)
        #expect(node.waits { node.errors.contains("reloaded: node n1") }, "\(node.errors)")
        #expect(other.heard.count == 0, "the work was over before the reload")
        balancer.send([job.chunk(2, to: "n2"), fresh.chunk(0, to: "n2")], to: "n1")
        for index in 0..<3 {
            let result = try #require(await other.heard.result(job.id, index))
            #expect(result.status == .done && result.payload == job.parts[index])
            // What was taken on before keeps what it was taken on for.
            #expect((result.worked >= 2_800_000) == (index < 2), "chunk \(index) took \(result.worked) µs")
        }
        #expect(await other.heard.result(fresh.id, 0)?.payload == [0xCB, 0xF4, 0x39, 0x26])
        #expect(other.heard.count == 4)
        node.kill(SIGTERM)
        #expect(node.exitStatus(within: 10) == 0)
    }

    @Test func aBrokenFileIsRefusedWithItsFaultAndTheOldOneStays() async throws {
        let node = try NodeProcess(Self.slow("1ms"))
        let (balancer, other) = try await peers(of: node)
        defer { for end in [other.stop, balancer.stop] { end() } }
        let broken = [
            ("processors: {slow: {kind: \"delay\", per_chnk: \"1ms\"}}", ":4:40: "),
            ("request_types: {t: {processor: \"slwo\"}}", ":4:"),
            ("request_types: {", ":"),
        ]
        for (index, (keys, place)) in broken.enumerated() {
            try node.write(keys)
            node.kill(SIGHUP)
            let refusals = { node.errors.split(separator: "\n").filter { $0.contains("reload refused") } }
            #expect(node.waits { refusals().count == index + 1 }, "\(node.errors)")
            #expect(refusals().last?.contains("nothing changed: \(node.file)\(place)") == true, "\(node.errors)")
            let job = TestJob([testBytes(500)])
            balancer.send(job.chunk(0, to: "n2"), to: "n1")
            #expect(await other.heard.result(job.id, 0)?.payload == job.parts[0])
        }
        #expect(node.errors.contains("unknown key \"per_chnk\" in processors.slow; did you mean \"per_chunk\"?"))
        #expect(!node.errors.contains("reloaded"))
        try node.write(Self.slow("2ms"))
        node.kill(SIGHUP)
        #expect(node.waits { node.errors.contains("reloaded: node n1") }, "\(node.errors)")
        #expect(node.isRunning)
    }

    @Test func aStopFinishesWhatIsInHandDeliversItAndTakesNothingNew() async throws {
        let node = try NodeProcess(Self.slow("1s") + ", drain_timeout: \"20s\"")
        let (balancer, other) = try await peers(of: node)
        defer { for end in [other.stop, balancer.stop] { end() } }
        // A job that the node reassembles itself, and chunks for another one; all of them one after the other.
        let (own, job, late) = (TestJob([[1, 2], [3]]), TestJob([[4], [5]]), TestJob([[6]]))
        balancer.send(own.opening([["n1"], ["n1"]], retryAfter: .seconds(20)), to: "n1")
        for index in 0..<2 { balancer.send([own.chunk(index, to: "n1"), job.chunk(index, to: "n2")], to: "n1") }
        let begin = ContinuousClock.now
        pause(100)
        node.kill(SIGTERM)
        #expect(node.waits { node.errors.contains("SIGTERM: finishing what is under way") }, "\(node.errors)")
        #expect(await eventually { balancer.heard.lastLoad?.credit == 0 })
        balancer.send([late.chunk(0, to: "n2"), late.opening([["n2"]])], to: "n1")
        #expect(await balancer.heard.result(late.id, 0)?.status == .refused)
        #expect(await balancer.heard.answer(late.id)?.status == .refused)
        #expect(other.heard.count == 0 && balancer.heard.answers(own.id).isEmpty, "nothing was left to be finished")
        #expect(await balancer.heard.answer(own.id)?.payload == [1, 2, 3])
        for index in 0..<2 { #expect(await other.heard.result(job.id, index)?.payload == job.parts[index]) }
        #expect(node.exitStatus(within: 10) == 0, "\(node.errors)")
        // As long as the four chunks take, not the twenty seconds that it may.
        let took = ContinuousClock.now - begin
        #expect(took > .milliseconds(3800) && took < .seconds(15), "\(took)")
        #expect(node.errors.hasSuffix("notice: stopped\n"), "\(node.errors)")
    }

    @Test func aStopTakesNoLongerThanTheDrainTimeout() async throws {
        let node = try NodeProcess(Self.slow("30s") + ", drain_timeout: \"500ms\"")
        let balancer = try await ScriptedPeer(nodes: [("n1", node.address)])
        defer { balancer.stop() }
        balancer.send(TestJob([[1]]).chunk(0, to: "n2"), to: "n1")
        pause(100)
        let begin = ContinuousClock.now
        node.kill(SIGTERM)
        #expect(node.exitStatus(within: 10) == 0, "\(node.errors)")
        let took = ContinuousClock.now - begin
        #expect(took > .milliseconds(450) && took < .seconds(4), "\(took)")
        #expect(node.errors.contains("drain_timeout is over"), "\(node.errors)")
    }

    @Test(arguments: [SIGTERM, SIGINT]) func aSecondSignalEndsTheWaiting(signal: Int32) async throws {
        let node = try NodeProcess(Self.slow("30s") + ", drain_timeout: \"60s\"")
        let balancer = try await ScriptedPeer(nodes: [("n1", node.address)])
        defer { balancer.stop() }
        balancer.send(TestJob([[1]]).chunk(0, to: "n2"), to: "n1")
        pause(100)
        node.kill(signal)
        #expect(node.waits { node.errors.contains("finishing what is under way") }, "\(node.errors)")
        #expect(node.exitStatus(within: 0.3) == nil)
        node.kill(signal)
        #expect(node.exitStatus(within: 5) == 0, "\(node.errors)")
    }
}
