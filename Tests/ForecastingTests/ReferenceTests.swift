import Glibc
import Testing

@testable import Forecasting

/// Agreement with numbers made by other methods from a synthetic series (`Scripts/forecast-reference.py`).
@Suite struct ReferenceTests {
    let series = ReferenceNumbers.series

    @Test func additiveHoltWintersForecastsAsAPlainLoopDoes() throws {
        let season = (0..<12).map { 25 * sin(2 * Double.pi * Double($0) / 12) }
        let model = try ExponentialSmoothing(
            series, form: .init(trend: .damped, season: .additive, period: 12),
            parameters: .init(alpha: 0.25, beta: 0.04, gamma: 0.15, phi: 0.93),
            initial: .init(level: 115, trend: 0.3, season: season))
        expectClose(model.means(horizon: 12), ReferenceNumbers.additive, "means")
        expectClose([model.logLikelihood], ReferenceNumbers.additiveLikelihood, "likelihood")
    }

    @Test func multiplicativeHoltWintersForecastsAsAPlainLoopDoes() throws {
        let season = (0..<12).map { 1 + 0.2 * sin(2 * Double.pi * Double($0) / 12) }
        let model = try ExponentialSmoothing(
            series, form: .init(error: .multiplicative, trend: .damped, season: .multiplicative, period: 12),
            parameters: .init(alpha: 0.25, beta: 0.04, gamma: 0.15, phi: 0.93),
            initial: .init(level: 115, trend: 0.3, season: season))
        expectClose(model.means(horizon: 12), ReferenceNumbers.multiplicative, "means")
        expectClose([model.logLikelihood], ReferenceNumbers.multiplicativeLikelihood, "likelihood")
    }

    @Test func autocorrelationIsTheBiasedOne() {
        expectClose(
            Autocorrelation.coefficients(series, maximumLag: 12), ReferenceNumbers.autocorrelation, "coefficients")
        #expect(Autocorrelation.isSeasonal(series, period: 12))
        #expect(!Autocorrelation.isSeasonal(series, period: 9))
    }

    @Test func arimaHasTheLikelihoodAndForecastsOfTheFullCovariance() throws {
        let model = try ARIMA(
            series, order: .init(2, 0, 1), coefficients: [0.6, -0.2, 0.4], variance: 60, mean: 130)
        expectClose([model.logLikelihood], ReferenceNumbers.arimaLikelihood, "likelihood", within: 1e-8)
        expectClose(model.forecast(horizon: 10).mean, ReferenceNumbers.arima, "means", within: 1e-8)
    }

    @Test func structuralModelConditionsOnWhatIsThereDespiteAGap() throws {
        var gappy = series
        for index in 40..<50 { gappy[index] = .nan }
        let model = try StructuralModel(
            gappy, period: 12, harmonics: 2,
            variances: .init(irregular: 20, level: 3, trend: 0.01, season: 0.2),
            initial: [120, 0, 0, 0, 0, 0], spread: 400)
        let (means, variances) = model.meansAndVariances(horizon: 6)
        expectClose(means, ReferenceNumbers.structural, "means")
        expectClose(variances, ReferenceNumbers.structuralVariance, "variances")
    }

    @Test func fittedModelsBeatTheNaiveForecastOnTheLastSeason() throws {
        let history = Array(series.dropLast(12))
        let after = Array(series.suffix(12))
        func error(_ forecast: Forecast) -> Double {
            Accuracy.meanAbsoluteError(actual: after, forecast: forecast.mean)
        }
        let naive = error(try Naive.forecast(history, horizon: 12))
        let winters = try ExponentialSmoothing(
            fitting: history, form: .init(trend: .damped, season: .additive, period: 12))
        #expect(error(winters.forecast(horizon: 12)) < 0.5 * naive)
        let structural = try StructuralModel(fitting: history, period: 12, harmonics: 2)
        #expect(error(structural.forecast(horizon: 12)) < 0.5 * naive)
        let auto = try AutoForecast.forecast(history, horizon: 12)
        #expect(error(auto.forecast) < 0.5 * naive)
        #expect((auto.weights.map(\.1).reduce(0, +) - 1).magnitude < 1e-12)
    }

    @Test func arimaUndoesItsDifferences() throws {
        let line = (0..<60).map { 3 + 2 * Double($0) }
        let forecast = try ARIMA(line, order: .init(0, 2, 0), coefficients: [], variance: 1).forecast(horizon: 4)
        expectClose(forecast.mean, [123, 125, 127, 129], "line")
        // Second differences: errors accumulate as 1, 2, 3, so variances as 1, 5, 14.
        let reach = normalQuantile(0.95)
        expectClose(
            (0..<3).map { (forecast.upper[$0] - forecast.mean[$0]) / reach }, [1, 5.0.squareRoot(), 14.0.squareRoot()],
            "reach")
    }

    @Test func errorsNameWhatIsWrong() {
        #expect(throws: ForecastError.tooShort(count: 2, needed: 4)) {
            try ExponentialSmoothing(fitting: [1, 2], form: .simple)
        }
        #expect(throws: ForecastError.notFinite(index: 1)) { try Naive.forecast([1, .nan], horizon: 1) }
        #expect(throws: ForecastError.notPositive(index: 3)) {
            try ExponentialSmoothing(
                fitting: [1, 2, 3, 0, 5, 6, 7, 8], form: .init(season: .multiplicative, period: 4))
        }
    }

    @Test func quantilesOfTheNormalAreThoseOfTheTables() {
        expectClose(
            [normalQuantile(0.975), normalQuantile(0.05), normalQuantile(1e-10)],
            [1.959963984540054, -1.6448536269514729, -6.361340902404056], "quantiles", within: 1e-12)
    }
}
