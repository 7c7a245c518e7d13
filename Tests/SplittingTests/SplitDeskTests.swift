import Selection
import Splitting
import Testing
import Wire

@Suite("A job at its load balancer")
struct SplitDeskTests {
    @Test func aJobIsOpenedSentAnsweredAndSettledOnce() throws {
        let harness = try DeskHarness { $0.replicationFactor = 2 }
        let job = try #require(harness.submit())
        let sent = harness.take()
        let opening = try #require(sent.openings.first)
        #expect(sent.openings.count == 1)
        #expect(opening.opening.terms.total == 2 && opening.opening.takeover == 0)
        #expect(sent.chunks.count == 4)
        #expect(sent.chunks.filter { $0.chunk.standby }.count == 2)
        for (index, holders) in opening.opening.holders.enumerated() {
            #expect(sent.chunks.filter { $0.chunk.index == index }.map(\.node) == holders)
            #expect(Set(holders).count == 2)
        }
        #expect(sent.chunks.allSatisfy { $0.chunk.reassembly == opening.node })
        #expect(sent.chunks.allSatisfy { testChecksum(.xxh3, $0.chunk.payload) == $0.chunk.checksum })
        harness.receive(DeskHarness.answer(job, [1, 2, 3]), from: opening.node)
        #expect(harness.ends.map(\.outcome) == [.answered])
        #expect(harness.ends.first?.answer == [[1, 2, 3]])
        #expect(Set(harness.take().settled) == Set(opening.opening.holders.flatMap { $0 } + [opening.node]))
        harness.receive(DeskHarness.answer(job, [1, 2, 3]), from: opening.node)
        #expect(harness.ends.count == 1)
        #expect(harness.desk.counters.lateAnswers == 1)
        #expect(harness.desk.jobBytes == 0)
    }

    @Test(arguments: [FailureHandling.forward, .drop])
    func anAnswerThatCannotBeSentIsNotCountedAsOne(handling: FailureHandling) throws {
        let harness = try DeskHarness { $0.onFailure = handling }
        harness.reached = nil
        let job = try #require(harness.submit())
        let opening = try #require(harness.take().openings.first)
        harness.receive(DeskHarness.answer(job, [1, 2, 3]), from: opening.node)
        // While it is on its way, the job is under way and nothing is counted.
        #expect(harness.ends.first?.deadline == 2_000_000_000)
        #expect(harness.desk.counters.outcomes.isEmpty && harness.desk.jobCount == 1 && harness.desk.jobBytes == 0)
        let outcome = harness.desk.answered(job, reached: false, now: 7_000_000)
        #expect(outcome == (handling == .forward ? .forwardedUnsent : .droppedUnsent))
        #expect(outcome.isForwarded == (handling == .forward))
        #expect(harness.desk.counters.outcomes == [outcome: 1] && harness.desk.jobCount == 0)
        #expect(harness.desk.traces.last?.entries.last == JobTrace.Entry(microseconds: 7000, event: .ended(outcome)))
    }

    @Test func aDamagedAnswerIsAskedForOnceMoreAndThenElsewhere() throws {
        let harness = try DeskHarness()
        let job = try #require(harness.submit())
        let first = try #require(harness.take().openings.first)
        let damaged = DeskHarness.answer(job, [1, 2, 3]).damaged
        harness.receive(damaged, from: first.node)
        let again = try #require(harness.take().openings.first)
        #expect(again.node == first.node && again.opening.takeover == 0)
        harness.receive(damaged, from: first.node)
        let sent = harness.take()
        let next = try #require(sent.openings.first)
        #expect(next.node != first.node && next.opening.takeover == 1)
        #expect(sent.chunks.allSatisfy { $0.chunk.reassembly == next.node })
        #expect(sent.chunks.count == 2)
        harness.receive(DeskHarness.answer(job, [5]), from: first.node)
        #expect(harness.ends.map(\.outcome) == [.answered])
        #expect(harness.desk.counters.damagedAnswers == 2)
    }

    @Test func aDemandSendsTheChunkToANodeThatHasNotTried() throws {
        let harness = try DeskHarness(nodes: ["a", "b", "c", "d"])
        let job = try #require(harness.submit())
        let sent = harness.take()
        let opening = try #require(sent.openings.first)
        let tried = opening.opening.holders[1]
        let demand = ChunkDemand(job: job, index: 1, reason: .late, tried: tried)
        harness.receive(.demand(demand), from: opening.node)
        let resent = try #require(harness.take().chunks.first)
        #expect(!tried.contains(resent.node))
        #expect(resent.chunk.index == 1 && resent.chunk.replica == 1 && !resent.chunk.standby)
        #expect(resent.chunk.payload == sent.chunks.first { $0.chunk.index == 1 }?.chunk.payload)
        // From a node that does not reassemble the job, or for a chunk it does not have, it does nothing.
        let other = try #require(["a", "b", "c", "d"].first { $0 != opening.node })
        harness.receive(.demand(demand), from: other)
        harness.receive(.demand(ChunkDemand(job: job, index: 2, reason: .late, tried: [])), from: opening.node)
        #expect(harness.take().isEmpty)
        #expect(harness.desk.counters.demandsIgnored == 2)
    }

    @Test func demandsWithoutEndFailTheJob() throws {
        let harness = try DeskHarness { $0.maximumRetries = 1 }
        let job = try #require(harness.submit())
        let opening = try #require(harness.take().openings.first)
        for _ in 0..<100 {
            harness.now += 200_000_000 / 100
            let demand = ChunkDemand(job: job, index: 0, reason: .failed, tried: ["a", "b", "c"])
            harness.receive(.demand(demand), from: opening.node)
        }
        #expect(harness.ends.map(\.outcome) == [.forwardedFailed])
        #expect(harness.desk.counters.resent <= 2 * 2 * 3)
    }

    @Test func whatCannotBeSentGoesElsewhere() throws {
        let harness = try DeskHarness()
        _ = try #require(harness.submit())
        let sent = harness.take()
        let chunk = try #require(sent.chunks.first)
        harness.perform { $0.undeliverable(.chunk(chunk.chunk), to: chunk.node, now: $1, into: &$2) }
        let resent = try #require(harness.take().chunks.first)
        #expect(resent.node != chunk.node && resent.chunk.index == chunk.chunk.index)
        let opening = try #require(sent.openings.first)
        harness.perform { $0.undeliverable(.opening(opening.opening), to: opening.node, now: $1, into: &$2) }
        #expect(harness.take().openings.first?.opening.takeover == 1)
    }

    @Test func aNodeThatReturnsAChunkIsReplaced() throws {
        let harness = try DeskHarness()
        let job = try #require(harness.submit())
        let chunk = try #require(harness.take().chunks.first)
        let before = harness.desk.book.window(of: chunk.node)?.window ?? 0
        let result = ChunkResult(job: job, index: chunk.chunk.index, replica: 0, status: .refused)
        harness.receive(.result(result), from: chunk.node)
        #expect(harness.take().chunks.first?.node != chunk.node)
        #expect((harness.desk.book.window(of: chunk.node)?.window ?? 0) < before)
    }

    /// On the way there or on the way back: its node is replaced, and is not taken for a full or slow one.
    @Test func whatCameDamagedSaysNothingOfItsNode() throws {
        let harness = try DeskHarness()
        let job = try #require(harness.submit())
        let sent = harness.take()
        let opening = try #require(sent.openings.first)
        let (there, back) = (try #require(sent.chunks.first), try #require(sent.chunks.dropFirst().first))
        func window(_ node: String) -> CreditWindow? { harness.desk.book.window(of: node) }
        let before = (there: try #require(window(there.node)), back: try #require(window(back.node)))
        let result = ChunkResult(job: job, index: there.chunk.index, replica: 0, status: .damaged)
        harness.receive(.result(result), from: there.node)
        #expect(harness.take().chunks.first?.node != there.node)
        #expect(window(there.node)?.window == before.there.window)
        let resent = try #require(window(back.node)).inFlight
        let demand = ChunkDemand(job: job, index: back.chunk.index, reason: .damaged, tried: [back.node])
        harness.receive(.demand(demand), from: opening.node)
        #expect(harness.take().chunks.first?.node != back.node)
        #expect(window(back.node)?.window == before.back.window)
        #expect(window(back.node)?.inFlight == resent - 1)
        // The results of others were taken instead: still nothing is said of the first.
        let lines = opening.opening.holders.indices.map { _ in
            JobAnswer.ChunkTrace(node: "elsewhere", arrived: 9_000_000, waited: 0, worked: 1, retries: 1)
        }
        let answer = JobAnswer(
            job: job, status: .done, payload: [1], checksum: testChecksum(.xxh3, [1]), chunks: lines)
        harness.receive(.answer(answer), from: opening.node)
        #expect(harness.ends.map(\.outcome) == [.answered])
        #expect(window(back.node)?.window == before.back.window)
        #expect(harness.desk.book.slowness(of: back.node)?.ratio == nil)
    }

    @Test func takeoversAreBoundedAndRunOutOfNodes() throws {
        for takeovers in [0, 1, 5] {
            let harness = try DeskHarness { $0.maximumTakeovers = takeovers }
            _ = try #require(harness.submit())
            var opened = 0
            while let opening = harness.take().openings.first {
                opened += 1
                harness.perform { $0.undeliverable(.opening(opening.opening), to: opening.node, now: $1, into: &$2) }
            }
            #expect(opened == min(takeovers + 1, 3))
            #expect(harness.ends.map(\.outcome) == [.forwardedFailed])
        }
    }

    @Test func aSilentReassemblyNodeIsReplacedAfterAllRetriesWereDue() throws {
        let harness = try DeskHarness {
            $0.retryTimeout = .milliseconds(10)
            $0.maximumRetries = 2
        }
        _ = try #require(harness.submit())
        let first = try #require(harness.take().openings.first)
        harness.now = 39_000_000
        harness.tick()
        #expect(harness.take().isEmpty)
        harness.now = 40_000_000
        harness.tick()
        #expect(harness.take().openings.first?.node != first.node)
        #expect(harness.desk.counters.takeovers == 1)
    }

    @Test(arguments: [FailureHandling.forward, .drop]) func theDeadlineEndsAJob(handling: FailureHandling) throws {
        let harness = try DeskHarness {
            $0.deadline = .milliseconds(30)
            $0.onFailure = handling
        }
        let job = try #require(harness.submit())
        let opening = try #require(harness.take().openings.first)
        #expect(opening.opening.terms.timeLeft == 30_000)
        harness.now = 29_999_999
        harness.tick()
        #expect(harness.ends.isEmpty)
        harness.now = 30_000_000
        harness.tick()
        #expect(harness.ends.map(\.outcome) == [handling == .forward ? .forwardedDeadline : .droppedDeadline])
        harness.receive(DeskHarness.answer(job, [1]), from: opening.node)
        #expect(harness.ends.count == 1 && harness.desk.counters.lateAnswers == 1)
    }

    @Test func answersThatNoDatagramCarriesAreRefusedOrSentInParts() throws {
        let long = [UInt8](repeating: 3, count: 65_508)
        for (mode, outcome) in [(LargeAnswers.refuse, JobOutcome.forwardedTooLong), (.parts, .answered)] {
            let harness = try DeskHarness { $0.largeAnswers = mode }
            let job = try #require(harness.submit())
            let opening = try #require(harness.take().openings.first)
            harness.receive(DeskHarness.answer(job, long), from: opening.node)
            #expect(harness.ends.map(\.outcome) == [outcome])
            #expect(harness.ends.first?.answer?.count == (mode == .parts ? 2 : nil))
        }
        let harness = try DeskHarness()
        let job = try #require(harness.submit())
        let opening = try #require(harness.take().openings.first)
        harness.receive(DeskHarness.answer(job, Array(long.dropLast())), from: opening.node)
        #expect(harness.ends.map(\.outcome) == [.answered])
    }

    @Test func statusesOfTheReassemblyNodeEndTheJobOrHaveAnotherTakeOver() throws {
        for (status, outcome) in [
            (JobAnswer.Status.failed, JobOutcome.forwardedFailed), (.expired, .forwardedDeadline),
            (.tooLong, .forwardedTooLong),
        ] {
            let harness = try DeskHarness()
            let job = try #require(harness.submit())
            let opening = try #require(harness.take().openings.first)
            harness.receive(.answer(JobAnswer(job: job, status: status)), from: opening.node)
            #expect(harness.ends.map(\.outcome) == [outcome])
        }
        let harness = try DeskHarness()
        let job = try #require(harness.submit())
        let opening = try #require(harness.take().openings.first)
        harness.receive(.answer(JobAnswer(job: job, status: .refused)), from: opening.node)
        #expect(harness.ends.isEmpty)
        #expect(harness.take().openings.first?.opening.takeover == 1)
    }

    @Test func settingsReachTheMessages() throws {
        var type = RequestTypeSettings(name: "sorted")
        type.aggregation = "merge"
        type.deadline = .milliseconds(700)
        let harness = try DeskHarness {
            $0.checksums = .sha256
            $0.replication = .parallel
            $0.replicationFactor = 2
            $0.reconciliation = .agree
            $0.retryTimeout = .milliseconds(33)
            $0.maximumRetries = 7
            $0.hedgeBudget = 120
        }
        _ = try #require(harness.submit(type: type))
        let sent = harness.take()
        let opening = try #require(sent.openings.first?.opening)
        #expect(opening.terms.checksums == .sha256 && opening.terms.requestType == "sorted")
        #expect(opening.terms.timeLeft == 700_000)
        #expect(opening.replication == .parallel && opening.reconciliation == .agree)
        #expect(opening.retryAfter == 33_000 && opening.maximumRetries == 7)
        #expect(opening.aggregation == "merge" && opening.hedgeBudget == 120 && opening.hedgeAfter == 0)
        #expect(sent.chunks.allSatisfy { !$0.chunk.standby })
        #expect(sent.chunks.allSatisfy { testChecksum(.sha256, $0.chunk.payload) == $0.chunk.checksum })
    }

    @Test func aFullSystemRefusesBeforeAnythingIsSent() throws {
        let harness = try DeskHarness { $0.maximumJobs = 1 }
        #expect(harness.submit() != nil)
        _ = harness.take()
        #expect(harness.submit() == nil)
        #expect(harness.take().isEmpty)
        #expect(harness.desk.counters.refusals == [.jobs: 1])
        #expect(harness.desk.counters.outcomes[.forwardedRefused] == 1)
        let poor = try DeskHarness {
            $0.initialCredit = 1
            $0.maximumCredit = 1
        }
        #expect(poor.submit() != nil)
        #expect(poor.submit() != nil)
        #expect(poor.submit() == nil)
        #expect(poor.desk.counters.refusals == [.credit: 1])
    }

    @Test func stoppingEndsEveryJobAndTracesAreBounded() throws {
        let harness = try DeskHarness { $0.traces = 3 }
        for _ in 0..<5 { _ = try #require(harness.submit()) }
        #expect(harness.desk.traces.count == 5)
        harness.perform { $0.stop(now: $1, into: &$2) }
        #expect(harness.ends.map(\.outcome) == [JobOutcome](repeating: .forwardedStopped, count: 5))
        #expect(harness.desk.jobCount == 0)
        #expect(harness.desk.traces.map(\.job.number) == [3, 4, 5])
        let trace = try #require(harness.desk.traces.first)
        #expect(trace.entries.first?.event == .planned(chunks: 2, largest: 2000))
        #expect(trace.entries.last?.event == .ended(.forwardedStopped))
    }

    @Test func outcomesHaveTheirPublishedNames() {
        #expect(JobOutcome.allCases.map(\.rawValue).contains("dropped_deadline"))
        #expect(JobOutcome.allCases.filter(\.isForwarded).allSatisfy { $0.rawValue.hasPrefix("forwarded_") })
        #expect(JobOutcome.allCases.filter { !$0.isForwarded }.count == 6)
    }

    @Test func probesAreReturned() throws {
        let harness = try DeskHarness()
        harness.receive(.probe(42), from: "a")
        #expect(harness.take().first?.message == .echo(42))
    }

    @Test func aHedgeThatNoFurtherNodeCanTakeIsLeftOut() throws {
        let harness = try DeskHarness(nodes: ["a", "b"])
        let job = try #require(harness.submit())
        let opening = try #require(harness.take().openings.first)
        for reason in [ChunkDemand.Reason.hedge, .late] {
            let demand = ChunkDemand(job: job, index: 0, reason: reason, tried: ["a", "b"])
            harness.receive(.demand(demand), from: opening.node)
            #expect(harness.take().count == (reason == .hedge ? 0 : 1))
        }
        #expect(harness.ends.isEmpty)
    }
}
