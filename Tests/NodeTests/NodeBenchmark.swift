import Configuration
import Foundation
import NodeLinks
import Splitting
import Testing
import Wire

@testable import Node

/// What one node does in a second over loopback. Printed, not asserted: run it alone, optimised, on a quiet machine with
/// `ANABRANCH_BENCH=1 swift test -c release --filter NodeBenchmark`.
@Suite(.enabled(if: unsafe getenv("ANABRANCH_BENCH") != nil))
struct NodeBenchmark {
    /// Chunks of one size from a load balancer to a node, results to another peer, at most 256 under way.
    @Test(arguments: [1024, 16_384]) func identityChunks(size: Int) async throws {
        let key = try KeyFile()
        let node = try NodeService(try key.configuration("n1"), cores: 1)
        let balancer = try await ScriptedPeer(nodes: [("n1", node.address)])
        let other = try await ScriptedPeer("n2", role: .node, nodes: [("n1", node.address)])
        defer { for end in [other.stop, balancer.stop, node.stop] { end() } }
        let (jobs, window) = (20_000, 256)
        let all = (0..<jobs).map { _ in TestJob([testBytes(16)]) }
        let payload = testBytes(size)
        let checksum = ChecksumAlgorithm.xxh3.checksum(of: payload)
        let begin = ContinuousClock.now
        for (number, job) in all.enumerated() {
            while number - other.heard.count >= window { try await Task.sleep(for: .microseconds(200)) }
            balancer.send(
                .chunk(
                    Chunk(
                        terms: job.terms, index: 0, replica: 0, standby: false, reassembly: "n2", payload: payload,
                        checksum: checksum)), to: "n1")
            if number >= window { balancer.send(.settled(all[number - window].id), to: "n1") }
        }
        while other.heard.count < jobs { try await Task.sleep(for: .microseconds(200)) }
        let took = ContinuousClock.now - begin
        let seconds = Double(took.components.seconds) + Double(took.components.attoseconds) / 1e18
        print("identity, chunks of \(size) bytes: \(Int(Double(jobs) / seconds)) chunks/s through one node")
    }

    /// Jobs of one chunk of 8 KB that the node works on and reassembles, one after the other.
    @Test func oneJobAfterTheOther() async throws {
        let key = try KeyFile()
        let node = try NodeService(try key.configuration("n1"), cores: 1)
        let balancer = try await ScriptedPeer(nodes: [("n1", node.address)])
        defer { for end in [balancer.stop, node.stop] { end() } }
        var times: [Duration] = []
        for number in 0..<2000 {
            let job = TestJob([testBytes(8192)])
            let begin = ContinuousClock.now
            balancer.send([job.opening([["n1"]]), job.chunk(0, to: "n1")], to: "n1")
            while balancer.heard.answerCount <= number { await Task.yield() }
            times.append(ContinuousClock.now - begin)
            balancer.send(.settled(job.id), to: "n1")
        }
        times.sort()
        print("a job of 8 KB, opening to answer: p50 \(times[1000]), p99 \(times[1980])")
    }
}
