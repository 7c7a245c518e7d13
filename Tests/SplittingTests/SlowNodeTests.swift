import Selection
import Splitting
import Testing

/// How nodes that become slow are noticed, and come back.
@Suite("Slow nodes")
struct SlowNodeTests {
    private static let second: UInt64 = 1_000_000_000

    /// A job 20 ms after what was before, answered at once: its chunks took so many microseconds, by the node.
    ///
    /// - Returns: the chunks that were sent as it began.
    @discardableResult private func job(
        _ harness: DeskHarness, shards: Int = 2, answerAfter: UInt64 = 0, took: (String) -> UInt32 = { _ in 2_000 }
    ) throws -> [(chunk: Chunk, node: String)] {
        harness.now += 20_000_000
        let job = try #require(try harness.submit(shards: shards))
        let sent = harness.take()
        let opening = try #require(sent.openings.first)
        let lines = opening.opening.holders.map {
            JobAnswer.ChunkTrace(node: $0[0], arrived: took($0[0]), waited: 0, worked: took($0[0]), retries: 0)
        }
        let answer = JobAnswer(
            job: job, status: .done, payload: [1], checksum: testChecksum(.xxh3, [1]), chunks: lines)
        harness.now += answerAfter
        harness.receive(.answer(answer), from: opening.node)
        _ = harness.take()
        return sent.chunks
    }

    /// A desk with three nodes of which "a" is passed over: it took nine times what the others took.
    private func deskWithSlowNode() throws -> DeskHarness {
        let harness = try DeskHarness()
        for _ in 0..<60 where slowness(harness)?.isPassedOver == false {
            try job(harness, shards: 3) { $0 == "a" ? 18_000 : 2_000 }
        }
        #expect(slowness(harness)?.isPassedOver == true)
        #expect(harness.desk.counters.trials == 0)
        return harness
    }

    private func slowness(_ harness: DeskHarness) -> Slowness? { harness.desk.book.slowness(of: "a") }

    /// The next job's chunk for "a", if it gets one.
    private func trial(_ harness: DeskHarness) throws -> Chunk? {
        let sent = try job(harness).filter { $0.node == "a" }
        #expect(sent.count <= 1)
        return sent.first?.chunk
    }

    private func result(_ chunk: Chunk, _ status: ChunkResult.Status = .done) -> LinkMessage {
        .result(
            ChunkResult(
                job: chunk.terms.job, index: chunk.index, replica: 0, status: status, payload: [1],
                checksum: testChecksum(.xxh3, [1])))
    }

    @Test func aNodeIsTriedWithACopyThatNobodyWaitsFor() throws {
        let harness = try deskWithSlowNode()
        let due = try #require(slowness(harness)).trialDue
        while harness.now + 20_000_000 < due { #expect(try trial(harness) == nil) }
        let sent = try job(harness)
        let copy = try #require(sent.first { $0.node == "a" }).chunk
        let first = try #require(sent.first { $0.node != "a" && $0.chunk.index == 0 }).chunk
        #expect(copy.reassembly == "" && !copy.standby)
        #expect(copy.payload == first.payload && copy.checksum == first.checksum)
        #expect(copy.terms.total == first.terms.total && copy.terms.requestType == first.terms.requestType)
        #expect(copy.terms.job != first.terms.job)
        #expect(sent.count == first.terms.total + 1)
        #expect(harness.desk.counters.trials == 1)
        #expect(harness.desk.book.window(of: "a")?.inFlight == 1)
        // One at a time.
        #expect(try trial(harness) == nil)
    }

    @Test func whatATrialTookDecides() throws {
        let harness = try deskWithSlowNode()
        // The bound is 4 × 2 ms, and a trial is given up after twice as long.
        for (took, isSlow) in [(9_000_000, true), (12_000_000, true), (3_000_000, false)] as [(UInt64, Bool)] {
            harness.now = max(harness.now, try #require(slowness(harness)).trialDue)
            let copy = try #require(try trial(harness))
            harness.now += took
            // It counts from the node that was tried only.
            let strays = harness.desk.counters.strayMessages
            harness.receive(result(copy), from: "b")
            #expect(harness.desk.counters.strayMessages == strays + 1)
            #expect(slowness(harness)?.isPassedOver == true)
            harness.receive(result(copy), from: "a")
            #expect(harness.take().settled == ["a"])
            #expect(slowness(harness)?.isPassedOver == isSlow)
            #expect(harness.desk.book.window(of: "a")?.inFlight == 0)
        }
        #expect(try job(harness).contains { $0.node == "a" && $0.chunk.reassembly != "" })
        #expect(harness.desk.counters.trials == 3)
    }

    @Test func aTrialThatDoesNotComeBackWasSlow() throws {
        let harness = try deskWithSlowNode()
        harness.now += 2 * Self.second
        let copy = try #require(try trial(harness))
        harness.now += UInt64(copy.terms.timeLeft) * 1000
        #expect(try trial(harness) == nil)
        #expect(slowness(harness)?.isPassedOver == true)
        #expect(slowness(harness)?.trialDue == harness.now + 2 * Self.second)
        // What comes after all this time is a stray.
        harness.receive(result(copy), from: "a")
        #expect(harness.desk.counters.strayMessages == 1)
        #expect(harness.desk.book.window(of: "a")?.inFlight == 0)
    }

    @Test func aTrialThatTaughtNothingIsRepeatedAfterASecond() throws {
        let endings: [(DeskHarness, Chunk) -> Void] = [
            { $0.receive(result($1, .refused), from: "a") },
            { harness, chunk in
                harness.perform { $0.undeliverable(.chunk(chunk), to: "a", now: $1, into: &$2) }
            },
            { harness, _ in
                harness.perform { $0.linkDown("a", now: $1, into: &$2) }
                harness.desk.linkUp("a", now: harness.now)
            },
        ]
        for end in endings {
            let harness = try deskWithSlowNode()
            harness.now += 2 * Self.second
            end(harness, try #require(try trial(harness)))
            #expect(slowness(harness)?.isPassedOver == true)
            #expect(slowness(harness)?.trialDue == harness.now + Self.second)
            #expect(harness.desk.book.window(of: "a")?.inFlight == 0)
            harness.now += Self.second
            #expect(try trial(harness) != nil)
        }
    }

    /// While there is nobody else they work for real, and are tried all the same.
    @Test func nodesThatAreAllTooSlowAreUsed() throws {
        let alone = try deskWithSlowNode()
        for other in ["b", "c"] { alone.perform { $0.linkDown(other, now: $1, into: &$2) } }
        alone.now += Self.second
        let sent = try job(alone)
        #expect(sent.allSatisfy { $0.node == "a" } && sent.count { $0.chunk.reassembly == "a" } >= 1)
        let copy = try #require(sent.first { $0.chunk.reassembly == "" }).chunk
        alone.now += 1_000_000
        alone.receive(result(copy), from: "a")
        #expect(slowness(alone)?.isPassedOver == false)
    }

    /// A job in as many chunks as there are nodes, whose chunk at one of them does not come.
    private func overdue(
        _ harness: DeskHarness, at node: String
    ) throws -> (job: JobID, opening: JobOpening, message: LinkMessage) {
        harness.now += 20_000_000
        let job = try #require(try harness.submit(shards: harness.ring.members.count))
        let opening = try #require(harness.take().openings.first)
        let index = try #require(opening.opening.holders.firstIndex { $0[0] == node })
        harness.now += UInt64(opening.opening.overdueAfter) * 1000
        let message = LinkMessage.overdue(OverdueChunks(job: job, chunks: [.init(index: index, nodes: [node])]))
        harness.receive(message, from: opening.node)
        return (job, opening.opening, message)
    }

    /// The nodes that the next job of two chunks would be given to.
    private func next(_ harness: DeskHarness) throws -> Set<String> {
        let desk = harness.desk
        defer { harness.desk = desk }
        _ = try #require(try harness.submit(shards: 2))
        return Set(harness.take().chunks.map(\.node))
    }

    @Test func aNodeWithAnOverdueChunkIsSparedUntilTheJobIsOver() throws {
        let harness = try DeskHarness(nodes: ["a", "b", "c", "d"])
        #expect(try harness.submit(shards: 3) != nil)
        #expect(harness.take().openings.first?.opening.overdueAfter == 0)
        for _ in 0..<20 { try job(harness) }
        let usual = try next(harness)
        let late = try #require(usual.min())
        // Four times 2 ms, within the 4.5 % of a bucket.
        let first = try overdue(harness, at: late)
        #expect((8_000...8_400).contains(first.opening.overdueAfter))
        #expect(try !next(harness).contains(late))
        let trace = try #require(harness.desk.traces.first { $0.job == first.job })
        #expect(trace.entries.contains { if case .overdue(_, let nodes) = $0.event { nodes == [late] } else { false } })
        #expect(harness.desk.book.slowness(of: late)?.isPassedOver == false)
        // Said twice, or by a node that does not reassemble: nothing more.
        for node in ["a", "b", "c", "d"] { harness.receive(first.message, from: node) }
        #expect(harness.desk.counters.overdue == 2 && harness.desk.counters.strayMessages == 3)
        // Where most are late none is spared.
        var jobs = [first]
        for other in ["a", "b", "c", "d"] where other != late { jobs.append(try overdue(harness, at: other)) }
        #expect(try next(harness) == usual)
        for job in jobs {
            let lines = job.opening.holders.map {
                JobAnswer.ChunkTrace(node: $0[0], arrived: 2_000, waited: 0, worked: 2_000, retries: 0)
            }
            let answer = JobAnswer(
                job: job.job, status: .done, payload: [1], checksum: testChecksum(.xxh3, [1]), chunks: lines)
            for node in ["a", "b", "c", "d"] { harness.receive(.answer(answer), from: node) }
        }
        #expect(try next(harness) == usual)
        #expect(harness.desk.jobCount == 1)
    }

    @Test func whatIsThereGivesItsCreditBackThoughTheJobIsNotOver() throws {
        let names = ["a", "b", "c", "d"]
        let harness = try DeskHarness(nodes: names)
        for _ in 0..<20 { try job(harness) }
        func inFlight() -> [String: Int] {
            Dictionary(uniqueKeysWithValues: names.map { ($0, harness.desk.book.window(of: $0)?.inFlight ?? -1) })
        }
        let late = try #require(try next(harness).min())
        let job = try overdue(harness, at: late)
        #expect(inFlight() == ["a": 0, "b": 0, "c": 0, "d": 0].merging([late: 1]) { $1 })
        // A chunk that the job does not have says nothing of the others.
        let strays = harness.desk.counters.strayMessages
        let second = try #require(try harness.submit(shards: 4))
        let opening = try #require(harness.take().openings.first)
        let before = inFlight()
        let wrong = OverdueChunks(job: second, chunks: [.init(index: 4, nodes: [late])])
        harness.receive(.overdue(wrong), from: opening.node)
        #expect(inFlight() == before && harness.desk.counters.strayMessages == strays + 1)
        // What the chunks took is learnt when the job is over, and each is given back once.
        let lines = job.opening.holders.map {
            JobAnswer.ChunkTrace(node: $0[0], arrived: 2_000, waited: 0, worked: 2_000, retries: 0)
        }
        let answer = JobAnswer(
            job: job.job, status: .done, payload: [1], checksum: testChecksum(.xxh3, [1]), chunks: lines)
        for node in names { harness.receive(.answer(answer), from: node) }
        #expect(inFlight() == before.merging([late: before[late, default: 0] - 1]) { $1 })
        harness.now += 60 * Self.second
        harness.tick()
        #expect(inFlight().values.allSatisfy { $0 == 0 })
    }

    /// Its own link may stand still: it cannot say so, and what the others do for it must not use up their credit.
    @Test func aReassemblyNodeThatSaysNothingKeepsNoCreditOfTheOthers() throws {
        let names = ["a", "b", "c", "d"]
        // It asks for a chunk, or says that all are there.
        let words: [((JobID) -> LinkMessage)?] = [
            nil, { .demand(ChunkDemand(job: $0, index: 0, reason: .late, tried: names)) },
            { .overdue(OverdueChunks(job: $0, chunks: [])) },
        ]
        for (word, underWay) in zip(words, [4, 5, 0]) {
            let isSilent = word == nil
            let harness = try DeskHarness(nodes: names)
            for _ in 0..<20 { try job(harness) }
            let number = try #require(try harness.submit(shards: 4))
            let opening = try #require(harness.take().openings.first)
            func inFlight(_ node: String) -> Int { harness.desk.book.window(of: node)?.inFlight ?? -1 }
            #expect(names.allSatisfy { inFlight($0) == 1 })
            // Jobs take no time here, and a notice of overdue chunks 8 ms, but no node is silent before `min_target`.
            harness.now += 19_900_000
            if let word { harness.receive(word(number), from: opening.node) }
            harness.tick()
            #expect(names.reduce(0) { $0 + inFlight($1) } == underWay)
            _ = harness.take()
            harness.now += 100_000
            harness.tick()
            if isSilent { #expect(names.allSatisfy { inFlight($0) == ($0 == opening.node ? 1 : 0) }) }
            // Neither does it get the next job's chunks, nor is it asked to join them.
            let second = try #require(try harness.submit(shards: 2))
            let sent = harness.take()
            #expect((sent.openings.first?.node != opening.node) == isSilent)
            if isSilent { #expect(sent.chunks.allSatisfy { $0.node != opening.node }) }
            // Each chunk's credit is given back once.
            for job in [number, second] { #expect(harness.desk.traces.contains { $0.job == job }) }
            harness.now += 60 * Self.second
            harness.tick()
            #expect(names.allSatisfy { inFlight($0) == 0 })
        }
    }

    /// A long answer on a slow network is under way for long though all its chunks were there soon.
    @Test func whereJobsTakeLongNoReassemblyNodeIsSilentSooner() throws {
        let harness = try DeskHarness(nodes: ["a", "b", "c", "d"])
        for _ in 0..<20 { try job(harness, answerAfter: 30_000_000) }
        _ = try #require(try harness.submit(shards: 4))
        _ = harness.take()
        func inFlight() -> Int {
            ["a", "b", "c", "d"].reduce(0) { $0 + (harness.desk.book.window(of: $1)?.inFlight ?? 0) }
        }
        for (milliseconds, underWay) in [(115, 4), (20, 1)] as [(UInt64, Int)] {
            harness.now += milliseconds * 1_000_000
            harness.tick()
            #expect(inFlight() == underWay)
        }
    }

    @Test func whatIsNoLongerUnderWayIsNotOverdue() throws {
        let harness = try DeskHarness(nodes: ["a", "b", "c", "d"])
        for _ in 0..<20 { try job(harness) }
        let usual = try next(harness)
        let late = try #require(usual.min())
        let endings: [(DeskHarness, (job: JobID, opening: JobOpening, message: LinkMessage)) -> Void] = [
            { harness, _ in
                harness.now += 60 * Self.second
                harness.tick()
            },
            { harness, job in
                let index = job.opening.holders.firstIndex { $0[0] == late } ?? 0
                let result = ChunkResult(job: job.job, index: index, replica: 0, status: .refused)
                harness.receive(.result(result), from: late)
            },
        ]
        for end in endings {
            let job = try overdue(harness, at: late)
            #expect(try !next(harness).contains(late))
            end(harness, job)
            _ = harness.take()
            for node in ["a", "b", "c", "d"] { harness.desk.linkUp(node, now: harness.now) }
            #expect(try next(harness) == usual)
        }
    }
}
