import Selection
import Testing

@testable import Splitting

@Suite("Flow control and load table")
struct FlowTests {
    @Test func aWindowGrowsByOneForEachWindowOfChunksInTime() {
        var window = CreditWindow(initial: 4, maximum: 6)
        for round in 1...40 {
            while window.free > 0 { window.sent() }
            while window.inFlight > 0 {
                window.completed(sent: UInt64(round), took: 10, target: 100, now: UInt64(round))
            }
        }
        #expect(window.window == 6)
        #expect(window.free == 6)
    }

    @Test func aWindowThatIsNotUsedDoesNotGrow() {
        var window = CreditWindow(initial: 8, maximum: 100)
        for now in 1...100 as ClosedRange<UInt64> {
            window.sent()
            window.completed(sent: now, took: 1, target: 100, now: now)
        }
        #expect(window.window == 8)
    }

    @Test func whatWasUnderWayTogetherShrinksAWindowOnce() {
        var window = CreditWindow(initial: 16, maximum: 100)
        for _ in 0..<8 { window.sent() }
        for _ in 0..<4 { window.lost(sent: 5, now: 50) }
        #expect(window.window == 8)
        for _ in 0..<4 { window.completed(sent: 60, took: 500, target: 100, now: 560) }
        #expect(abs(window.window - 5.6) < 0.001)
        for now in stride(from: UInt64(1000), to: 100_000, by: 1000) { window.lost(sent: now, now: now) }
        #expect(window.window == 1)
        #expect(window.inFlight == 0)
    }

    @Test func aSlowNodeIsPassedOverLongerEachTimeUntilItIsQuickAgain() {
        var slowness = Slowness()
        for _ in 0..<3 { slowness.record(50, others: 1, factor: 4, now: 0) }
        #expect(!slowness.isPassedOver)
        slowness.record(50, others: 1, factor: 4, now: 0)
        #expect(slowness.isPassedOver && slowness.trialDue == 1_000_000_000)
        // What it was given before says nothing new.
        slowness.record(1, others: 1, factor: 4, now: 500_000_000)
        #expect(slowness.isPassedOver && slowness.trialDue == 1_000_000_000)
        slowness.tried(4.1, others: 1, factor: 4, now: 1_000_000_000)
        #expect(slowness.isPassedOver && slowness.trialDue == 3_000_000_000)
        slowness.postponeTrial(now: 3_000_000_000)
        #expect(slowness.isPassedOver && slowness.trialDue == 4_000_000_000)
        for pause: UInt64 in [4, 8, 16, 32, 32] {
            let now = slowness.trialDue
            slowness.tried(nil, others: 1, factor: 4, now: now)
            #expect(slowness.isPassedOver && slowness.trialDue == now + pause * 1_000_000_000)
        }
        slowness.tried(3.9, others: 1, factor: 4, now: 100_000_000_000)
        #expect(!slowness.isPassedOver && slowness.ratio == 3.9)
    }

    @Test func oneStallIsNoSlowNodeAndTwoInARowAre() {
        var slowness = Slowness()
        for _ in 0..<20 { slowness.record(1, others: 1, factor: 4, now: 0) }
        slowness.record(1000, others: 1, factor: 4, now: 0)
        #expect(!slowness.isPassedOver)
        slowness.record(1000, others: 1, factor: 4, now: 0)
        #expect(slowness.isPassedOver)
    }

    @Test func beingOvertakenOnceIsChanceAndThreeTimesInARowIsNot() {
        var slowness = Slowness()
        for _ in 0..<20 { slowness.record(1, others: 1, factor: 4, now: 0) }
        for overtaken in 1...3 {
            slowness.record(1.2, isOvertaken: true, others: 1, factor: 4, now: 0)
            #expect(slowness.isPassedOver == (overtaken == 3))
        }
        var seldom = Slowness()
        for _ in 0..<100 {
            seldom.record(1.2, isOvertaken: true, others: 1, factor: 4, now: 0)
            for _ in 0..<9 { seldom.record(1, others: 1, factor: 4, now: 0) }
        }
        #expect(!seldom.isPassedOver)
    }

    @Test func aNodeThatLookedSlowIsForgivenWithTime() {
        var slowness = Slowness()
        slowness.record(3, others: 1, factor: 4, now: 1_000_000_000)
        #expect(slowness.ratio(now: 1_000_000_000) == 3)
        #expect(slowness.ratio(now: 5_000_000_000) == 2)
        #expect(slowness.ratio(now: 9_000_000_000) == 1.5)
        slowness.record(1, others: 1, factor: 4, now: 9_000_000_000)
        #expect(slowness.ratio.map { abs($0 - 1.35) < 1e-9 } == true)
    }

    @Test func whatADeadNodeTookIsNoMeasureForTheOthers() {
        var book = NodeBook(settings: SplittingSettings())
        var history = TypeHistory()
        for _ in 0..<TypeHistory.enough { history.recordChunk(bytes: 1000, worked: 1000, took: 1000) }
        for (name, took) in [("a", 1_000_000), ("b", 1_000_000), ("c", 3_000_000)] as [(String, UInt64)] {
            book.linkUp(name, now: 0)
            book.judge(name, took: took, history: history, now: 0)
        }
        let all = book.medianRatio(now: 0)
        book.linkDown("a", now: 0)
        book.linkDown("b", now: 0)
        #expect(abs(book.medianRatio(now: 0) / all - 3) < 0.01)
    }

    @Test func whenAllAreSlowNoneIsPassedOver() {
        var slowness = Slowness()
        for _ in 0..<100 { slowness.record(50, others: 40, factor: 4, now: 0) }
        #expect(!slowness.isPassedOver)
    }

    @Test func admissionBoundsJobsAndBytes() throws {
        var admission = JobAdmission(maximumJobs: 2, maximumBytes: 100_000)
        #expect(throws: JobRefusal.size) { try admission.check(payloadBytes: 0) }
        #expect(throws: JobRefusal.size) { try admission.check(payloadBytes: 65_536) }
        admission.begin(payloadBytes: 60_000)
        #expect(throws: JobRefusal.bytes) { try admission.check(payloadBytes: 40_001) }
        try admission.check(payloadBytes: 40_000)
        admission.begin(payloadBytes: 1)
        #expect(throws: JobRefusal.jobs) { try admission.check(payloadBytes: 1) }
        admission.end(payloadBytes: 60_000)
        try admission.check(payloadBytes: 60_000)
    }

    @Test func demandsAreFewerWhenTheyAreMissed() {
        var window = DemandWindow(maximum: 8)
        for _ in 0..<4 { #expect(window.take() == true) }
        #expect(window.take() == false)
        for _ in 0..<4 { window.missed() }
        #expect(window.window == 1)
        #expect(window.take() == true)
        #expect(window.take() == false)
        for _ in 0..<100 {
            window.met()
            _ = window.take()
        }
        #expect(window.window == 8)
    }

    private func report(processor: UInt16 = 0, memory: UInt16 = 0, waiting: UInt32 = 0) -> LoadReport {
        LoadReport(
            processor: processor, memory: memory, workers: 2, waiting: waiting, queueSize: 100, credit: 10, types: [])
    }

    @Test func aSilentNodeIsPassedOverAndComesBackWithItsNextReport() {
        var table = LoadTable(interval: .milliseconds(100), missed: 3)
        table.record(report(), from: "a", now: 0)
        #expect(table.row(of: "a", now: 300_000_000) != nil)
        #expect(table.row(of: "a", now: 300_000_001) == nil)
        #expect(table.rows["a"] != nil)
        table.record(report(), from: "a", now: 900_000_000)
        #expect(table.order(now: 900_000_000) == ["a"])
    }

    /// The last tenth of the memory is load, all of it full load; what was there before counts as for the others.
    @Test(arguments: [(0, 0.0), (900, 0), (925, 0.25), (950, 0.5), (990, 0.9), (1000, 1)])
    func scarceMemoryIsLoad(_ memory: UInt16, _ load: Double) {
        var table = LoadTable(interval: .milliseconds(100), missed: 3)
        table.record(report(memory: memory), from: "a", now: 0)
        #expect(abs((table.row(of: "a", now: 0)?.load ?? -1) - load) < 1e-9)
        table.record(report(processor: 700, memory: memory), from: "b", now: 0)
        #expect(abs((table.row(of: "b", now: 0)?.load ?? -1) - max(load, 0.7)) < 1e-9)
    }

    @Test func aNodeShortOfMemoryIsTheLastToBeAsked() {
        var book = NodeBook(settings: SplittingSettings())
        let ring = try! ShardTable.build(
            members: ["a", "b", "c"].map { TableMember(name: $0, weight: 100) }, size: 4093)
        for name in ["a", "b", "c"] {
            book.linkUp(name, now: 0)
            book.report(report(memory: name == "b" ? 980 : 500), from: name, now: 0)
        }
        let times = book.conditions(in: ring, requestType: "t", now: 0).mapValues {
            $0.expectedTime(bytes: 1000, work: 1_000_000)
        }
        #expect(times.count == 3 && times["b", default: 0] > 3 * times["a", default: .infinity])
        // One bad report of many is smoothed.
        book.report(report(memory: 500), from: "b", now: 1)
        #expect(book.table.row(of: "b", now: 1)?.load ?? 1 < 0.5)
    }

    /// What a node reports as waiting is from here too; that is over when its results are there, not with the next report.
    @Test func ownChunksAreAheadOnlyWhileTheyAreUnderWay() {
        var book = NodeBook(settings: SplittingSettings())
        let ring = try! ShardTable.build(members: [TableMember(name: "a", weight: 100)], size: 4093)
        func ahead(now: UInt64) -> Double? { book.conditions(in: ring, requestType: "t", now: now)["a"]?.ahead }
        book.linkUp("a", now: 0)
        for _ in 0..<6 { book.sent(to: "a") }
        #expect(ahead(now: 0) == 6)
        book.report(report(waiting: 5), from: "a", now: 1)
        #expect(ahead(now: 1) == 6)
        for _ in 0..<6 { book.released(by: "a") }
        #expect(ahead(now: 2) == 0)
        // Nine wait, two of them ours.
        for _ in 0..<2 { book.sent(to: "a") }
        book.report(report(waiting: 9), from: "a", now: 3)
        #expect(ahead(now: 3) == 9)
        for _ in 0..<2 { book.released(by: "a") }
        #expect(ahead(now: 4) == 7)
        book.report(report(waiting: 0), from: "a", now: 5)
        #expect(ahead(now: 5) == 0)
        // Of a node that is silent, but whose link is new, nothing is known.
        book.report(report(waiting: 9), from: "a", now: 6)
        let silent = 6 + book.table.silence + 1
        book.linkUp("a", now: silent)
        #expect(ahead(now: silent) == 0)
    }

    /// When more than half of the nodes are slow it is the load or the network, and no node's fault.
    @Test func mostNodesAreNotPassedOver() {
        var book = NodeBook(settings: SplittingSettings())
        let names = ["a", "b", "c", "d"]
        let ring = try! ShardTable.build(members: names.map { TableMember(name: $0, weight: 100) }, size: 4093)
        var history = TypeHistory()
        for _ in 0..<100 { history.recordChunk(bytes: 1_000, worked: 1_000, took: 2_000) }
        var now: UInt64 = 0
        func passedOver() -> [String] {
            book.conditions(in: ring, requestType: "t", now: now).filter(\.value.isPassedOver).keys.sorted()
        }
        for (slow, passed) in [("a", ["a"]), ("b", ["a", "b"]), ("c", [])] {
            // Until then what was slow before has faded, so that it is no measure any more.
            now += 100_000_000_000
            for name in names { book.linkUp(name, now: now) }
            for name in names { book.judge(name, took: 2_000_000, history: history, now: now) }
            for _ in 0..<8 { book.judge(slow, took: 1_000_000_000, history: history, now: now) }
            #expect(book.slowness(of: slow)?.isPassedOver == true)
            #expect(passedOver() == passed)
        }
        // Dead ones do not count.
        book.linkDown("a", now: now)
        #expect(passedOver() == [])
        book.linkDown("b", now: now)
        #expect(passedOver() == ["c"])
    }

    /// After a reconnect the kernel knows the rate of the handshake, which says nothing of the network.
    @Test func aRateThatTheNetworkDidNotBoundNeverLowersWhatIsKnown() {
        var book = NodeBook(settings: SplittingSettings())
        book.linkUp("a", now: 0)
        var rate: Double { book.nodes["a"]?.link.bytesPerSecond ?? 0 }
        let usual = rate
        book.measured(roundTrip: 200_000, bytesPerSecond: 40_000, isLowerBound: true, to: "a")
        #expect(rate == usual && book.nodes["a"]?.link.roundTrip == 200_000)
        book.measured(roundTrip: 200_000, bytesPerSecond: 0, isLowerBound: false, to: "a")
        #expect(rate == usual)
        book.measured(roundTrip: 200_000, bytesPerSecond: 1_000_000, isLowerBound: false, to: "a")
        #expect(rate == 1_000_000)
        book.measured(roundTrip: 200_000, bytesPerSecond: 40_000, isLowerBound: true, to: "a")
        #expect(rate == 1_000_000)
        book.measured(roundTrip: 200_000, bytesPerSecond: 3_000_000, isLowerBound: true, to: "a")
        #expect(rate == 3_000_000)
    }

    @Test func reportsAreSmoothedAndOrderCandidates() {
        var table = LoadTable(interval: .milliseconds(100), missed: 3)
        for name in ["a", "b", "c"] { table.record(report(processor: 500), from: name, now: 0) }
        table.record(report(processor: 1000), from: "a", now: 1)
        table.record(report(processor: 0), from: "c", now: 1)
        #expect(table.order(now: 1) == ["c", "b", "a"])
        let load = table.row(of: "a", now: 1)?.load ?? 0
        #expect(load > 0.5 && load < 1)
        table.record(report(processor: 0, waiting: 500), from: "b", now: 1)
        #expect(table.row(of: "b", now: 1)?.load == 1)
        table.remove("b")
        #expect(table.rows.count == 2)
    }
}
