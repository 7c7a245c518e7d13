import Splitting
import Testing
import Wire

/// A desk whose messages are collected.
final class ReassemblyHarness {
    var desk: ReassemblyDesk
    var sent: [(message: LinkMessage, node: String)] = []
    var joins: [(aggregation: String?, results: [[UInt8]])] = []
    var forgotten = 0
    var now: UInt64 = 0
    let job = JobID(origin: 1, number: 1)

    init(_ change: (inout ReassemblySettings) -> Void = { _ in }) throws {
        var settings = ReassemblySettings()
        change(&settings)
        try settings.validate()
        desk = ReassemblyDesk(settings: settings, checksum: testChecksum)
    }

    func perform(_ body: (inout ReassemblyDesk, UInt64, inout [ReassemblyAction]) -> Void) {
        var actions: [ReassemblyAction] = []
        body(&desk, now, &actions)
        for action in actions {
            switch action {
            case .send(let message, let node): sent.append((message, node))
            case .join(_, _, let aggregation, let results): joins.append((aggregation, results))
            case .forget: forgotten += 1
            }
        }
    }

    func receive(_ message: LinkMessage, from node: String) {
        perform { _ = $0.receive(message, from: node, now: $1, into: &$2) }
    }

    func open(
        _ holders: [[String]], job: JobID? = nil, _ change: (inout JobOpening) -> Void = { _ in }
    ) {
        let client = Endpoint(address: IPAddress(10, 0, 0, 1), port: 1)
        let terms = JobTerms(
            job: job ?? self.job, requestType: "t", total: holders.count,
            endpoints: JobEndpoints(client: client, virtual: client), timeLeft: 1_000_000, checksums: .xxh3)
        var opening = JobOpening(
            terms: terms, takeover: 0, holders: holders, replication: .standby, reconciliation: .first,
            retryAfter: 10_000, maximumRetries: 3)
        change(&opening)
        receive(.opening(opening), from: "lb")
    }

    func result(
        _ index: Int, _ payload: [UInt8] = [], from node: String, status: ChunkResult.Status = .done, job: JobID? = nil,
        damaged: Bool = false
    ) {
        let result = LinkMessage.result(
            ChunkResult(
                job: job ?? self.job, index: index, replica: 0, status: status, waited: 5, worked: 6, payload: payload,
                checksum: status == .done ? testChecksum(.xxh3, payload) : []))
        receive(damaged ? result.damaged : result, from: node)
    }

    func tick(_ milliseconds: UInt64) {
        now = milliseconds * 1_000_000
        perform { $0.tick(now: $1, into: &$2) }
    }

    func demands() -> [String] {
        defer { sent = [] }
        return sent.compactMap {
            if case .demand(let demand) = $0.message { "\(demand.index) \(demand.reason) \($0.node)" } else { nil }
        }
    }

    var answers: [JobAnswer] {
        sent.compactMap { if case .answer(let answer) = $0.message { answer } else { nil } }
    }
}

@Suite("Jobs at their reassembly node")
struct ReassemblyDeskTests {
    @Test func resultsInAnyOrderAreJoinedInTheirsAndTraced() throws {
        let harness = try ReassemblyHarness()
        harness.open([["a"], ["b"], ["c"]])
        harness.now = 2_000_000
        harness.result(2, [5, 6], from: "c")
        harness.result(0, [1], from: "a")
        harness.result(0, [9], from: "x")
        #expect(harness.answers.isEmpty)
        harness.result(1, [], from: "b")
        let answer = try #require(harness.answers.first)
        #expect(answer.status == .done && answer.payload == [1, 5, 6])
        #expect(answer.checksum == testChecksum(.xxh3, [1, 5, 6]))
        #expect(answer.chunks.map(\.node) == ["a", "b", "c"])
        #expect(answer.chunks.allSatisfy { $0.arrived == 2000 && $0.waited == 5 && $0.worked == 6 })
        #expect(harness.desk.counters.duplicates == 1)
        harness.result(1, [7], from: "b")
        #expect(harness.answers.count == 1)
        harness.receive(.settled(harness.job), from: "lb")
        #expect(harness.desk.jobCount == 0 && harness.desk.bytes == 0)
        harness.result(1, [7], from: "b")
        #expect(harness.desk.counters.duplicates == 3 && harness.desk.bytes == 0)
    }

    @Test func aLateChunkIsAskedOfItsHoldersAndThenOfTheLoadBalancer() throws {
        let harness = try ReassemblyHarness()
        harness.open([["a", "b"], ["c"]])
        harness.tick(9)
        #expect(harness.demands().isEmpty)
        harness.tick(10)
        #expect(harness.demands() == ["0 late b", "1 late lb"])
        harness.result(1, [2], from: "z")
        harness.tick(20)
        #expect(harness.demands() == ["0 late lb"])
        harness.tick(30)
        #expect(harness.demands() == ["0 late lb"])
        harness.tick(40)
        #expect(harness.answers.map(\.status) == [.failed])
        #expect(harness.answers.first?.chunks.map(\.retries) == [3, 1])
    }

    @Test(arguments: [0, 1, 5] as [UInt8]) func retriesAreBounded(most: UInt8) throws {
        let harness = try ReassemblyHarness()
        harness.open([["a"]]) { $0.maximumRetries = most }
        for step in 1...20 as ClosedRange<UInt64> { harness.tick(10 * step) }
        #expect(harness.desk.counters.demands.reduce(0, +) == UInt64(most))
        #expect(harness.answers.map(\.status) == [.failed])
    }

    @Test func brokenRefusedAndUnreachableChunksAreAskedForAtOnce() throws {
        let harness = try ReassemblyHarness()
        harness.open([["a", "b"], ["c", "d"], ["e", "f"], ["g"]])
        harness.result(0, [1, 2], from: "a", damaged: true)
        #expect(harness.demands() == ["0 damaged b"])
        harness.result(1, from: "c", status: .refused)
        #expect(harness.demands() == ["1 failed d"])
        harness.perform { $0.linkDown("e", now: $1, into: &$2) }
        #expect(harness.demands() == ["2 unreachable f"])
        harness.perform { $0.linkDown("f", now: $1, into: &$2) }
        #expect(harness.demands() == ["2 unreachable lb"])
        harness.result(3, from: "g", status: .failed)
        #expect(harness.demands() == ["3 failed lb"])
        #expect(harness.desk.counters.damaged == 1)
        for (index, node) in ["b", "d", "x", "y"].enumerated() { harness.result(index, [1], from: node) }
        #expect(harness.answers.map(\.status) == [.done])
    }

    @Test func aDemandThatCannotBeSentGoesToTheNextHolder() throws {
        let harness = try ReassemblyHarness()
        harness.open([["a", "b", "c"]])
        harness.tick(10)
        let demand = try #require(harness.sent.first)
        harness.sent = []
        harness.perform { $0.undeliverable(demand.message, to: demand.node, now: $1, into: &$2) }
        #expect(harness.demands() == ["0 unreachable c"])
    }

    @Test func resultsMayComeBeforeTheirJobWithinBounds() throws {
        let harness = try ReassemblyHarness {
            $0.earlyBytes = 3000
            $0.earlyTime = .milliseconds(50)
        }
        harness.result(0, [1], from: "a")
        #expect(harness.desk.counters.early == 1 && harness.desk.bytes > 0)
        harness.open([["a"]])
        #expect(harness.answers.map(\.payload) == [[1]])
        harness.receive(.settled(harness.job), from: "lb")
        for number in 10..<40 as Range<UInt64> {
            harness.result(0, [1], from: "a", job: JobID(origin: 1, number: number))
            #expect(harness.desk.bytes <= 3000)
        }
        #expect(harness.desk.counters.early == 6 && harness.desk.counters.unknown == 25)
        harness.tick(50)
        #expect(harness.desk.bytes == 0 && harness.desk.counters.unknown == 30)
    }

    @Test func hedgesComeAfterThePercentileWithinTheBudgetOnceEach() throws {
        func hedges(budget: UInt16, burst: Int = 256) throws -> [String] {
            let harness = try ReassemblyHarness { $0.hedgeBurst = burst }
            harness.open([["a", "b"], ["c", "d"]]) {
                $0.replication = .hedged
                $0.hedgeAfter = 4000
                $0.hedgeBudget = budget
            }
            harness.tick(3)
            #expect(harness.demands().isEmpty)
            harness.tick(4)
            let demands = harness.demands()
            harness.tick(5)
            #expect(harness.demands().isEmpty)
            return demands
        }
        #expect(try hedges(budget: 1000) == ["0 hedge b", "1 hedge d"])
        #expect(try hedges(budget: 500) == ["0 hedge b"])
        #expect(try hedges(budget: 1000, burst: 1) == ["0 hedge b"])
        #expect(try hedges(budget: 0).isEmpty)
    }

    @Test func inParallelOneFailureAsksForNothing() throws {
        let harness = try ReassemblyHarness()
        harness.open([["a", "b"]]) { $0.replication = .parallel }
        harness.result(0, from: "a", status: .failed)
        #expect(harness.demands().isEmpty)
        harness.result(0, from: "b", status: .failed)
        #expect(harness.demands() == ["0 failed lb"])
    }

    @Test func agreementWantsTwoNodesAndAThirdDecides() throws {
        let harness = try ReassemblyHarness()
        harness.open([["a", "b", "c"]]) { $0.reconciliation = .agree }
        harness.result(0, [1], from: "a")
        harness.result(0, [1], from: "a")
        #expect(harness.answers.isEmpty && harness.demands().isEmpty)
        harness.result(0, [2], from: "b")
        #expect(harness.demands() == ["0 disagreement c"])
        harness.result(0, [2], from: "c")
        #expect(harness.answers.map(\.payload) == [[2]])
        #expect(harness.desk.counters.disagreements == 1)
        harness.receive(.settled(harness.job), from: "lb")
        #expect(harness.desk.bytes == 0)
    }

    @Test func openingsAndResultsThatContradictThemselvesDoNothing() throws {
        let harness = try ReassemblyHarness()
        harness.open([["a"], ["b"]]) { $0.terms.total = 3 }
        #expect(harness.answers.map(\.status) == [.failed])
        harness.open([["a"]]) { $0.retryAfter = 0 }
        #expect(harness.desk.counters.invalidOpenings == 2 && harness.desk.jobCount == 0)
        harness.open([["a"]])
        harness.result(1, [1], from: "a")
        harness.result(-1, [1], from: "a")
        #expect(harness.desk.counters.outOfRange == 2)
        harness.result(0, [1], from: "a")
        #expect(harness.answers.last?.status == .done)
    }

    @Test func boundsOfJobsBytesAndAnswersHold() throws {
        let harness = try ReassemblyHarness {
            $0.maximumJobs = 1
            $0.maximumAnswer = 10
        }
        let other = JobID(origin: 1, number: 2)
        harness.open([["a"], ["b"]])
        harness.open([["a"]], job: other)
        #expect(harness.answers.map(\.status) == [.refused])
        harness.result(0, [UInt8](repeating: 1, count: 6), from: "a")
        harness.result(1, [UInt8](repeating: 1, count: 5), from: "b")
        #expect(harness.answers.map(\.status) == [.refused, .tooLong])
        #expect(harness.desk.bytes == 0)
        let full = try ReassemblyHarness { $0.maximumBytes = 1 << 20 }
        full.open([["a"], ["b"]])
        full.result(0, [UInt8](repeating: 1, count: 1 << 20), from: "a")
        full.result(1, [1], from: "b")
        #expect(full.answers.map(\.status) == [.refused])
        #expect(full.desk.bytes == 0)
    }

    @Test func theLoadBalancerIsToldOnceOfAChunkThatTakesTooLong() throws {
        func told(_ harness: ReassemblyHarness) -> [OverdueChunks] {
            defer { harness.sent = [] }
            return harness.sent.compactMap {
                if case .overdue(let overdue) = $0.message, $0.node == "lb" { overdue } else { nil }
            }
        }
        let harness = try ReassemblyHarness()
        harness.open([["a", "b"], ["b", "c"], ["c", "a"]]) {
            $0.overdueAfter = 4_000
            $0.replication = .parallel
        }
        harness.result(1, [1], from: "b")
        harness.result(2, from: "c", status: .failed)
        harness.tick(3)
        #expect(told(harness).isEmpty)
        harness.tick(4)
        #expect(
            told(harness) == [
                OverdueChunks(
                    job: harness.job, chunks: [.init(index: 0, nodes: ["a", "b"]), .init(index: 2, nodes: ["a"])])
            ])
        harness.tick(9)
        #expect(told(harness).isEmpty && harness.desk.counters.overdue == 2)
        // While an aggregation takes its time nothing is missing; that is a sign of life too.
        let joining = try ReassemblyHarness()
        joining.open([["a"], ["b"]]) {
            $0.overdueAfter = 4_000
            $0.aggregation = "sum"
        }
        joining.result(0, [1], from: "a")
        joining.result(1, [1], from: "b")
        joining.tick(3)
        #expect(told(joining).isEmpty)
        joining.tick(4)
        #expect(told(joining) == [OverdueChunks(job: joining.job, chunks: [])])
        joining.tick(9)
        #expect(told(joining).isEmpty && joining.desk.counters.overdue == 0)
        // Not later than it is asked for again, and not at all if nobody wants to know.
        for (after, count) in [(30_000, 1), (0, 0)] as [(UInt32, Int)] {
            let harness = try ReassemblyHarness()
            harness.open([["a", "b"]]) { $0.overdueAfter = after }
            harness.tick(10)
            #expect(harness.sent.contains { if case .demand = $0.message { true } else { false } })
            #expect(told(harness).count == count)
            harness.tick(300)
            #expect(told(harness).isEmpty)
        }
        // What cannot be told is no reason to give the job up.
        harness.perform {
            let overdue = OverdueChunks(job: harness.job, chunks: [.init(index: 0, nodes: ["a"])])
            $0.undeliverable(.overdue(overdue), to: "lb", now: $1, into: &$2)
        }
        #expect(harness.desk.jobCount == 1)
    }

    @Test func theDeadlineEndsAJobAndAnUnsettledOneIsForgotten() throws {
        let harness = try ReassemblyHarness()
        harness.open([["a"]]) { $0.maximumRetries = 200 }
        harness.tick(999)
        #expect(harness.answers.isEmpty)
        harness.tick(1000)
        #expect(harness.answers.map(\.status) == [.expired])
        #expect(harness.desk.jobCount == 1)
        harness.tick(2000)
        #expect(harness.desk.jobCount == 0 && harness.desk.counters.abandoned == 1)
        #expect(harness.desk.demands.outstanding == 0)
    }

    @Test func anAnswerIsRepeatedWhenTheJobIsOpenedOnceMore() throws {
        let harness = try ReassemblyHarness()
        harness.open([["a"]])
        harness.open([["a"]])
        harness.result(0, [4], from: "a")
        harness.open([["a"]])
        #expect(harness.answers.map(\.payload) == [[4], [4]])
        #expect(harness.desk.counters.repeatedAnswers == 1)
    }

    @Test func aLostLoadBalancersJobsAreDropped() throws {
        let harness = try ReassemblyHarness()
        harness.open([["a"]])
        harness.perform { $0.linkDown("lb", now: $1, into: &$2) }
        #expect(harness.desk.jobCount == 0 && harness.sent.isEmpty)
    }

    @Test func aggregationIsLeftToTheNode() throws {
        let harness = try ReassemblyHarness()
        harness.open([["a"], ["b"]]) { $0.aggregation = "merge" }
        harness.result(1, [2], from: "b")
        harness.result(0, [1], from: "a")
        #expect(harness.joins.map(\.aggregation) == ["merge"])
        #expect(harness.joins.first?.results == [[1], [2]])
        let job = harness.job
        harness.perform { $0.joined(job, payload: [9], now: $1, into: &$2) }
        #expect(harness.answers.map(\.payload) == [[9]])
        let plain = try ReassemblyHarness()
        plain.open([["a"]])
        plain.result(0, [1], from: "a")
        #expect(plain.joins.isEmpty && plain.answers.map(\.payload) == [[1]])
        let broken = try ReassemblyHarness()
        broken.open([["a"]]) { $0.aggregation = "merge" }
        broken.result(0, [1], from: "a")
        broken.perform { $0.joined(job, payload: nil, now: $1, into: &$2) }
        #expect(broken.answers.map(\.status) == [.failed])
        #expect(broken.desk.bytes == 0)
    }

    @Test func demandsAreBoundedByTheirWindow() throws {
        let harness = try ReassemblyHarness { $0.maximumDemands = 4 }
        for number in 1...10 as ClosedRange<UInt64> { harness.open([["a"]], job: JobID(origin: 2, number: number)) }
        harness.tick(10)
        #expect(harness.demands().count == 2)
        #expect(harness.desk.counters.throttled == 8)
        for step in 11...900 as ClosedRange<UInt64> {
            harness.tick(step)
            #expect(harness.desk.demands.outstanding <= 4)
        }
        harness.tick(3000)
        #expect(harness.desk.jobCount == 0 && harness.desk.demands.outstanding == 0)
    }
}
