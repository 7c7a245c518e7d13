import FoundationEssentials
import Testing

@testable import Forecasting

/// Agreement with reference implementations, where their numbers are at hand (`shared/forecast-fixtures`).
@Suite(.enabled(if: Fixtures.shared != nil))
struct FixtureTests {
    let fixtures = Fixtures.shared!

    @Test func exponentialSmoothingAgreesWithItsReference() throws {
        for entry in fixtures.ets {
            let form = try #require(entry.form)
            let model = try ExponentialSmoothing(
                fixtures.values(entry.series), form: form, parameters: entry.parameters,
                initial: .init(level: entry.l0, trend: entry.b0 ?? 0, season: entry.s0 ?? []))
            expectClose(model.fitted, entry.fitted, "\(entry.series) \(entry.model)")
            expectClose(model.means(horizon: 24), entry.forecast, "\(entry.series) \(entry.model)")
            expectClose([model.state.level], [entry.level_last], "\(entry.series) \(entry.model)")
            expectClose([model.squaredErrors], [entry.sse], "\(entry.series) \(entry.model)")
            expectClose([model.logLikelihood], [entry.loglike], "\(entry.series) \(entry.model)")
        }
    }

    @Test func thetaAgreesWithItsReference() throws {
        for entry in fixtures.theta {
            let model = Theta(slope: entry.b0, alpha: entry.alpha, oneStep: entry.one_step, count: entry.n)
            expectClose(model.means(horizon: 24), entry.forecast, entry.series)
            expectClose([Theta.slope(of: fixtures.values(entry.series))], [entry.b0], entry.series)
        }
    }

    @Test func arimaAgreesWithItsReference() throws {
        for entry in fixtures.arima {
            let (o, s) = (entry.order, entry.seasonal_order)
            let order = ARIMA.Order(
                o[0], o[1], o[2], seasonalAR: s[0], seasonalDifferences: s[1], seasonalMA: s[2], period: max(1, s[3]))
            let model = try ARIMA(
                fixtures.values(entry.series), order: order, coefficients: entry.params.dropLast(),
                variance: entry.params.last)
            let name = "\(entry.series) \(o) \(s)"
            expectClose(model.fitted, entry.fitted_differenced, name, within: 1e-8)
            expectClose(model.differencedMeans(horizon: 24), entry.forecast_differenced, name, within: 1e-8)
            expectClose(model.differencedVariances(horizon: 24), entry.forecast_variance, name, within: 1e-8)
            expectClose([model.logLikelihood], [entry.loglike], name, within: 1e-8)
        }
    }

    @Test func structuralModelAgreesWithItsReference() throws {
        for entry in fixtures.ucm {
            let p = entry.params
            let m = try #require(fixtures.series[entry.series]).m
            let model = try StructuralModel(
                fixtures.values(entry.series), period: m, harmonics: 3,
                variances: .init(irregular: p[0], level: p[1], trend: p[2], season: p[3]),
                initial: entry.initial_state, spread: entry.initial_state_cov_diag)
            expectClose(model.predictions, entry.one_step_pred, entry.series)
            expectClose(model.state, entry.filtered_state_last, entry.series)
            expectClose([model.logLikelihood], [entry.loglike], entry.series)
            let (means, variances) = model.meansAndVariances(horizon: 24)
            expectClose(means, entry.forecast, entry.series)
            expectClose(variances, entry.forecast_variance, entry.series)
        }
    }

    @Test func autocorrelationAndItsTestAgreeWithTheirReference() throws {
        for entry in fixtures.acf {
            let values = fixtures.values(entry.series)
            expectClose(
                Autocorrelation.coefficients(values, maximumLag: entry.acf.count - 1), entry.acf, entry.series)
            #expect(Autocorrelation.isSeasonal(values, period: entry.m) == entry.m4_seasonality_test_90)
        }
    }

    @Test func doubleSeasonalAgreesWithItsReference() throws {
        for (name, entry) in fixtures.dshw.cases {
            let initial = try DoubleSeasonal.State(estimatedFrom: entry.y, short: 24, long: 168)
            let p = fixtures.dshw.parameters
            let model = try DoubleSeasonal(
                entry.y, parameters: .init(alpha: p.alpha, beta: p.beta, gamma: p.gamma, omega: p.omega, phi: p.phi),
                initial: initial)
            expectClose([initial.level, initial.trend], entry.l0 + entry.b0, name)
            expectClose(model.fitted, entry.fitted, name)
            expectClose(model.means(horizon: 48), entry.mean, name)
            expectClose([model.meanSquaredError], entry.mse, name)
        }
    }
}
