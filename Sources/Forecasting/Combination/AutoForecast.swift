import Glibc

/// The combination that needs nothing but the series: models that suit its length and seasons, weighted by how they
/// did on the last values when these were held back.
public enum AutoForecast {
    /// One member of the combination.
    public enum Member: String, CaseIterable, Sendable {
        case naive, seasonalNaive, simple, dampedHolt, theta, holtWinters, holtWintersMultiplicative
        case seasonalIterated, seasonalDirect
    }

    /// Forecasts `horizon` steps.
    /// - Parameter seasons: season lengths in steps, the shorter first; nil to find them in the series.
    /// - Returns: the forecast and the members' weights.
    public static func forecast(
        _ series: [Double], seasons: [Int]? = nil, horizon: Int, coverage: Double = 0.9
    ) throws(ForecastError) -> (forecast: Forecast, weights: [(Member, Double)]) {
        try requireFinite(series, atLeast: 1)
        guard horizon >= 1 else { throw .badParameter("horizon") }
        let seasons = usable(seasons ?? Seasons.find(series), count: series.count)
        let candidates = members(series, seasons: seasons, horizon: horizon)
        let held = min(horizon, max(1, series.count / 4), 2 * (seasons.first ?? 12))
        var weights: [(Member, Double)] = []
        if candidates.count > 1, series.count - held >= 4 {
            let before = Array(series.dropLast(held))
            let after = Array(series.suffix(held))
            var losses: [(Member, Double)] = []
            for member in candidates {
                guard let tried = try? run(member, before, seasons: seasons, horizon: held, coverage: coverage) else {
                    continue
                }
                losses.append((member, Accuracy.meanAbsoluteError(actual: after, forecast: tried.mean)))
            }
            let best = losses.map(\.1).min() ?? 0
            for (member, loss) in losses {
                let ratio = best > 0 ? loss / best : loss > 0 ? .infinity : 1
                weights.append((member, exp(-(ratio - 1))))
            }
        } else {
            weights = candidates.map { ($0, 1) }
        }
        return try combine(weights, series, seasons: seasons, horizon: horizon, coverage: coverage)
    }

    private static func combine(
        _ weights: [(Member, Double)], _ series: [Double], seasons: [Int], horizon: Int, coverage: Double
    ) throws(ForecastError) -> (forecast: Forecast, weights: [(Member, Double)]) {
        var sum = Forecast(
            mean: [Double](repeating: 0, count: horizon), lower: [Double](repeating: 0, count: horizon),
            upper: [Double](repeating: 0, count: horizon))
        var total = 0.0
        var used: [(Member, Double)] = []
        let heaviest = weights.map(\.1).max() ?? 0
        for (member, weight) in weights where weight > 0.01 * heaviest {
            guard let one = try? run(member, series, seasons: seasons, horizon: horizon, coverage: coverage),
                one.mean.allSatisfy(\.isFinite)
            else { continue }
            total += weight
            used.append((member, weight))
            for step in 0..<horizon {
                sum.mean[step] += weight * one.mean[step]
                sum.lower[step] += weight * one.lower[step]
                sum.upper[step] += weight * one.upper[step]
            }
        }
        guard total > 0 else {
            return (try Naive.forecast(series, horizon: horizon, coverage: coverage), [(.naive, 1)])
        }
        for step in 0..<horizon {
            sum.mean[step] /= total
            sum.lower[step] /= total
            sum.upper[step] /= total
        }
        return (sum, used.map { ($0.0, $0.1 / total) })
    }

    /// Seasons that the series is long enough for.
    private static func usable(_ seasons: [Int], count: Int) -> [Int] {
        Array(seasons.filter { $0 >= 2 && 2 * $0 <= count }.sorted().prefix(2))
    }

    private static func members(_ series: [Double], seasons: [Int], horizon: Int) -> [Member] {
        guard series.count >= 8 else { return [.naive] }
        guard let season = seasons.first else { return [.simple, .dampedHolt, .theta] }
        // What is held back must not take a regression its rows.
        if series.count >= SeasonalRegression.shortest(seasons: seasons, horizon: horizon) {
            return [.seasonalIterated, .seasonalDirect]
        }
        if series.count >= 3 * season, series.allSatisfy({ $0 > 0 }) {
            return [.seasonalNaive, .holtWinters, .holtWintersMultiplicative]
        }
        return [.seasonalNaive, .holtWinters]
    }

    /// Runs one member by itself.
    public static func run(
        _ member: Member, _ series: [Double], seasons: [Int], horizon: Int, coverage: Double = 0.9
    ) throws(ForecastError) -> Forecast {
        let period = seasons.first ?? 1
        func smoothing(_ form: ExponentialSmoothing.Form) throws(ForecastError) -> Forecast {
            try ExponentialSmoothing(fitting: series, form: form).forecast(horizon: horizon, coverage: coverage)
        }
        switch member {
        case .naive: return try Naive.forecast(series, horizon: horizon, coverage: coverage)
        case .seasonalNaive:
            return try Naive.seasonal(series, period: period, horizon: horizon, coverage: coverage)
        case .simple: return try smoothing(.simple)
        case .dampedHolt: return try smoothing(.dampedHolt)
        case .theta: return try Theta(fitting: series).forecast(horizon: horizon, coverage: coverage)
        case .holtWinters: return try smoothing(.init(trend: .damped, season: .additive, period: period))
        case .holtWintersMultiplicative:
            return try smoothing(.init(error: .multiplicative, trend: .damped, season: .multiplicative, period: period))
        case .seasonalIterated:
            return try SeasonalRegression.iterated(series, seasons: seasons, horizon: horizon, coverage: coverage)
        case .seasonalDirect:
            return try SeasonalRegression.direct(series, seasons: seasons, horizon: horizon, coverage: coverage)
        }
    }
}
