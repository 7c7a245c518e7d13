/// Double seasonal Holt-Winters, multiplicative, with a first-order correction of the errors (Taylor 2003).
///
/// Agrees with `dshw` of R's forecast package, whose initial values it uses too.
public struct DoubleSeasonal: Sendable {
    /// Smoothing parameters, each 0…1.
    public struct Parameters: Equatable, Sendable {
        /// Level.
        public var alpha: Double
        /// Trend.
        public var beta: Double
        /// The short season.
        public var gamma: Double
        /// The long season.
        public var omega: Double
        /// How much of an error goes into the next step's forecast, −1…1.
        public var phi: Double

        /// Parameters by name.
        public init(alpha: Double, beta: Double, gamma: Double, omega: Double, phi: Double) {
            self.alpha = alpha
            self.beta = beta
            self.gamma = gamma
            self.omega = omega
            self.phi = phi
        }
    }

    /// Where the recursion starts.
    public struct State: Equatable, Sendable {
        /// The level.
        public var level: Double
        /// The trend per step.
        public var trend: Double
        /// Factors of the short season, the next step's first.
        public var short: [Double]
        /// Factors of the long season, the next step's first.
        public var long: [Double]

        /// A state from its components.
        public init(level: Double, trend: Double, short: [Double], long: [Double]) {
            self.level = level
            self.trend = trend
            self.short = short
            self.long = long
        }

        /// The initial state of R's `dshw`: factors by centred moving averages over two seasons.
        ///
        /// The long period must be a multiple of the short one, and the series at least two long periods.
        public init(estimatedFrom series: [Double], short: Int, long: Int) throws(ForecastError) {
            guard short >= 2, long > short, long % short == 0 else { throw .badParameter("season lengths") }
            try requireFinite(series, atLeast: 2 * long)
            try requirePositive(series)
            let daily = seasonalFactors(series, period: short)
            var weekly = seasonalFactors(series, period: long)
            for index in weekly.indices { weekly[index] /= daily[index % short] }
            var trend = 0.0
            var total = 0.0
            for index in 0..<long {
                let rise = index == 0 ? 0 : series[index] - series[index - 1]
                trend += (series[index] - series[index + long]) / Double(long) + rise
                total += series[index] + series[index + long]
            }
            trend /= 2 * Double(long)
            self.init(
                level: total / Double(2 * long) - (Double(long) + 0.5) * trend, trend: trend, short: daily, long: weekly
            )
        }
    }

    /// The parameters.
    public let parameters: Parameters
    /// The state before the first value.
    public let initial: State
    /// The state after the last value.
    public let state: State
    /// One-step forecasts of each value, corrected.
    public let fitted: [Double]
    /// The last error before correction.
    public let lastError: Double
    /// Mean squared one-step error.
    public let meanSquaredError: Double

    /// Runs the recursion over a series.
    public init(_ series: [Double], parameters: Parameters, initial: State) throws(ForecastError) {
        try requireFinite(series, atLeast: 1)
        self.parameters = parameters
        self.initial = initial
        var state = initial
        var fitted = [Double](repeating: 0, count: series.count)
        var error = 0.0
        var squares = 0.0
        var shortPhase = 0
        var longPhase = 0
        for index in series.indices {
            let value = series[index]
            let daily = state.short[shortPhase]
            let weekly = state.long[longPhase]
            let line = state.level + state.trend
            let plain = line * daily * weekly
            fitted[index] = plain + parameters.phi * error
            error = value - plain
            squares += (value - fitted[index]) * (value - fitted[index])
            let level = parameters.alpha * (value / (daily * weekly)) + (1 - parameters.alpha) * line
            state.trend = parameters.beta * (level - state.level) + (1 - parameters.beta) * state.trend
            state.level = level
            state.short[shortPhase] = parameters.gamma * (value / (level * weekly)) + (1 - parameters.gamma) * daily
            state.long[longPhase] = parameters.omega * (value / (level * daily)) + (1 - parameters.omega) * weekly
            shortPhase = shortPhase + 1 == state.short.count ? 0 : shortPhase + 1
            longPhase = longPhase + 1 == state.long.count ? 0 : longPhase + 1
        }
        state.short = Array(state.short[shortPhase...] + state.short[..<shortPhase])
        state.long = Array(state.long[longPhase...] + state.long[..<longPhase])
        self.state = state
        self.fitted = fitted
        lastError = error
        meanSquaredError = squares / Double(series.count)
    }

    /// Forecasts of the steps after the series, without intervals.
    public func means(horizon: Int) -> [Double] {
        var correction = lastError
        return (0..<horizon).map { step in
            correction *= parameters.phi
            let line = state.level + Double(step + 1) * state.trend
            return line * state.short[step % state.short.count] * state.long[step % state.long.count] + correction
        }
    }
}

/// Factors of one season from the first two: value over centred moving average, as in R's `dshw`.
private func seasonalFactors(_ series: [Double], period: Int) -> [Double] {
    let half = period / 2
    var factors = [Double](repeating: 0, count: period)
    for index in half..<(half + period) {
        var sum = 0.0
        if period % 2 == 0 {
            for offset in (1 - half)..<half { sum += series[index + offset] }
            sum += (series[index - half] + series[index + half]) / 2
        } else {
            for offset in -half...half { sum += series[index + offset] }
        }
        factors[index % period] = series[index] / (sum / Double(period))
    }
    return factors
}
