import Selection
import Splitting
import Testing
import Wire

@Suite("What a load balancer learns of its nodes")
struct SplitDeskNodesTests {
    @Test func aReportsCreditBindsUntilTheNext() throws {
        let harness = try DeskHarness(nodes: ["a"])
        let report = LoadReport(
            processor: 0, memory: 0, workers: 1, waiting: 0, queueSize: 10, credit: 3, types: [])
        harness.receive(.load(report), from: "a")
        #expect(harness.desk.book.freeCredit(now: 0) == 3)
        #expect(harness.submit() != nil)
        #expect(harness.desk.book.freeCredit(now: 0) == 1)
        harness.receive(.load(report), from: "a")
        #expect(harness.desk.book.freeCredit(now: 0) == 3)
    }

    @Test func aNodeThatStopsReportingIsPassedOver() throws {
        for missed in [2, 8] {
            let harness = try DeskHarness {
                $0.updateInterval = .milliseconds(50)
                $0.missedUpdates = missed
            }
            harness.now = UInt64(missed) * 50_000_000 - 1
            #expect(harness.submit() != nil)
            harness.now += 2
            #expect(harness.submit() == nil)
            #expect(harness.desk.counters.refusals == [.nodes: 1])
        }
    }

    @Test func forecastLoadDecidesWhereItIsGiven() throws {
        var settings = SplittingSettings()
        settings.chunks = 2
        let names = ["a", "b", "c", "d"]
        let ring = try ShardTable.build(members: names.map { TableMember(name: $0) }, size: 251)
        for busy in names {
            var desk = SplitDesk(settings: settings, origin: 1, checksum: testChecksum) { $0 == busy ? 0.9 : 0.1 }
            for name in names { desk.linkUp(name, now: 0) }
            var actions: [SplitAction] = []
            _ = try desk.submit(ShardManagerTests.request(), ring: ring, now: 0, into: &actions)
            let used = actions.compactMap { if case .send(.chunk, let node) = $0 { node } else { nil } }
            #expect(used.count == 2 && !used.contains(busy))
        }
    }

    /// Hedging hides how slow a node is: that it is overtaken again and again is all there is to see.
    @Test func aNodeThatHedgesOvertakeIsPassedOver() throws {
        let harness = try DeskHarness {
            $0.replication = .hedged
            $0.replicationFactor = 2
        }
        func job(overtaken: Bool) throws -> JobOpening {
            harness.now += 5_000_000
            let job = try #require(harness.submit())
            let opening = try #require(harness.take().openings.first)
            let lines = opening.opening.holders.map { holders in
                let isLate = overtaken && holders[0] == "a"
                return JobAnswer.ChunkTrace(
                    node: holders[isLate ? 1 : 0], arrived: isLate ? 1200 : 800, waited: 0, worked: 700,
                    retries: isLate ? 1 : 0)
            }
            harness.receive(
                .answer(
                    JobAnswer(
                        job: job, status: .done, payload: [1], checksum: testChecksum(.xxh3, [1]), chunks: lines)),
                from: opening.node)
            return opening.opening
        }
        for _ in 0..<20 { _ = try job(overtaken: false) }
        var overtakings = 0
        for _ in 0..<20 {
            overtakings += try job(overtaken: true).holders.count { $0[0] == "a" }
        }
        #expect((1...3).contains(overtakings))
        #expect(try !job(overtaken: false).holders.contains { $0.first == "a" })
    }

    @Test func answersTeachTheHistoryAndTheWindows() throws {
        let harness = try DeskHarness {
            $0.replication = .hedged
            $0.replicationFactor = 2
            $0.initialCredit = 2
        }
        var type = RequestTypeSettings(name: "t")
        type.minimumChunkSize = 2000
        for number in 0..<15 {
            harness.now += 1_000_000
            let job = try #require(harness.submit(type: type))
            let opening = try #require(harness.take().openings.first)
            #expect((opening.opening.hedgeAfter > 0) == (number >= 10))
            let lines = opening.opening.holders.map {
                JobAnswer.ChunkTrace(node: $0[0], arrived: 800, waited: 100, worked: 500, retries: 0)
            }
            let answer = JobAnswer(
                job: job, status: .done, payload: [1], checksum: testChecksum(.xxh3, [1]), chunks: lines)
            harness.receive(.answer(answer), from: opening.node)
        }
        let history = try #require(harness.desk.history(of: "t"))
        #expect(abs((history.expectedWork(bytes: 2000) ?? 0) - 500_000) < 1)
        #expect((800...860).contains(history.hedgeAfter ?? 0))
        #expect(harness.desk.counters.chunkTime.count == 30)
        #expect(harness.desk.counters.waitingTime.sum == 3000)
        #expect(harness.desk.counters.retriesPerChunk[0] == 30)
        let windows = ["a", "b", "c"].compactMap { harness.desk.book.window(of: $0) }
        #expect(windows.contains { $0.window > 2 })
        #expect(windows.allSatisfy { $0.inFlight == 0 })
        let entries = try #require(harness.desk.traces.last).entries
        #expect(entries.map(\.microseconds) == entries.map(\.microseconds).sorted())
        #expect(entries.contains { if case .arrived(0, _, 100, 500, 0) = $0.event { true } else { false } })
    }

    @Test func aNodeWhoseChunksWereTakenFromAnotherLosesCredit() throws {
        let harness = try DeskHarness()
        let job = try #require(harness.submit())
        let opening = try #require(harness.take().openings.first)
        let late = opening.opening.holders[0][0]
        let lines = opening.opening.holders.enumerated().map { index, nodes in
            JobAnswer.ChunkTrace(
                node: index == 0 ? "elsewhere" : nodes[0], arrived: 800, waited: 0, worked: 500,
                retries: index == 0 ? 1 : 0)
        }
        let answer = JobAnswer(
            job: job, status: .done, payload: [1], checksum: testChecksum(.xxh3, [1]), chunks: lines)
        harness.receive(.answer(answer), from: opening.node)
        #expect(harness.desk.book.window(of: late)?.window == 8)
        #expect(harness.desk.counters.retries == 1)
    }

    @Test func aLostReassemblyNodeDoesNotUseUpTheOthersCredit() throws {
        let harness = try DeskHarness {
            $0.retryTimeout = .milliseconds(10)
            $0.initialCredit = 4
        }
        for _ in 0..<4 { _ = try #require(harness.submit()) }
        let before = harness.desk.book.freeCredit(now: harness.now)
        #expect(before == 4)
        harness.now = 9_999_999
        harness.tick()
        #expect(harness.desk.book.freeCredit(now: harness.now) == before)
        harness.now = 10_000_000
        harness.tick()
        #expect(harness.desk.book.freeCredit(now: harness.now) == 12)
        #expect(harness.desk.jobCount == 4)
        harness.perform { $0.stop(now: $1, into: &$2) }
        #expect(harness.desk.book.freeCredit(now: harness.now) == 12)
    }
}
