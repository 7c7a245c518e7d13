import Glibc

/// Autoregressive integrated moving average, with its exact Gaussian likelihood by the Kalman filter
/// (Harvey 1989, §3.3; stationary start).
///
/// A season multiplies further polynomials in; it costs time with the square of the season length.
public struct ARIMA: Sendable {
    /// Numbers of coefficients and differences.
    public struct Order: Equatable, Sendable {
        /// Autoregressive coefficients.
        public var ar: Int
        /// Differences of one step.
        public var differences: Int
        /// Moving-average coefficients.
        public var ma: Int
        /// Autoregressive coefficients at multiples of the season.
        public var seasonalAR: Int
        /// Differences of one season.
        public var seasonalDifferences: Int
        /// Moving-average coefficients at multiples of the season.
        public var seasonalMA: Int
        /// Season length in steps; 1 without a season.
        public var period: Int

        /// An order; without a season when `period` is 1.
        public init(
            _ ar: Int, _ differences: Int, _ ma: Int, seasonalAR: Int = 0, seasonalDifferences: Int = 0,
            seasonalMA: Int = 0, period: Int = 1
        ) {
            self.ar = ar
            self.differences = differences
            self.ma = ma
            self.seasonalAR = seasonalAR
            self.seasonalDifferences = seasonalDifferences
            self.seasonalMA = seasonalMA
            self.period = period
        }

        var coefficients: Int { ar + ma + seasonalAR + seasonalMA }
    }

    /// The order.
    public let order: Order
    /// AR, MA, seasonal AR, seasonal MA coefficients in that order; an MA coefficient adds `+θ·e`.
    public let coefficients: [Double]
    /// The mean that was taken from the differenced series.
    public let mean: Double
    /// Variance of one step's innovation.
    public let variance: Double
    /// One-step forecasts of the differenced series.
    public let fitted: [Double]
    /// The exact log-likelihood of the differenced series.
    public let logLikelihood: Double
    private let filter: ARMAFilter
    private let history: [Double]

    /// Filters a series with given coefficients.
    /// - Parameter variance: innovation variance; nil takes its maximum-likelihood value.
    public init(
        _ series: [Double], order: Order, coefficients: [Double], variance: Double? = nil, mean: Double = 0
    ) throws(ForecastError) {
        try order.check()
        guard coefficients.count == order.coefficients else { throw .badParameter("number of coefficients") }
        let lost = order.differences + order.seasonalDifferences * order.period
        try requireFinite(series, atLeast: lost + 2)
        let stationary = order.difference(series).map { $0 - mean }
        var filter = ARMAFilter(order: order, coefficients: coefficients)
        fitted = stationary.map { filter.step($0) + mean }
        let n = Double(stationary.count)
        let scale = variance ?? filter.squares / n
        self.variance = scale
        logLikelihood = -0.5 * (n * log(2 * Double.pi * scale) + filter.logDeterminant + filter.squares / scale)
        self.order = order
        self.coefficients = coefficients
        self.mean = mean
        self.filter = filter
        history = Array(series.suffix(lost))
    }

    /// Fits coefficients and variance by maximum likelihood, inside the stationary and invertible region.
    ///
    /// The mean of an undifferenced series is its sample mean.
    public init(fitting series: [Double], order: Order) throws(ForecastError) {
        try order.check()
        let lost = order.differences + order.seasonalDifferences * order.period
        try requireFinite(series, atLeast: lost + order.coefficients + 3)
        let differenced = order.difference(series)
        let mean = lost > 0 ? 0 : differenced.reduce(0, +) / Double(differenced.count)
        let stationary = differenced.map { $0 - mean }
        let n = Double(stationary.count)
        let dimensions = order.coefficients
        let best =
            dimensions == 0
            ? []
            : minimise(
                start: [Double](repeating: 0.1, count: dimensions), size: 0.6, evaluations: 120 * dimensions
            ) { point in
                var filter = ARMAFilter(order: order, coefficients: order.restricted(point))
                for value in stationary { _ = filter.step(value) }
                let cost = n * log(filter.squares / n) + filter.logDeterminant
                return cost.isFinite ? cost : .infinity
            }
        try self.init(series, order: order, coefficients: order.restricted(best), mean: mean)
    }

    /// Forecasts of the steps after the series with intervals.
    public func forecast(horizon: Int, coverage: Double = 0.9) -> Forecast {
        let (means, effects) = (differencedMeans(horizon: horizon), cumulatedEffects(horizon: horizon))
        var sum = 0.0
        let variances = effects.map { effect in
            sum += effect * effect
            return variance * sum
        }
        return Forecast(mean: order.integrate(means, after: history), variance: variances, coverage: coverage)
    }

    /// Forecasts of the differenced series.
    public func differencedMeans(horizon: Int) -> [Double] {
        var ahead = filter
        return (0..<horizon).map { _ in ahead.skip() + mean }
    }

    /// Variances of the forecasts of the differenced series.
    public func differencedVariances(horizon: Int) -> [Double] {
        var ahead = filter
        return (0..<horizon).map { _ in
            let unit = ahead.forecastVariance
            _ = ahead.skip()
            return unit * variance
        }
    }

    /// How an innovation moves the value `step` later, differences undone.
    private func cumulatedEffects(horizon: Int) -> [Double] {
        var effects = (0..<horizon).map { $0 == 0 ? 1 : 0.0 }
        for step in 1..<max(1, horizon) {
            var sum = step <= filter.moving.count ? filter.moving[step - 1] : 0
            for lag in 1...max(1, min(step, filter.regressive.count)) where lag <= filter.regressive.count {
                sum += filter.regressive[lag - 1] * effects[step - lag]
            }
            effects[step] = sum
        }
        return order.integrate(effects, after: [Double](repeating: 0, count: history.count))
    }
}
