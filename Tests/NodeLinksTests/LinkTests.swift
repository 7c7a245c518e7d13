import NodeLinks
import Splitting
import Testing
import Wire

@Suite("Links between load balancers and nodes", .serialized)
struct LinkTests {
    @Test func bothSidesComeUpAndKnowEachOther() throws {
        let bench = try LinkBench()
        let link = try bench.link()
        #expect(bench.turn { link.isUp && bench.listener.links.count == 1 })
        #expect(link.peer == nodePeer)
        #expect(bench.accepted.first?.peer == balancerPeer)
        #expect(bench.nodeContext.refusals.total == 0)
        link.close()
        #expect(bench.turn { bench.listener.links.isEmpty })
    }

    @Test func tenThousandChunksArriveWholeAndInOrderBothWays() throws {
        let bench = try LinkBench()
        let link = try bench.link()
        #expect(bench.turn { link.isUp })
        var (arrived, returned, damaged) = (0, 0, 0)
        bench.onMessage = { back, message in
            guard case .chunk(let got) = message, got == chunk(arrived) else { return damaged += 1 }
            arrived += 1
            let result = ChunkResult(
                job: got.terms.job, index: got.index, replica: 0, status: .done, payload: got.payload.reversed(),
                checksum: got.checksum)
            if back.send(.result(result)) != .queued { damaged += 1 }
        }
        link.onMessage = { _, message in
            guard case .result(let got) = message, got.payload.reversed() == chunk(returned).payload else {
                return damaged += 1
            }
            returned += 1
        }
        for number in 0..<10_000 {
            while link.send(.chunk(chunk(number))) == .full { bench.loop.turn(waitingAtMost: .milliseconds(5)) }
        }
        #expect(bench.turn(for: .seconds(120)) { returned == 10_000 || damaged > 0 })
        #expect(arrived == 10_000)
        #expect(damaged == 0)
        #expect(link.statistics.framesOut >= 10_000)
        #expect(link.statistics.bytesOut == bench.accepted[0].statistics.bytesIn)
    }
}
