import Glibc
import Testing

@testable import Forecasting

/// A generator whose numbers never change: x ← 6364136223846793005·x + 1442695040888963407, upper bits.
struct Noise {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    /// Uniform in −1…1.
    mutating func next() -> Double {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Double(state >> 11) / Double(1 << 52) - 1
    }

    /// Roughly normal with variance 1.
    mutating func normal() -> Double { (0..<12).reduce(0) { sum, _ in sum + next() } / 2 }
}

/// What an evaluation of a series gave.
struct Outcome {
    var share = 0.0
    var coverage = 0.0
    var foundShort = 0
}

/// Errors of all ten horizons after `warmUp` as a share of the naive forecast's.
func evaluate(
    _ values: [Double], interval: Int, warmUp: Int, events: [ScheduledEvent] = [], from start: Int64 = 1_700_006_400,
    until: Int = .max, counts: (Int64) -> Bool = { _ in true }
) -> Outcome {
    var model = OnlineForecaster(interval: interval, events: events)
    var said: [[(mean: Double, lower: Double, upper: Double)]] = []
    var (error, naive, inside, pairs) = (0.0, 0.0, 0.0, 0.0)
    for (step, value) in values.enumerated() {
        let time = start + Int64(step * interval)
        for horizon in 1...10 where step - horizon >= warmUp && step - horizon < until && counts(time) {
            let forecast = said[step - horizon][horizon - 1]
            error += (forecast.mean - value).magnitude
            naive += (values[step - horizon] - value).magnitude
            inside += forecast.lower <= value && value <= forecast.upper ? 1 : 0
            pairs += 1
        }
        model.update(value, at: time)
        said.append((1...10).map { model.forecast($0) })
        if model.isReviewDue { model.reviewSeasons() }
    }
    return Outcome(share: error / naive, coverage: inside / pairs, foundShort: model.foundSeasons.short)
}

@Suite struct OnlineTests {
    @Test func aDailyShapeIsLearntAndTheIntervalHoldsNineInTen() {
        var noise = Noise(1)
        let values = (0..<(12 * 288)).map {
            200 + 120 * sin(2 * Double.pi * Double($0) / 288) + ($0 % 12 == 3 ? 60 : 0) + 6 * noise.normal()
        }
        let outcome = evaluate(values, interval: 300, warmUp: 7 * 288)
        #expect(outcome.share < 0.45)
        #expect((0.88...0.92).contains(outcome.coverage))
    }

    @Test func aSeasonThatNoCalendarNamesIsFound() {
        var noise = Noise(2)
        // 37 steps of 30 s: neither a quarter of an hour nor an hour.
        let values = (0..<6_000).map { 100 + ($0 % 37 < 6 ? 80 : 0) + 4 * noise.normal() }
        let outcome = evaluate(values, interval: 30, warmUp: 3_000)
        #expect(outcome.foundShort == 37 * 30)
        #expect(outcome.share < 0.35)
    }

    @Test func noiseWithoutASeasonHasNone() {
        var noise = Noise(3)
        #expect(evaluate((0..<3_000).map { _ in 50 + 5 * noise.normal() }, interval: 30, warmUp: 1).foundShort == 0)
    }

    @Test(arguments: [UInt64(4), 5, 6]) func theFirstStepsAreNoWorseThanNaive(seed: UInt64) {
        var noise = Noise(seed)
        var level = 400.0
        let walk = (0..<2_000).map { _ -> Double in
            level += 3 * noise.normal()
            return level
        }
        #expect(evaluate(walk, interval: 30, warmUp: 0, until: 120).share <= 1.05)
        #expect(evaluate(walk, interval: 30, warmUp: 120).share <= 1.05)
    }

    @Test func aConstantSeriesIsForecastExactly() {
        var model = OnlineForecaster(interval: 30)
        for step in 0..<1_000 { model.update(42.5, at: Int64(30 * step)) }
        for horizon in 1...10 {
            let said = model.forecast(horizon)
            #expect((said.mean - 42.5).magnitude < 1e-9 && said.lower <= said.mean && said.mean <= said.upper)
        }
    }

    @Test func smallChangesOnALargeValueAreNotLost() {
        var noise = Noise(7)
        let values = (0..<2_000).map { 1e9 + 10 * sin(2 * Double.pi * Double($0) / 40) + 0.5 * noise.normal() }
        #expect(evaluate(values, interval: 30, warmUp: 1_200).share < 0.4)
    }

    @Test func gapsLateValuesAndNonsenseAreInputsLikeAnyOther() {
        var model = OnlineForecaster(interval: 30)
        #expect(model.forecast(1).mean == 0)
        for step in 0..<500 { #expect(model.update(100 + Double(step % 5), at: Int64(30 * step)) == .taken) }
        let before = model.forecast(5).mean
        #expect(model.update(7, at: 30 * 400) == .ignored)
        #expect(model.update(.nan, at: 30 * 500) == .ignored)
        #expect(model.update(.infinity, at: 30 * 500) == .ignored)
        #expect(model.update(1, at: .max) == .ignored)
        #expect(model.forecast(5).mean == before)
        #expect(model.update(101, at: 30 * 520) == .takenAfterGap(20))
        #expect(model.steps == 521)
        // A reset to zero and back, a negative value, years without any.
        for step in 521..<560 { model.update(step < 540 ? 0 : 100, at: Int64(30 * step)) }
        model.update(-5, at: 30 * 560)
        model.update(100, at: 30 * 100_000_000)
        for horizon in 1...10 {
            let said = model.forecast(horizon)
            #expect(said.mean.isFinite && said.lower <= said.upper)
        }
    }

    @Test func aNewSamplingIntervalIsNoticed() {
        var model = OnlineForecaster(interval: 30)
        for step in 0..<300 { model.update(50, at: Int64(30 * step)) }
        var time: Int64 = 30 * 299
        var outcomes: [OnlineForecaster.Outcome] = []
        for _ in 0..<12 {
            time += 60
            outcomes.append(model.update(50, at: time))
        }
        #expect(outcomes[0] == .takenAfterGap(1))
        #expect(outcomes.contains(.takenWithNewInterval(60)))
        #expect(outcomes.last == .taken)
        #expect(model.interval == 60)
        for _ in 0..<12 {
            time += 10
            model.update(50, at: time)
        }
        #expect(model.interval == 10)
        #expect((model.forecast(3).mean - 50).magnitude < 1e-6)
    }

    @Test func aSavedForecasterGoesOnAsIfNothingHadHappened() throws {
        var noise = Noise(8)
        let events = [
            ScheduledEvent(start: 20_000, end: 26_000, name: "a"),
            ScheduledEvent(start: 70_000, end: 75_000, name: "b"),
        ]
        var model = OnlineForecaster(interval: 30, events: events)
        for step in 0..<1_500 {
            model.update(100 + Double(step % 20) + noise.normal(), at: Int64(30 * step))
            if model.isReviewDue { model.reviewSeasons() }
        }
        let bytes = model.saved()
        var restored = try OnlineForecaster(restoring: bytes)
        #expect(restored.saved() == bytes)
        for step in 1_500..<3_000 {
            let value = 100 + Double(step % 20) + noise.normal()
            #expect(model.update(value, at: Int64(30 * step)) == restored.update(value, at: Int64(30 * step)))
            if model.isReviewDue { model.reviewSeasons() }
            if restored.isReviewDue { restored.reviewSeasons() }
        }
        for horizon in 1...10 { #expect(model.forecast(horizon) == restored.forecast(horizon)) }
    }

    @Test func aDamagedStateIsRefused() {
        var model = OnlineForecaster(interval: 30)
        for step in 0..<50 { model.update(Double(step), at: Int64(30 * step)) }
        let bytes = model.saved()
        for place in stride(from: 0, to: bytes.count, by: 997) {
            var damaged = bytes
            damaged[place] ^= 0x10
            #expect(throws: ForecastError.badState) { _ = try OnlineForecaster(restoring: damaged).steps }
        }
        #expect(throws: ForecastError.badState) { _ = try OnlineForecaster(restoring: []).steps }
        #expect(throws: ForecastError.badState) { _ = try OnlineForecaster(restoring: bytes.dropLast()).steps }
        #expect(throws: ForecastError.badState) { _ = try ShardForecaster(restoring: bytes).byteCount }
    }

    @Test func aForecasterFitsItsMemory() {
        #expect(OnlineForecaster(interval: 30).byteCount <= 160 * 1_024)
        #expect(OnlineForecaster(interval: 1).byteCount <= 160 * 1_024)
        #expect(ShardForecaster(interval: 30).byteCount <= 8 * 1_024)
    }
}
