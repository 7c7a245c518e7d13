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
        // Results for which the send queue has no room yet: this thread may read chunks faster than it sends results.
        var waiting: [ChunkResult] = []
        func flush(_ back: NodeLink) {
            while let result = waiting.first, back.send(.result(result)) == .queued { waiting.removeFirst() }
        }
        bench.onMessage = { back, message in
            guard case .chunk(let got) = message, got == chunk(arrived) else { return damaged += 1 }
            arrived += 1
            let result = ChunkResult(
                job: got.terms.job, index: got.index, replica: 0, status: .done, payload: got.payload.reversed(),
                checksum: got.checksum)
            waiting.append(result)
            back.onRoom = { flush($0) }
            flush(back)
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

    @Test func aLostLinkComesBackWhenThePeerDoes() throws {
        let loop = try EventLoop()
        var first: LinkBench? = try LinkBench(limits: shortLimits(), loop: loop)
        let address = try #require(first?.listener.address)
        let context = try first!.balancer(limits: shortLimits())
        let link = try first!.link(context)
        #expect(first!.turn { link.isUp })
        first?.listener.close()
        #expect(first!.turn { !link.isUp })
        #expect(link.send(.probe(1)) == .notUp)
        first!.turn(for: .milliseconds(200))
        first = nil
        let second = try LinkBench(limits: shortLimits(), loop: loop, at: address)
        #expect(second.turn(for: .seconds(5)) { link.isUp })
        #expect(link.statistics.reconnects == 1)
        link.send(.settled(JobID(origin: 1, number: 2)))
        #expect(second.turn { second.received == [.settled(JobID(origin: 1, number: 2))] })
        link.close()
        #expect(link.state == .closed(.closed))
    }

    @Test func nothingIsAskedOftenWhileNobodyListens() throws {
        let bench = try LinkBench()
        var limits = shortLimits()
        limits.firstPause = .milliseconds(20)
        limits.longestPause = .milliseconds(100)
        bench.listener.close()
        let link = try bench.link(bench.balancer(limits: limits))
        var attempts = 0
        link.onChange = { if $0.state == .connecting { attempts += 1 } }
        bench.turn(for: .milliseconds(600))
        // 20 + 40 + 80 + 100 …, each at least half: between 6 and 14 in 600 ms.
        #expect((4...16).contains(attempts))
        link.close()
    }

    @Test func aFullQueueRefusesAndSaysWhenThereIsRoom() throws {
        var limits = LinkLimits()
        limits.sendQueue = 100_000
        let bench = try LinkBench()
        let link = try bench.link(bench.balancer(limits: limits))
        #expect(bench.turn { link.isUp })
        var room = 0
        link.onRoom = { _ in room += 1 }
        var sent = 0
        // Nothing goes out between two turns of the loop.
        while link.send(.chunk(chunk(sent))) == .queued { sent += 1 }
        #expect(sent == 12)
        #expect(link.queued <= 100_000)
        #expect(room == 0)
        #expect(bench.turn { room == 1 && bench.received.count == 12 })
        #expect(link.statistics.framesRefused == 1)
        // A frame that alone is longer than the bound goes when nothing else waits.
        let long = LinkMessage.result(
            ChunkResult(
                job: JobID(origin: 1, number: 1), index: 0, replica: 0, status: .done,
                payload: [UInt8](repeating: 7, count: 1 << 20)))
        #expect(link.send(long) == .queued)
        #expect(link.send(.probe(1)) == .full)
        #expect(bench.turn { bench.received.last == long })
    }

    @Test func aLinkThatIsFinishedDeliversWhatWaits() throws {
        let bench = try LinkBench()
        let link = try bench.link()
        #expect(bench.turn { link.isUp })
        for number in 0..<500 { #expect(link.send(.chunk(chunk(number))) == .queued) }
        link.finish()
        #expect(link.send(.probe(1)) == .notUp)
        #expect(bench.turn { bench.received.count == 500 })
        #expect(bench.turn { link.state == .closed(.closed) || link.state == .closed(.closedByPeer) })
        #expect(bench.turn { bench.accepted[0].state == .closed(.closedByPeer) })
    }

    @Test func aQuietLinkIsProbedAndStays() throws {
        let bench = try LinkBench(limits: shortLimits())
        let link = try bench.link(bench.balancer(limits: shortLimits()))
        #expect(bench.turn { link.isUp })
        bench.turn(for: .milliseconds(800))
        #expect(link.isUp)
        #expect(link.statistics.probeRoundTrip > 0)
        #expect(bench.received.isEmpty)
        let conditions = try #require(link.conditions)
        #expect(conditions.roundTrip > 0)
        #expect(conditions.retransmits == 0)
    }

    /// The peer answers every other message: its kernel would keep the acknowledgements of the rest back for 40 ms.
    @Test func theRoundTripIsThatOfTheNetworkThoughNotAllIsAnswered() throws {
        let bench = try LinkBench()
        let link = try bench.link()
        #expect(bench.turn { link.isUp })
        var taken = 0
        bench.onMessage = { back, message in
            taken += 1
            if taken % 2 == 0 { back.send(message) }
        }
        var roundTrips: [UInt32] = []
        for number in 0..<48 {
            link.send(.settled(JobID(origin: 1, number: UInt64(number))))
            bench.turn(for: .milliseconds(50))
            roundTrips.append(try #require(link.conditions).roundTrip)
        }
        // The least of many: others have the machine at times.
        let least = roundTrips.suffix(16).min() ?? 0
        #expect((1..<5_000).contains(least), "\(roundTrips)")
    }

    /// The rate of a handshake, or of a link that had little to carry, is no measure of the network.
    @Test func aRateSaysWhetherThereWasEnoughToSend() throws {
        let bench = try LinkBench()
        let link = try bench.link()
        #expect(bench.turn { link.isUp })
        #expect(try #require(link.conditions).isApplicationLimited)
        // More than the kernel takes at once, all the time: then it is the network, or the peer, that bounds the rate.
        bench.onMessage = { _, _ in }
        var wasFull = false
        #expect(
            bench.turn(for: .seconds(10)) {
                while link.queued < 8 << 20, link.send(.chunk(chunk(0, length: 65_535))) == .queued {}
                if link.conditions?.isApplicationLimited == false { wasFull = true }
                return wasFull
            })
    }

    @Test func whatDoesNotFitTheFormatIsGivenBack() throws {
        let bench = try LinkBench()
        let link = try bench.link()
        #expect(bench.turn { link.isUp })
        guard case .invalid = link.send(.chunk(chunk(0, length: 65_536, total: 1))) else {
            Issue.record("a chunk of 65,536 bytes was taken")
            return
        }
        #expect(link.isUp)
    }

    @Test func framesPerSecondOverLoopback() throws {
        let bench = try LinkBench()
        let link = try bench.link()
        #expect(bench.turn { link.isUp })
        let message = LinkMessage.chunk(chunk(1))
        let count = 20_000
        var arrived = 0
        bench.onMessage = { _, _ in arrived += 1 }
        let began = ContinuousClock.now
        var sent = 0
        #expect(
            bench.turn(for: .seconds(60)) {
                while sent < count, link.queued < 1 << 20, link.send(message) == .queued { sent += 1 }
                return arrived == count
            })
        let seconds = Double((ContinuousClock.now - began) / .nanoseconds(1)) / 1e9
        let frames = Double(count) / seconds
        print(
            "links: \(Int(frames)) frames/s, \(Int(frames * 8192 / 1e6)) MB/s of 8 KB chunks, both ends in one thread")
    }
}
