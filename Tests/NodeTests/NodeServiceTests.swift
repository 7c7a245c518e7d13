import ChunkProcessing
import Configuration
import Foundation
import NodeLinks
import Splitting
import Synchronization
import Testing
import Wire

@testable import Node

@Suite(.serialized) struct NodeServiceTests {
    private let key: KeyFile

    init() throws { key = try KeyFile() }

    @Test func aChunkIsWorkedOnAndItsResultGoesToTheOtherNode() async throws {
        let other = try await ScriptedPeer("n2", role: .node)
        var configuration = try key.configuration("n1", "request_types: {t: {processor: \"crc32\"}}")
        configuration.nodes = [NodePeerConfiguration(name: "n2", address: other.address)]
        let node = try NodeService(configuration, cores: 1)
        let balancer = try await ScriptedPeer(nodes: [("n1", node.address)])
        defer { for end in [balancer.stop, node.stop, other.stop] { end() } }
        let job = TestJob([Array("123456789".utf8)], checksums: .sha256)
        balancer.send(job.chunk(0, to: "n2"), to: "n1")
        let result = try #require(await other.heard.result(job.id, 0))
        #expect(result.status == .done && result.payload == [0xCB, 0xF4, 0x39, 0x26])
        #expect(job.terms.checksums.verifies(result.checksum, of: result.payload))
        #expect(sample(node.metrics, "anabranch_node_results_total{status=\"done\"}") == 1)
    }

    /// Two load balancers of one name: the one that sent the chunk gets the result, and later what it took is forgotten.
    @Test func aResultThatNoNodeWaitsForGoesToTheLoadBalancer() async throws {
        let node = try NodeService(try key.configuration("n1"), cores: 1)
        let balancer = try await ScriptedPeer(nodes: [("n1", node.address)])
        let namesake = try await ScriptedPeer(nodes: [("n1", node.address)])
        defer { for end in [namesake.stop, balancer.stop, node.stop] { end() } }
        let job = TestJob([testBytes(3000), testBytes(300)])
        balancer.send(job.chunk(1, to: ""), to: "n1")
        let result = try #require(await balancer.heard.result(job.id, 1))
        #expect(result.status == .done && result.payload == job.parts[1])
        balancer.send(.settled(job.id), to: "n1")
        #expect(await eventually { sample(node.metrics, "anabranch_node_kept_chunks") == 0 })
        #expect(namesake.heard.results(job.id).isEmpty)
    }

    /// The link to the reassembly node comes up only after the result is there.
    @Test func aResultThatCannotBeSentIsSentWhenTheLinkIsUp() async throws {
        let node = try NodeService(try key.configuration("n1"), cores: 1)
        let balancer = try await ScriptedPeer(nodes: [("n1", node.address)])
        defer { for end in [balancer.stop, node.stop] { end() } }
        let job = TestJob([testBytes(1000)])
        balancer.send(job.chunk(0, to: "n2"), to: "n1")
        #expect(await eventually { sample(node.metrics, "anabranch_node_results_total{status=\"done\"}") == 1 })
        let other = try await ScriptedPeer("n2", role: .node, nodes: [("n1", node.address)])
        defer { other.stop() }
        #expect(await other.heard.result(job.id, 0)?.payload == job.parts[0])
    }

    @Test func aCopyIsKeptAndWorkedOnWhenItIsAskedFor() async throws {
        let node = try NodeService(try key.configuration("n1"), cores: 1)
        let balancer = try await ScriptedPeer(nodes: [("n1", node.address)])
        let other = try await ScriptedPeer("n2", role: .node, nodes: [("n1", node.address)])
        defer { for end in [other.stop, balancer.stop, node.stop] { end() } }
        let job = TestJob([testBytes(5000)])
        balancer.send(job.chunk(0, to: "n2", replica: 1, standby: true), to: "n1")
        #expect(await eventually { sample(node.metrics, "anabranch_node_kept_chunks") == 1 })
        #expect(await other.heard.result(job.id, 0, within: .milliseconds(150)) == nil)
        let demand = LinkMessage.demand(ChunkDemand(job: job.id, index: 0, reason: .late, tried: ["n3"]))
        other.send(demand, to: "n1")
        let result = try #require(await other.heard.result(job.id, 0))
        #expect(result.status == .done && result.payload == job.parts[0] && result.replica == 1)
        // Asked again: the kept result, without working on it again.
        other.send(demand, to: "n1")
        #expect(await eventually { other.heard.results(job.id).count == 2 })
        #expect(sample(node.metrics, "anabranch_node_results_resent_total") == 1)
        #expect(sample(node.metrics, "anabranch_node_results_total{status=\"done\"}") == 1)
        // Whoever asks for what was never there hears so.
        other.send(.demand(ChunkDemand(job: job.id, index: 9, reason: .late, tried: [])), to: "n1")
        #expect(await other.heard.result(job.id, 9)?.status == .unknown)
    }

    @Test(arguments: ChecksumAlgorithm.allCases)
    func aDamagedChunkIsReturned(_ checksums: ChecksumAlgorithm) async throws {
        let node = try NodeService(try key.configuration("n1"), cores: 1)
        let balancer = try await ScriptedPeer(nodes: [("n1", node.address)])
        defer { for end in [balancer.stop, node.stop] { end() } }
        let job = TestJob([testBytes(999), testBytes(99)], checksums: checksums)
        balancer.send(job.chunk(0, to: "n1", damaged: true), to: "n1")
        #expect(await balancer.heard.result(job.id, 0)?.status == .damaged)
        #expect(sample(node.metrics, "anabranch_node_kept_chunks") == 0)
    }

    @Test func aTypeThatIsNotConfiguredIsReturned() async throws {
        let node = try NodeService(
            try key.configuration("n1", "request_types: {other: {processor: \"identity\"}}"), cores: 1)
        let balancer = try await ScriptedPeer(nodes: [("n1", node.address)])
        defer { for end in [balancer.stop, node.stop] { end() } }
        let job = TestJob([[1]])
        balancer.send(job.chunk(0, to: "n1"), to: "n1")
        #expect(await balancer.heard.result(job.id, 0)?.status == .failed)
        balancer.send(job.opening([["n1"]]), to: "n1")
        #expect(await balancer.heard.answer(job.id)?.status == .failed)
    }

    /// A node whose processor `gate` waits for the test.
    private func gated(_ keys: String) throws -> (NodeService, Gate) {
        let gate = Gate()
        let configuration = try key.configuration("n1", keys, linked: ["gate"])
        return (try NodeService(configuration, linked: ["gate": gate], cores: 1), gate)
    }

    @Test func aFullQueueReturnsChunksAndRefusesJobsAtOnce() async throws {
        let (node, gate) = try gated(
            "priority_queue_size: 3, request_types: {default: {processor: \"gate\", time_limit: \"60s\"}}")
        let balancer = try await ScriptedPeer(nodes: [("n1", node.address)])
        defer { for end in [balancer.stop, node.stop] { end() } }
        let job = TestJob((0..<5).map { [UInt8($0)] })
        // One is worked on; three wait; the fifth finds no place, nor does a job.
        balancer.send(job.chunk(0, to: "n1"), to: "n1")
        #expect(await eventually { gate.count == 1 })
        for index in 1..<5 { balancer.send(job.chunk(index, to: "n1"), to: "n1") }
        #expect(await balancer.heard.result(job.id, 4)?.status == .refused)
        balancer.send(job.opening(Array(repeating: ["n1"], count: 5)), to: "n1")
        #expect(await balancer.heard.answer(job.id)?.status == .refused)
        #expect(sample(node.metrics, "anabranch_node_queue_waiting{kind=\"chunk\"}") == 3)
        #expect(sample(node.metrics, "anabranch_node_jobs_refused_total") == 1)
        #expect(sample(node.metrics, "anabranch_node_queue_size") == 3)
        #expect(gate.count == 1)
    }

    @Test func moreUrgentTypesTakeThePlaceOfLessUrgentOnes() async throws {
        let (node, gate) = try gated(
            """
            priority_queue_size: 1, request_types: {
                low: {processor: "gate", class: 6}, high: {processor: "gate", class: 1},
                t: {processor: "gate", time_limit: "60s"},
            }
            """)
        let balancer = try await ScriptedPeer(nodes: [("n1", node.address)])
        let other = try await ScriptedPeer("n2", role: .node, nodes: [("n1", node.address)])
        defer { for end in [other.stop, balancer.stop, node.stop] { end() } }
        let (busy, low, high) = (TestJob([[1]]), TestJob([[2]], type: "low"), TestJob([[3]], type: "high"))
        balancer.send(busy.chunk(0, to: "n2"), to: "n1")
        #expect(await eventually { gate.count == 1 })
        balancer.send(low.chunk(0, to: "n2"), to: "n1")
        balancer.send(high.chunk(0, to: "n2"), to: "n1")
        #expect(await other.heard.result(low.id, 0)?.status == .refused)
        gate.open()
        #expect(await other.heard.result(high.id, 0)?.status == .done)
        // What was displaced is kept, and worked on when it is asked for.
        other.send(.demand(ChunkDemand(job: low.id, index: 0, reason: .failed, tried: [])), to: "n1")
        #expect(await eventually { other.heard.results(low.id).contains { $0.status == .done } })
    }

    @Test func settledJobsLeaveNothingBehind() async throws {
        let slow = """
            processors: {slow: {kind: "delay", per_chunk: "30s"}},
            request_types: {default: {processor: "slow", time_limit: "60s"}, quick: {processor: "identity"}},
            workers: 2
            """
        let node = try NodeService(try key.configuration("n1", slow), cores: 1)
        let balancer = try await ScriptedPeer(nodes: [("n1", node.address)])
        defer { for end in [balancer.stop, node.stop] { end() } }
        // Worked on, waiting, kept, done; a job that is open.
        let job = TestJob((0..<6).map { testBytes(10_000, seed: UInt64($0)) })
        let done = TestJob([testBytes(20_000)], type: "quick")
        balancer.send(done.chunk(0, to: "n9"), to: "n1")
        #expect(await eventually { sample(node.metrics, "anabranch_node_kept_bytes{what=\"results\"}") == 20_000 })
        balancer.send(job.opening(Array(repeating: ["n1"], count: 6), retryAfter: .seconds(30)), to: "n1")
        for index in 0..<6 { balancer.send(job.chunk(index, to: "n1", standby: index > 3), to: "n1") }
        #expect(await eventually { sample(node.metrics, "anabranch_node_workers_busy") == 2 })
        #expect(await eventually { sample(node.metrics, "anabranch_node_kept_chunks") == 7 })
        #expect((sample(node.metrics, "anabranch_node_kept_bytes{what=\"chunks\"}") ?? 0) >= 60_000)
        #expect(sample(node.metrics, "anabranch_node_queue_reserved") == 1)
        balancer.send([.settled(job.id), .settled(done.id)], to: "n1")
        for name in [
            "kept_chunks", "kept_bytes{what=\"chunks\"}", "kept_bytes{what=\"results\"}", "workers_busy", "jobs",
            "queue_reserved", "queue_waiting{kind=\"chunk\"}",
        ] {
            #expect(await eventually { sample(node.metrics, "anabranch_node_" + name) == 0 }, "\(name)")
        }
    }

    @Test func whatHasNoMoreTimeIsForgotten() async throws {
        let node = try NodeService(try key.configuration("n1"), cores: 1)
        let balancer = try await ScriptedPeer(nodes: [("n1", node.address)])
        defer { for end in [balancer.stop, node.stop] { end() } }
        let job = TestJob([testBytes(100)], timeLeft: .seconds(2))
        balancer.send(job.chunk(0, to: "n2", standby: true), to: "n1")
        #expect(await eventually { sample(node.metrics, "anabranch_node_kept_chunks") == 1 })
        #expect(await eventually { sample(node.metrics, "anabranch_node_kept_chunks") == 0 })
    }

    @Test func theTimeLimitOfATypeEndsItsWork() async throws {
        let slow = """
            processors: {slow: {kind: "delay", per_chunk: "30s"}},
            request_types: {default: {processor: "slow", time_limit: "100ms"}},
            """
        let node = try NodeService(try key.configuration("n1", slow), cores: 1)
        let balancer = try await ScriptedPeer(nodes: [("n1", node.address)])
        let other = try await ScriptedPeer("n2", role: .node, nodes: [("n1", node.address)])
        defer { for end in [other.stop, balancer.stop, node.stop] { end() } }
        let job = TestJob([[1], [2]])
        // The second waits longer than the limit, which counts from the beginning of its work alone.
        balancer.send([job.chunk(0, to: "n2"), job.chunk(1, to: "n2")], to: "n1")
        #expect(await other.heard.result(job.id, 0)?.status == .failed)
        let second = try #require(await other.heard.result(job.id, 1))
        #expect(second.status == .failed && second.waited > 80_000 && (80_000...2_000_000).contains(second.worked))
        #expect(sample(node.metrics, "anabranch_node_failures_total{reason=\"time_limit\"}") == 2)
    }

    @Test func memoryForChunksAndResultsIsBounded() async throws {
        let bounds = "memory: {max_chunk_bytes: \"64KiB\", max_result_bytes: \"64KiB\"}"
        let node = try NodeService(try key.configuration("n1", bounds), cores: 1)
        let balancer = try await ScriptedPeer(nodes: [("n1", node.address)])
        let other = try await ScriptedPeer("n2", role: .node, nodes: [("n1", node.address)])
        defer { for end in [other.stop, balancer.stop, node.stop] { end() } }
        let job = TestJob((0..<8).map { testBytes(30_000, seed: UInt64($0)) })
        for index in 0..<2 { balancer.send(job.chunk(index, to: "n2", standby: true), to: "n1") }
        balancer.send(job.chunk(2, to: "n2"), to: "n1")
        #expect(await balancer.heard.result(job.id, 2)?.status == .refused)
        balancer.send(.settled(job.id), to: "n1")
        let second = TestJob(job.parts)
        for index in 0..<8 {
            balancer.send(second.chunk(index, to: "n2"), to: "n1")
            #expect(await other.heard.result(second.id, index)?.status == .done)
        }
        #expect((sample(node.metrics, "anabranch_node_kept_bytes{what=\"results\"}") ?? .infinity) <= 65_536)
        #expect(sample(node.metrics, "anabranch_node_results_evicted_total") == 6)
        // The oldest result is gone, the latest is there.
        for index in [0, 7] {
            other.send(.demand(ChunkDemand(job: second.id, index: index, reason: .late, tried: [])), to: "n1")
        }
        #expect(await eventually { other.heard.results(second.id).contains { $0.index == 0 && $0.status == .unknown } })
        #expect(await eventually { other.heard.results(second.id).filter { $0.index == 7 }.count == 2 })
    }

    /// Each chunk becomes twice as long, which is more than the node may keep.
    private struct Twice: ChunkProcessor {
        func process(_ chunk: ChunkWork, _ limit: WorkLimit) throws(ProcessorError) -> [UInt8] {
            chunk.payload + chunk.payload
        }
    }

    @Test func aResultThatIsTooLongToBeKeptIsSentAllTheSame() async throws {
        let keys = "request_types: {t: {processor: \"twice\"}}, memory: {max_result_bytes: \"64KiB\"}"
        let node = try NodeService(
            try key.configuration("n1", keys, linked: ["twice"]), linked: ["twice": Twice()], cores: 1)
        let balancer = try await ScriptedPeer(nodes: [("n1", node.address)])
        let other = try await ScriptedPeer("n2", role: .node, nodes: [("n1", node.address)])
        defer { for end in [other.stop, balancer.stop, node.stop] { end() } }
        let job = TestJob([testBytes(40_000), testBytes(40_000, seed: 2)])
        balancer.send(job.chunk(0, to: "n2"), to: "n1")
        let result = try #require(await other.heard.result(job.id, 0))
        #expect(result.status == .done && result.payload == job.parts[0] + job.parts[0])
        #expect(sample(node.metrics, "anabranch_node_results_unkept_total") == 1)
        #expect(sample(node.metrics, "anabranch_node_kept_bytes{what=\"results\"}") == 0)
        #expect(sample(node.metrics, "anabranch_node_results_total{status=\"done\"}") == 1)
        // It was lost on the way: the chunk is still there, and worked on once more.
        other.send(.demand(ChunkDemand(job: job.id, index: 0, reason: .late, tried: [])), to: "n1")
        #expect(await eventually { other.heard.results(job.id).map(\.status) == [.done, .done] })
        // A job of such results that the node itself reassembles.
        let own = TestJob(job.parts)
        balancer.send(own.opening([["n1"], ["n1"]], retryAfter: .milliseconds(300), retries: 1), to: "n1")
        for index in 0..<2 { balancer.send(own.chunk(index, to: "n1"), to: "n1") }
        let answer = try #require(await balancer.heard.answer(own.id))
        #expect(answer.status == .done && answer.payload.count == 160_000)
    }

    @Test func aResultThatCanNeitherBeKeptNorSentIsSaidToHaveFailed() async throws {
        let keys = "request_types: {t: {processor: \"twice\"}}, memory: {max_result_bytes: \"64KiB\"}"
        let node = try NodeService(
            try key.configuration("n1", keys, linked: ["twice"]), linked: ["twice": Twice()], cores: 1)
        let balancer = try await ScriptedPeer(nodes: [("n1", node.address)])
        let job = TestJob([testBytes(40_000)])
        balancer.send(job.chunk(0, to: "n3"), to: "n1")
        #expect(await eventually { sample(node.metrics, "anabranch_node_results_total{status=\"failed\"}") == 1 })
        #expect(sample(node.metrics, "anabranch_node_results_total{status=\"done\"}") == 0)
        // Who asks for it later gets it.
        let late = try await ScriptedPeer("n3", role: .node, nodes: [("n1", node.address)])
        defer { for end in [late.stop, balancer.stop, node.stop] { end() } }
        late.send(.demand(ChunkDemand(job: job.id, index: 0, reason: .late, tried: [])), to: "n1")
        #expect(await late.heard.result(job.id, 0)?.status == .done)
    }

    /// And at another from a reload on. With the 100 ms that are the default both would fail.
    @Test func loadIsReportedAtItsInterval() async throws {
        let node = try NodeService(try key.configuration("n1", "dht_update_interval: \"600ms\""), cores: 1)
        let balancer = try await ScriptedPeer(nodes: [("n1", node.address)])
        defer { for end in [balancer.stop, node.stop] { end() } }
        func reports() -> Int { balancer.heard.all.count { if case .load = $0.message { true } else { false } } }
        #expect(await eventually { reports() >= 2 })
        let (begin, first) = (ContinuousClock.now, reports())
        #expect(await eventually { reports() >= first + 3 })
        #expect(ContinuousClock.now - begin > .milliseconds(1200))
        try node.reload(try key.configuration("n1", "dht_update_interval: \"20ms\""))
        let (again, second) = (ContinuousClock.now, reports())
        #expect(await eventually { reports() >= second + 50 })
        #expect(ContinuousClock.now - again < .seconds(4))
    }

    @Test func aReportSaysHowTheNodeIs() async throws {
        let node = try NodeService(try key.configuration("n1", "priority_queue_size: 9, workers: 3,"), cores: 1)
        let balancer = try await ScriptedPeer(nodes: [("n1", node.address)])
        defer { for end in [balancer.stop, node.stop] { end() } }
        let job = TestJob([testBytes(4000)])
        balancer.send(job.chunk(0, to: "n2"), to: "n1")
        #expect(await eventually { balancer.heard.lastLoad?.types.count == 1 })
        let report = try #require(balancer.heard.lastLoad)
        #expect(report.workers == 3 && report.queueSize == 9 && report.credit == 9 && report.waiting == 0)
        #expect(report.memory > 0 && report.memory <= 1000 && report.processor <= 1000)
        #expect(report.types.first?.requestType == "default")
    }

    @Test func aProcessorThatTheProgramBringsIsUsed() async throws {
        struct Reverse: ChunkProcessor {
            func process(_ chunk: ChunkWork, _ limit: WorkLimit) throws(ProcessorError) -> [UInt8] {
                [UInt8(chunk.index), UInt8(chunk.terms.total)] + chunk.payload.reversed()
            }
        }
        let configuration = try NodeConfiguration.parse(
            text: """
                {
                    name: "n1", links: {address: "127.0.0.1", key_file: "\(key.path)"},
                    request_types: {default: {processor: "reverse"}},
                }
                """, file: "test", linked: ["reverse"])
        var own = configuration
        own.links.port = 0
        let node = try NodeService(own, linked: ["reverse": Reverse()], cores: 1)
        let balancer = try await ScriptedPeer(nodes: [("n1", node.address)])
        let other = try await ScriptedPeer("n2", role: .node, nodes: [("n1", node.address)])
        defer { for end in [other.stop, balancer.stop, node.stop] { end() } }
        let job = TestJob([[1], [2, 3, 4], [5]])
        balancer.send(job.chunk(1, to: "n2"), to: "n1")
        #expect(await other.heard.result(job.id, 1)?.payload == [1, 3, 4, 3, 2])
    }

    @Test func drainingFinishesWhatIsThereAndTakesNothingNew() async throws {
        let (node, gate) = try gated("request_types: {default: {processor: \"gate\", time_limit: \"60s\"}}")
        let balancer = try await ScriptedPeer(nodes: [("n1", node.address)])
        let other = try await ScriptedPeer("n2", role: .node, nodes: [("n1", node.address)])
        defer { for end in [other.stop, balancer.stop] { end() } }
        let job = TestJob([[1], [2], [3]])
        for index in 0..<2 { balancer.send(job.chunk(index, to: "n2"), to: "n1") }
        #expect(await eventually { sample(node.metrics, "anabranch_node_queue_waiting{kind=\"chunk\"}") == 1 })
        #expect(node.isReady && !node.isIdle)
        node.drain()
        #expect(await eventually { !node.isReady })
        balancer.send(job.chunk(2, to: "n2"), to: "n1")
        #expect(await balancer.heard.result(job.id, 2)?.status == .refused)
        #expect(await eventually { balancer.heard.lastLoad?.credit == 0 })
        #expect(!node.isIdle)
        gate.open()
        #expect(await eventually { node.isIdle })
        #expect(await eventually { other.heard.results(job.id).map(\.status) == [.done, .done] })
        node.stop()
    }

    @Test func aReloadChangesTypesForNewWorkAlone() async throws {
        let node = try NodeService(try key.configuration("n1"), cores: 1)
        let balancer = try await ScriptedPeer(nodes: [("n1", node.address)])
        let other = try await ScriptedPeer("n2", role: .node, nodes: [("n1", node.address)])
        defer { for end in [other.stop, balancer.stop, node.stop] { end() } }
        try node.reload(
            try key.configuration(
                "n1",
                "request_types: {default: {processor: \"crc32\"}}, priority_queue_size: 5, dht_update_interval: \"20ms\""
            ))
        #expect(await eventually { sample(node.metrics, "anabranch_node_queue_size") == 5 })
        let job = TestJob([Array("123456789".utf8)])
        balancer.send(job.chunk(0, to: "n2"), to: "n1")
        #expect(await other.heard.result(job.id, 0)?.payload == [0xCB, 0xF4, 0x39, 0x26])
    }

    @Test func aBadKeyFileOrAddressIsSaid() throws {
        var configuration = try key.configuration("n1")
        configuration.links.keyFile = "/nonexistent/key"
        #expect(throws: NodeError.self) { try NodeService(configuration, cores: 1) }
        let node = try NodeService(try key.configuration("n1"), cores: 1)
        defer { node.stop() }
        var second = try key.configuration("n2")
        second.links.port = node.address.port
        #expect(throws: NodeError.self) { try NodeService(second, cores: 1) }
    }
}
