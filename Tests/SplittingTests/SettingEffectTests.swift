import Splitting
import Testing

/// Settings of the load balancer whose effect shows only after some jobs: with one value this happens, with another not.
@Suite("Settings at work")
struct SettingEffectTests {
    /// Begins a job; nil if it is refused.
    private func begin(_ harness: DeskHarness, shards: Int) throws -> (job: JobID, opening: JobOpening, node: String)? {
        guard let job = try harness.submit(shards: shards) else { return nil }
        let opening = try #require(harness.take().openings.first)
        return (job, opening.opening, opening.node)
    }

    /// Answers a job; each chunk took so many microseconds, by the node that had it.
    private func answer(
        _ harness: DeskHarness, _ job: (job: JobID, opening: JobOpening, node: String), took: (String) -> UInt32
    ) {
        let lines = job.opening.holders.map {
            JobAnswer.ChunkTrace(node: $0[0], arrived: took($0[0]), waited: 0, worked: 1000, retries: 0)
        }
        let answer = JobAnswer(
            job: job.job, status: .done, payload: [1], checksum: testChecksum(.xxh3, [1]), chunks: lines)
        harness.now += 100_000_000
        harness.receive(.answer(answer), from: job.node)
        _ = harness.take()
    }

    /// As many jobs at once as there is credit for, then all their answers.
    private func fillAndAnswer(_ harness: DeskHarness, shards: Int, took: (String) -> UInt32) throws {
        var jobs: [(job: JobID, opening: JobOpening, node: String)] = []
        while let job = try begin(harness, shards: shards) { jobs.append(job) }
        for job in jobs { answer(harness, job, took: took) }
    }

    private func windows(_ harness: DeskHarness) -> [Double] {
        ["a", "b", "c"].compactMap { harness.desk.book.window(of: $0)?.window }
    }

    @Test(arguments: [3, 6]) func aWindowGrowsToMaxCreditAndNoFurther(most: Int) throws {
        let harness = try DeskHarness {
            $0.initialCredit = 2
            $0.maximumCredit = most
        }
        for _ in 0..<40 { try fillAndAnswer(harness, shards: 3) { _ in 1000 } }
        #expect(windows(harness).allSatisfy { $0 == Double(most) }, "\(windows(harness))")
    }

    @Test func aChunkIsHeldToNoShorterTimeThanMinTarget() throws {
        // 8 ms; three times what is usual would be 3.2 ms.
        for (target, shrinks) in [(5, true), (10, false)] {
            let harness = try DeskHarness { $0.minimumTarget = .milliseconds(target) }
            for _ in 0..<10 { try fillAndAnswer(harness, shards: 3) { _ in 8000 } }
            #expect(windows(harness).allSatisfy { ($0 < 16) == shrinks }, "\(target) ms: \(windows(harness))")
        }
    }

    @Test func aChunkMayTakeTargetFactorTimesWhatIsUsual() throws {
        // Chunks need 1 ms of work, and come after 5 ms.
        for (factor, shrinks) in [(3, true), (10, false)] {
            let harness = try DeskHarness {
                $0.targetFactor = factor
                $0.minimumTarget = .microseconds(100)
            }
            for _ in 0..<40 { try fillAndAnswer(harness, shards: 3) { _ in 5000 } }
            #expect(windows(harness).allSatisfy { ($0 < 2) == shrinks }, "factor \(factor): \(windows(harness))")
        }
    }

    @Test func aNodeIsPassedOverAboveSlowFactor() throws {
        // Six times what the others take.
        for (factor, isPassedOver) in [(4, true), (10, false)] {
            let harness = try DeskHarness { $0.slowFactor = factor }
            for _ in 0..<30 where harness.desk.book.slowness(of: "b")?.isPassedOver == false {
                let job = try #require(try begin(harness, shards: 3))
                answer(harness, job) { $0 == "b" ? 60_000 : 10_000 }
            }
            let slowness = try #require(harness.desk.book.slowness(of: "b"))
            #expect(slowness.isPassedOver == isPassedOver, "factor \(factor): \(slowness)")
        }
    }

    @Test func payloadsBeyondMaxJobBytesAreRefused() throws {
        for (most, jobs) in [(65_535, 1), (90_000, 2)] {
            let harness = try DeskHarness { $0.maximumJobBytes = most }
            for _ in 0..<jobs { #expect(harness.submit(40_000) != nil) }
            #expect(harness.submit(40_000) == nil)
            #expect(harness.desk.counters.refusals == [.bytes: 1])
        }
    }

    @Test(arguments: ReplicationMode.allCases) func onlyHedgingAsksBeforeAChunkIsLate(mode: ReplicationMode) throws {
        let harness = try DeskHarness {
            $0.replication = mode
            $0.replicationFactor = 2
        }
        for _ in 0..<10 { try answer(harness, #require(try begin(harness, shards: 3))) { _ in 900 } }
        #expect(harness.desk.history(of: "cut")?.hedgeAfter != nil)
        let opening = try #require(try begin(harness, shards: 3)).opening
        #expect((opening.hedgeAfter > 0) == (mode == .hedged))
        #expect(opening.replication == mode)
    }

    @Test(arguments: ChecksumAlgorithm.allCases)
    func chunksAndAnswersAreCheckedByTheAlgorithmThatIsSet(algorithm: ChecksumAlgorithm) throws {
        let harness = try DeskHarness { $0.checksums = algorithm }
        let job = try #require(harness.submit())
        let sent = harness.take()
        let opening = try #require(sent.openings.first)
        #expect(opening.opening.terms.checksums == algorithm && sent.chunks.count == 2)
        #expect(sent.chunks.allSatisfy { testChecksum(algorithm, $0.chunk.payload) == $0.chunk.checksum })
        func answer(_ used: ChecksumAlgorithm) {
            let answer = JobAnswer(job: job, status: .done, payload: [7, 8], checksum: testChecksum(used, [7, 8]))
            harness.receive(.answer(answer), from: opening.node)
        }
        for other in ChecksumAlgorithm.allCases where other != algorithm { answer(other) }
        #expect(harness.ends.isEmpty && harness.desk.counters.damagedAnswers == 2)
        answer(algorithm)
        #expect(harness.ends.map(\.answer) == [[[7, 8]]])
    }

    @Test(arguments: ChecksumAlgorithm.allCases)
    func resultsAreCheckedAndAnswersSignedAsTheJobSays(algorithm: ChecksumAlgorithm) throws {
        let harness = try ReassemblyHarness()
        harness.open([["a"]]) { $0.terms.checksums = algorithm }
        func result(_ used: ChecksumAlgorithm) {
            let result = ChunkResult(
                job: harness.job, index: 0, replica: 0, status: .done, payload: [9], checksum: testChecksum(used, [9]))
            harness.receive(.result(result), from: "a")
        }
        for other in ChecksumAlgorithm.allCases where other != algorithm { result(other) }
        #expect(harness.answers.isEmpty && harness.desk.counters.damaged == 2)
        result(algorithm)
        #expect(harness.answers.map(\.checksum) == [testChecksum(algorithm, [9])])
    }
}
