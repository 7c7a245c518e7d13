import Splitting
import StateStore
import Testing

@testable import Splitter

@Suite("The load table that is shared")
struct LoadTableTests {
    private func report(_ processor: UInt16) -> LinkMessage {
        .load(
            LoadReport(
                processor: processor, memory: 1, workers: 2, waiting: 3, queueSize: 4, credit: 5, types: []))
    }

    @Test func everyLoadBalancerSeesWhatOneOfThemHasHeard() throws {
        let store = try EmbeddedStore()
        var first = SharedLoads(store, SplittingSettings())
        var second = SharedLoads(store, SplittingSettings())
        first.put(report(100), of: "b1", now: 0)
        second.put(report(200), of: "b2", now: 0)
        #expect(first.news(now: 0).map(\.node) == ["b1", "b2"])
        #expect(first.news(now: 0).isEmpty)
        first.put(report(300), of: "b1", now: 1)
        let news = second.news(now: 1)
        // Each change is told, the newest last.
        #expect(news.map(\.node) == ["b1", "b2", "b1"])
        #expect(news.last?.report == report(300))
    }

    @Test(arguments: [(100, 5), (40, 5), (100, 2)])
    func theRowOfANodeThatNoLongerReportsGoes(interval: Int, missed: Int) throws {
        let store = try EmbeddedStore()
        var settings = SplittingSettings()
        settings.updateInterval = .milliseconds(interval)
        settings.missedUpdates = missed
        let loads = SharedLoads(store, settings)
        loads.put(report(100), of: "b1", now: 0)
        let lease = Int64(interval * missed) * 1_000_000
        #expect(store.values(under: "load/", now: lease).count == 1)
        #expect(store.values(under: "load/", now: lease + 1).isEmpty)
    }

    @Test func whoWasAwayForLongReadsAllRows() throws {
        let store = try EmbeddedStore(limits: StoreLimits(history: 4))
        var loads = SharedLoads(store, SplittingSettings())
        for round in 0..<40 { loads.put(report(UInt16(round)), of: "b\(round % 3)", now: 0) }
        #expect(loads.news(now: 0).map(\.node) == ["b0", "b1", "b2"])
    }

    @Test func strangeBytesInTheTableAreNoReport() throws {
        let store = try EmbeddedStore()
        try store.put([1, 2, 3], at: "load/b1", lease: nil, expecting: .anything, now: 0)
        try store.put(
            try LinkMessage.probe(1).encoded(), at: "load/b2", lease: nil, expecting: .anything, now: 0)
        var loads = SharedLoads(store, SplittingSettings())
        #expect(loads.news(now: 0).isEmpty)
    }
}

@Suite("The load that is expected")
struct LoadForecastTests {
    private static let second: Int64 = 1_000_000_000

    @Test func nothingIsSaidBeforeEnoughIsKnown() {
        let forecasts = LoadForecasts()
        #expect(forecasts.load(of: "b1") == nil)
        for second in 0..<29 { forecasts.learn(0.5, of: "b1", now: Int64(second) * Self.second) }
        #expect(forecasts.load(of: "b1") == nil)
        for second in 29..<40 { forecasts.learn(0.5, of: "b1", now: Int64(second) * Self.second) }
        #expect(abs((forecasts.load(of: "b1") ?? 0) - 0.5) < 0.05)
        forecasts.forget("b1")
        #expect(forecasts.load(of: "b1") == nil)
    }

    @Test func aLoadThatComesAndGoesIsSeenComing() {
        let forecasts = LoadForecasts()
        // Ten seconds busy, ten idle: once the season is found, which takes an hour or two, at the end of a busy time idleness
        // is expected, and the other way round.
        var beforeRest: [Double] = []
        var beforeWork: [Double] = []
        for second in 0..<9000 {
            let busy = second / 10 % 2 == 0
            forecasts.learn(busy ? 0.9 : 0.1, of: "b1", now: Int64(second) * Self.second)
            guard second > 8000, second % 10 == 9, let expected = forecasts.load(of: "b1") else { continue }
            if busy { beforeRest.append(expected) } else { beforeWork.append(expected) }
        }
        let rest = beforeRest.reduce(0, +) / Double(max(1, beforeRest.count))
        let work = beforeWork.reduce(0, +) / Double(max(1, beforeWork.count))
        #expect(!beforeRest.isEmpty && !beforeWork.isEmpty)
        #expect(work > rest, "expected before work \(work), before rest \(rest)")
    }

    @Test func theForecastStaysALoad() {
        let forecasts = LoadForecasts()
        for second in 0..<200 {
            forecasts.learn(min(1, Double(second) / 60), of: "b1", now: Int64(second) * Self.second)
            if let load = forecasts.load(of: "b1") { #expect((0...1).contains(load)) }
        }
    }
}
