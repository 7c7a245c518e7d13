import Glibc

/// Local linear trend with a trigonometric season, filtered by Kalman (Harvey 1989, §2.3): the model for series
/// with gaps. A value that is not a number is a gap; the state moves on without it and the intervals widen.
public struct StructuralModel: Sendable {
    /// Variances of the disturbances.
    public struct Variances: Equatable, Sendable {
        /// Of the observation.
        public var irregular: Double
        /// Of the level.
        public var level: Double
        /// Of the trend.
        public var trend: Double
        /// Of each harmonic's two terms.
        public var season: Double

        /// Variances by name.
        public init(irregular: Double, level: Double, trend: Double, season: Double) {
            self.irregular = irregular
            self.level = level
            self.trend = trend
            self.season = season
        }
    }

    /// Season length in steps.
    public let period: Int
    /// Number of harmonics; 0 for none.
    public let harmonics: Int
    /// The variances.
    public let variances: Variances
    /// One-step forecasts, also where the series has a gap.
    public let predictions: [Double]
    /// Log-likelihood, without as many first terms as there are states.
    public let logLikelihood: Double
    /// Level, trend and the harmonics' pairs after the last value.
    public let state: [Double]
    private let filter: TrigonometricFilter

    /// Filters a series from a normal prior with mean `initial` and variance `spread` in each state.
    /// - Parameter initial: level, trend and the harmonics' pairs: 2 + 2·harmonics numbers.
    public init(
        _ series: [Double], period: Int, harmonics: Int, variances: Variances, initial: [Double], spread: Double
    ) throws(ForecastError) {
        guard harmonics >= 0, harmonics == 0 || period >= 2 * harmonics else { throw .badParameter("harmonics") }
        guard initial.count == 2 + 2 * harmonics else { throw .badParameter("initial state") }
        guard !series.isEmpty else { throw .tooShort(count: 0, needed: 1) }
        var filter = TrigonometricFilter(
            period: period, harmonics: harmonics, variances: variances, initial: initial, spread: spread)
        predictions = series.map { filter.step($0) }
        logLikelihood = filter.logLikelihood
        state = filter.filtered
        self.filter = filter
        self.period = period
        self.harmonics = harmonics
        self.variances = variances
    }

    /// Fits the variances by maximum likelihood; the prior is wide around the first known value.
    /// - Throws: `tooShort` under twice as many known values as states.
    public init(fitting series: [Double], period: Int, harmonics: Int) throws(ForecastError) {
        guard harmonics >= 0, harmonics == 0 || period >= 2 * harmonics else { throw .badParameter("harmonics") }
        let known = series.filter(\.isFinite)
        let states = 2 + 2 * harmonics
        guard known.count >= 2 * states else { throw .tooShort(count: known.count, needed: 2 * states) }
        let mean = known.reduce(0, +) / Double(known.count)
        var power = known.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(known.count)
        if power <= 0 { power = 1e-12 }
        let initial = [mean] + [Double](repeating: 0, count: states - 1)
        func variances(_ point: [Double]) -> Variances {
            let scaled = point.map { power * exp(min(3, max(-30, $0))) }
            return Variances(irregular: scaled[0], level: scaled[1], trend: scaled[2], season: scaled[3])
        }
        let best = minimise(start: [-2, -3, -12, -8], size: 2, evaluations: 160, tolerance: 1e-7) { point in
            var filter = TrigonometricFilter(
                period: period, harmonics: harmonics, variances: variances(point), initial: initial,
                spread: 100 * power)
            for value in series { _ = filter.step(value) }
            return filter.logLikelihood.isFinite ? -filter.logLikelihood : .infinity
        }
        try self.init(
            series, period: period, harmonics: harmonics, variances: variances(best), initial: initial,
            spread: 100 * power)
    }

    /// Forecasts of the steps after the series with intervals.
    public func forecast(horizon: Int, coverage: Double = 0.9) -> Forecast {
        let (means, variances) = meansAndVariances(horizon: horizon)
        return Forecast(mean: means, variance: variances, coverage: coverage)
    }

    /// Means and variances of the steps after the series.
    public func meansAndVariances(horizon: Int) -> (means: [Double], variances: [Double]) {
        var ahead = filter
        var variances: [Double] = []
        let means = (0..<horizon).map { _ in
            variances.append(ahead.forecastVariance)
            return ahead.step(.nan)
        }
        return (means, variances)
    }
}
