import ChunkProcessing
import Configuration
import Foundation
import NodeLinks
import Splitting
import Synchronization
import Testing
import Wire

@testable import Node

/// Nodes that know each other.
func startNodes(_ configurations: [NodeConfiguration], linked: [String: any ChunkProcessor] = [:]) throws
    -> [NodeService]
{
    var services: [NodeService] = []
    for configuration in configurations {
        services.append(try NodeService(configuration, linked: linked, cores: 1))
    }
    // Each learns of the others once all have an address.
    for (service, configuration) in zip(services, configurations) {
        var whole = configuration
        for (other, otherConfiguration) in zip(services, configurations) where otherConfiguration.name != whole.name {
            whole.nodes.append(NodePeerConfiguration(name: otherConfiguration.name, address: other.address))
        }
        try service.reload(whole)
    }
    return services
}

@Suite(.serialized) struct WholeJobTests {
    private let key: KeyFile

    init() throws { key = try KeyFile() }

    private func nodes(_ names: [String], _ keys: String = "") throws -> [NodeService] {
        try startNodes(try names.map { try key.configuration($0, keys) })
    }

    private func places(_ nodes: [NodeService], _ names: [String]) -> [(name: String, address: Endpoint)] {
        zip(names, nodes).map { ($0, $1.address) }
    }

    @Test(arguments: ChecksumAlgorithm.allCases)
    func theAnswerOfManyJobsIsByteExact(_ checksums: ChecksumAlgorithm) async throws {
        let names = ["n1", "n2"]
        let nodes = try nodes(names)
        let balancer = try await ScriptedPeer(nodes: places(nodes, names))
        defer { for end in [balancer.stop] + nodes.map({ $0.stop }) { end() } }
        var jobs: [TestJob] = []
        for number in 0..<50 {
            let job = TestJob(
                (0..<(1 + number % 7)).map { testBytes(1 + 997 * $0 * number % 16_000, seed: UInt64($0 + number)) },
                checksums: checksums)
            jobs.append(job)
            let reassembly = names[number % 2]
            let chunks = job.parts.indices.map { (names[$0 % 2], job.chunk($0, to: reassembly)) }
            let holders = job.parts.indices.map { [names[$0 % 2]] }
            // The opening may come before or after the chunks' results.
            if number % 3 != 0 { balancer.send(job.opening(holders), to: reassembly) }
            for (node, chunk) in chunks.reversed() { balancer.send(chunk, to: node) }
            if number % 3 == 0 { balancer.send(job.opening(holders), to: reassembly) }
        }
        for job in jobs {
            let answer = try #require(await balancer.heard.answer(job.id))
            #expect(answer.status == .done && answer.payload == job.parts.flatMap { $0 })
            #expect(job.terms.checksums.verifies(answer.checksum, of: answer.payload))
            #expect(answer.chunks.count == job.parts.count)
        }
        for job in jobs { #expect(balancer.heard.answers(job.id).count == 1) }
    }

    @Test func theResultsAreJoinedAsTheTypeOrTheLoadBalancerSays() async throws {
        let types = "request_types: {t: {processor: \"identity\", aggregation: \"crc32\"}}"
        let nodes = try nodes(["n1"], types)
        let balancer = try await ScriptedPeer(nodes: places(nodes, ["n1"]))
        defer { for end in [balancer.stop, nodes[0].stop] { end() } }
        let parts = [Array("1234".utf8), Array("56789".utf8)]
        let (byType, byBalancer, wrong) = (TestJob(parts), TestJob(parts), TestJob(parts))
        for (job, joiner) in [(byType, nil), (byBalancer, "sha256"), (wrong, "nobody")] {
            balancer.send(job.opening([["n1"], ["n1"]], aggregation: joiner), to: "n1")
            balancer.send([job.chunk(1, to: "n1"), job.chunk(0, to: "n1")], to: "n1")
        }
        #expect(await balancer.heard.answer(byType.id)?.payload == [0xCB, 0xF4, 0x39, 0x26])
        let digest = await balancer.heard.answer(byBalancer.id)?.payload
        #expect(digest?.count == 32 && digest?.prefix(4) == [0x15, 0xE2, 0xB0, 0xD3])
        #expect(await balancer.heard.answer(wrong.id)?.status == .failed)
    }

    /// Both nodes work on each chunk; each result counts once.
    @Test func resultsThatComeTwiceCountOnce() async throws {
        let names = ["n1", "n2"]
        let nodes = try nodes(names)
        let balancer = try await ScriptedPeer(nodes: places(nodes, names))
        defer { for end in [balancer.stop] + nodes.map({ $0.stop }) { end() } }
        let job = TestJob((0..<4).map { testBytes(3000, seed: UInt64($0)) })
        balancer.send(job.opening(Array(repeating: names, count: 4), replication: .parallel), to: "n1")
        for index in 0..<4 {
            for (replica, name) in names.enumerated() {
                balancer.send(job.chunk(index, to: "n1", replica: UInt8(replica)), to: name)
                balancer.send(job.chunk(index, to: "n1", replica: UInt8(replica)), to: name)
            }
        }
        let answer = try #require(await balancer.heard.answer(job.id))
        #expect(answer.status == .done && answer.payload == job.parts.flatMap { $0 })
        let duplicates = "anabranch_node_reassembly_results_total{what=\"duplicate\"}"
        #expect(await eventually { (sample(nodes[0].metrics, duplicates) ?? 0) >= 4 })
        #expect(balancer.heard.answers(job.id).count == 1)
    }

    /// One node dies with its chunks; the copies that the other keeps are asked for.
    @Test func theCopyOfADyingNodesChunkIsWorkedOn() async throws {
        let names = ["n1", "n2"]
        let slow = """
            processors: {slow: {kind: "delay", per_chunk: "20s"}},
            request_types: {default: {processor: "slow", time_limit: "60s"}},
            """
        let steady = try NodeService(try key.configuration("n1"), cores: 1)
        // The dying node never answers: its processor takes longer than the test.
        let dying = try NodeService(try key.configuration("n2", slow), cores: 1)
        let balancer = try await ScriptedPeer(nodes: places([steady, dying], names))
        defer { for end in [balancer.stop, steady.stop] { end() } }
        let job = TestJob((0..<4).map { testBytes(2000, seed: UInt64($0)) })
        balancer.send(
            job.opening((0..<4).map { $0 % 2 == 0 ? ["n1", "n2"] : ["n2", "n1"] }, retryAfter: .milliseconds(300)),
            to: "n1")
        for index in 0..<4 {
            balancer.send(job.chunk(index, to: "n1", standby: index % 2 == 1), to: "n1")
            balancer.send(job.chunk(index, to: "n1", standby: index % 2 == 0), to: "n2")
        }
        let answer = try #require(await balancer.heard.answer(job.id))
        #expect(answer.status == .done && answer.payload == job.parts.flatMap { $0 })
        #expect(answer.chunks.map(\.node) == ["n1", "n1", "n1", "n1"])
        #expect((sample(steady.metrics, "anabranch_node_demands_total{reason=\"late\"}") ?? 0) >= 2)
        balancer.send(.settled(job.id), to: "n2")
        dying.stop()
    }

    /// Without a copy the load balancer is asked to find another node, within the retries.
    @Test func theLoadBalancerIsAskedForAnotherNode() async throws {
        let nodes = try nodes(["n1"])
        let balancer = try await ScriptedPeer(nodes: places(nodes, ["n1"]))
        defer { for end in [balancer.stop, nodes[0].stop] { end() } }
        let job = TestJob([testBytes(100), testBytes(200)])
        balancer.send(job.opening([["n1"], ["gone"]], retryAfter: .milliseconds(300)), to: "n1")
        balancer.send(job.chunk(0, to: "n1"), to: "n1")
        let demand = await balancer.heard.first { _, message -> ChunkDemand? in
            if case .demand(let demand) = message, demand.job == job.id { demand } else { nil }
        }
        #expect(demand?.index == 1 && demand?.tried.contains("gone") == true)
        balancer.send(job.chunk(1, to: "n1"), to: "n1")
        #expect(await balancer.heard.answer(job.id)?.payload == job.parts[0] + job.parts[1])
    }

    /// Another node takes over, and the load balancer names it to the holders: the results are sent, not made again.
    @Test func anotherReassemblyNodeTakesOverWithTheKeptResults() async throws {
        let names = ["n1", "n2", "n3"]
        let nodes = try nodes(names)
        let balancer = try await ScriptedPeer(nodes: places(nodes, names))
        defer { for end in [balancer.stop] + nodes.dropFirst().map({ $0.stop }) { end() } }
        let job = TestJob((0..<4).map { testBytes(1500, seed: UInt64($0)) })
        let holders = (0..<4).map { [names[1 + $0 % 2]] }
        for index in 0..<4 { balancer.send(job.chunk(index, to: "n1"), to: holders[index][0]) }
        let done = "anabranch_node_results_total{status=\"done\"}"
        #expect(await eventually { sample(nodes[1].metrics, done) == 2 && sample(nodes[2].metrics, done) == 2 })
        nodes[0].stop()
        balancer.send(job.opening(holders, takeover: 1), to: "n2")
        for index in 0..<4 { balancer.send(job.chunk(index, to: "n2"), to: holders[index][0]) }
        let answer = try #require(await balancer.heard.answer(job.id))
        #expect(answer.status == .done && answer.payload == job.parts.flatMap { $0 })
        #expect(sample(nodes[1].metrics, done) == 2 && sample(nodes[2].metrics, done) == 2)
        #expect(sample(nodes[1].metrics, "anabranch_node_jobs_taken_over_total") == 1)
    }

    @Test func aJobWhoseTimeIsOverIsAnsweredSo() async throws {
        let nodes = try nodes(["n1"])
        let balancer = try await ScriptedPeer(nodes: places(nodes, ["n1"]))
        defer { for end in [balancer.stop, nodes[0].stop] { end() } }
        let job = TestJob([[1], [2]], timeLeft: .milliseconds(150))
        balancer.send(job.opening([["n1"], ["gone"]], retryAfter: .milliseconds(40), retries: 30), to: "n1")
        balancer.send(job.chunk(0, to: "n1"), to: "n1")
        #expect(await balancer.heard.answer(job.id)?.status == .expired)
        #expect(await eventually { sample(nodes[0].metrics, "anabranch_node_queue_reserved") == 0 })
    }

    @Test func anAnswerThatIsTooLongIsNotMade() async throws {
        let nodes = try nodes(["n1"], "memory: {max_answer_size: \"4KiB\"}")
        let balancer = try await ScriptedPeer(nodes: places(nodes, ["n1"]))
        defer { for end in [balancer.stop, nodes[0].stop] { end() } }
        let (short, long) = (TestJob([testBytes(2048), testBytes(2048)]), TestJob([testBytes(2048), testBytes(2049)]))
        for job in [short, long] {
            balancer.send(job.opening([["n1"], ["n1"]]), to: "n1")
            balancer.send([job.chunk(0, to: "n1"), job.chunk(1, to: "n1")], to: "n1")
        }
        #expect(await balancer.heard.answer(short.id)?.status == .done)
        #expect(await balancer.heard.answer(long.id)?.status == .tooLong)
    }

    @Test func noMoreJobsThanMayBeAreTaken() async throws {
        let nodes = try nodes(["n1"], "memory: {max_jobs: 2}")
        let balancer = try await ScriptedPeer(nodes: places(nodes, ["n1"]))
        defer { for end in [balancer.stop, nodes[0].stop] { end() } }
        let jobs = (0..<3).map { _ in TestJob([[1]]) }
        for job in jobs { balancer.send(job.opening([["gone"]], retryAfter: .seconds(10)), to: "n1") }
        #expect(await balancer.heard.answer(jobs[2].id)?.status == .refused)
        #expect(await eventually { sample(nodes[0].metrics, "anabranch_node_queue_reserved") == 2 })
        balancer.send(.settled(jobs[0].id), to: "n1")
        let next = TestJob([[7]])
        balancer.send([next.opening([["n1"]]), next.chunk(0, to: "n1")], to: "n1")
        #expect(await balancer.heard.answer(next.id)?.payload == [7])
    }

    /// The weight decides how many jobs are joined before a chunk has its turn: one worker, joins that take their time.
    @Test(arguments: [(1, 1), (4, 4), (1, 4), (4, 1)])
    func theWeightOfReassemblyJobsCounts(atFirst: Int, reloaded weight: Int) async throws {
        let (order, gate) = (Order(), Gate())
        func configuration(_ weight: Int) throws -> NodeConfiguration {
            let types = """
                request_types: {
                    block: {processor: "block", time_limit: "60s"}, join: {processor: "identity", aggregation: "order"},
                    work: {processor: "order"},
                }
                """
            return try key.configuration(
                "n1", "priority_queue_weight: \(weight), \(types)", linked: ["order", "block"])
        }
        let node = try NodeService(
            try configuration(atFirst), linked: ["order": order, "block": gate], cores: 1)
        if weight != atFirst { try node.reload(try configuration(weight)) }
        let balancer = try await ScriptedPeer(nodes: [("n1", node.address)])
        let other = try await ScriptedPeer("n2", role: .node, nodes: [("n1", node.address)])
        defer { for end in [other.stop, balancer.stop, node.stop] { end() } }
        // While the only worker is blocked, ten jobs become ready to be joined and ten chunks wait.
        let jobs = (0..<10).map { _ in TestJob([[1]], type: "join") }
        for job in jobs { balancer.send(job.opening([["n2"]], retryAfter: .seconds(15)), to: "n1") }
        let block = TestJob([[0]], type: "block")
        balancer.send(block.chunk(0, to: "n2"), to: "n1")
        #expect(await eventually { gate.count == 1 })
        for job in jobs {
            let result = ChunkResult(
                job: job.id, index: 0, replica: 0, status: .done, payload: [1],
                checksum: job.terms.checksums.checksum(of: [1]))
            other.send(.result(result), to: "n1")
        }
        let work = (0..<10).map { _ in TestJob([[2]], type: "work") }
        for job in work { balancer.send(job.chunk(0, to: "n2"), to: "n1") }
        #expect(await eventually { sample(node.metrics, "anabranch_node_queue_waiting{kind=\"reassembly\"}") == 10 })
        #expect(await eventually { sample(node.metrics, "anabranch_node_queue_waiting{kind=\"chunk\"}") == 10 })
        gate.open()
        #expect(await eventually { order.done.count == 20 })
        let firstTen = order.done.prefix(10).map { $0 ? "j" : "c" }.joined()
        #expect(firstTen == (weight == 1 ? "jcjcjcjcjc" : "jjjjcjjjjc"))
    }
}

/// Notes what it is asked to do: true for joins.
private final class Order: ChunkProcessor {
    private let calls = Mutex<[Bool]>([])
    var done: [Bool] { calls.withLock { $0 } }

    func process(_ chunk: ChunkWork, _ limit: WorkLimit) throws(ProcessorError) -> [UInt8] {
        calls.withLock { $0.append(false) }
        return chunk.payload
    }

    func join(_ results: [[UInt8]], of job: JobTerms, _ limit: WorkLimit) throws(ProcessorError) -> [UInt8] {
        calls.withLock { $0.append(true) }
        return concatenation(of: results)
    }
}
