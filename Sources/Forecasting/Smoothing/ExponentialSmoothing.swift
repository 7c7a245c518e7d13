import Glibc

/// Exponential smoothing as a state-space model with one source of error (Hyndman, Koehler, Ord and Snyder 2008).
///
/// Simple smoothing (`.simple`), Holt (`.holt`), damped Holt and Holt-Winters with an additive or multiplicative season
/// are forms of it. With `u = l + φ·b` the forecast is `u + s` or `u · s`; the error moves level, trend and season by
/// α, β and γ. The multiplicative season is smoothed towards `y / l` of the **new** level with γ / (1 − α).
public struct ExponentialSmoothing: Sendable {
    /// How the error enters; it changes the likelihood, not the recursion.
    public enum Error: Sendable { case additive, multiplicative }
    /// The trend's kind.
    public enum Trend: Sendable { case none, additive, damped }
    /// The season's kind.
    public enum Season: Sendable { case none, additive, multiplicative }

    /// Which components a model has.
    public struct Form: Equatable, Sendable {
        /// The error's kind.
        public var error: Error
        /// The trend's kind.
        public var trend: Trend
        /// The season's kind.
        public var season: Season
        /// Season length in steps; 1 without a season.
        public var period: Int

        /// A form from its components.
        public init(error: Error = .additive, trend: Trend = .none, season: Season = .none, period: Int = 1) {
            self.error = error
            self.trend = trend
            self.season = season
            self.period = season == .none ? 1 : period
        }

        /// Simple exponential smoothing.
        public static let simple = Form()
        /// Holt's linear trend.
        public static let holt = Form(trend: .additive)
        /// Holt's trend, damped.
        public static let dampedHolt = Form(trend: .damped)
    }

    /// Smoothing parameters in the state-space scale (not the classical β* = β/α, γ* = γ/(1 − α)).
    public struct Parameters: Equatable, Sendable {
        /// Level, 0…1.
        public var alpha: Double
        /// Trend, 0…α.
        public var beta: Double
        /// Season, 0…1 − α.
        public var gamma: Double
        /// Damping of the trend, 0…1; 1 undamped.
        public var phi: Double

        /// Parameters; those of components a form lacks are ignored.
        public init(alpha: Double, beta: Double = 0, gamma: Double = 0, phi: Double = 1) {
            self.alpha = alpha
            self.beta = beta
            self.gamma = gamma
            self.phi = phi
        }
    }

    /// The components at one moment.
    public struct State: Equatable, Sendable {
        /// The level.
        public var level: Double
        /// The trend per step.
        public var trend: Double
        /// The season's terms; the first belongs to the next step. Empty without a season.
        public var season: [Double]

        /// A state from its components.
        public init(level: Double, trend: Double = 0, season: [Double] = []) {
            self.level = level
            self.trend = trend
            self.season = season
        }
    }

    /// The components of the model.
    public let form: Form
    /// Its parameters.
    public let parameters: Parameters
    /// The state before the first value.
    public let initial: State
    /// One-step forecasts of each value of the series.
    public let fitted: [Double]
    /// The state after the last value.
    public let state: State
    /// Sum of squared one-step errors, relative ones for a multiplicative error.
    public let squaredErrors: Double
    /// The log-likelihood with the variance at its maximum.
    public let logLikelihood: Double

    /// Runs the recursions over a series with given parameters and initial state.
    /// - Throws: `tooShort`, `notFinite`, or `badParameter` when the initial season's length is not the period.
    public init(
        _ series: [Double], form: Form, parameters: Parameters, initial: State
    ) throws(ForecastError) {
        try requireFinite(series, atLeast: 1)
        guard form.season == .none ? initial.season.isEmpty : initial.season.count == form.period else {
            throw .badParameter("initial season")
        }
        self.form = form
        self.parameters = parameters
        self.initial = initial
        var recursion = SmoothingRecursion(form: form, parameters: parameters, state: initial)
        fitted = series.map { recursion.step($0) }
        state = recursion.finalState
        squaredErrors = recursion.squares
        logLikelihood = recursion.logLikelihood
    }

    /// Forecasts of the steps after the series, without intervals.
    public func means(horizon: Int) -> [Double] {
        var reach = 0.0
        var power = 1.0
        return (0..<horizon).map { step in
            power *= dampening
            reach += power
            let line = form.trend == .none ? state.level : state.level + reach * state.trend
            return switch form.season {
            case .none: line
            case .additive: line + state.season[step % form.period]
            case .multiplicative: line * state.season[step % form.period]
            }
        }
    }

    var dampening: Double { form.trend == .damped ? parameters.phi : 1 }
}

/// The recursion itself; the season is a ring whose current phase moves on.
struct SmoothingRecursion {
    let form: ExponentialSmoothing.Form
    let alpha: Double
    let beta: Double
    let gamma: Double
    let phi: Double
    var level: Double
    var trend: Double
    var season: [Double]
    var phase = 0
    var squares = 0.0
    var logScale = 0.0
    var count = 0

    init(
        form: ExponentialSmoothing.Form, parameters: ExponentialSmoothing.Parameters, state: ExponentialSmoothing.State
    ) {
        self.form = form
        alpha = parameters.alpha
        beta = form.trend == .none ? 0 : parameters.beta
        gamma = form.season == .multiplicative ? parameters.gamma / (1 - parameters.alpha) : parameters.gamma
        phi = form.trend == .none ? 0 : form.trend == .damped ? parameters.phi : 1
        level = state.level
        trend = state.trend
        season = state.season
    }

    /// Takes one value and returns what had been forecast for it.
    mutating func step(_ value: Double) -> Double {
        let line = level + phi * trend
        let forecast: Double
        switch form.season {
        case .none:
            forecast = line
            move(line: line, error: value - line)
        case .additive:
            forecast = line + season[phase]
            let error = value - forecast
            move(line: line, error: error)
            season[phase] += gamma * error
        case .multiplicative:
            forecast = line * season[phase]
            move(line: line, error: (value - forecast) / season[phase])
            season[phase] = gamma * value / level + (1 - gamma) * season[phase]
        }
        if form.season != .none { phase = phase + 1 == form.period ? 0 : phase + 1 }
        var error = value - forecast
        if form.error == .multiplicative {
            error /= forecast
            logScale += log(forecast.magnitude)
        }
        squares += error * error
        count += 1
        return forecast
    }

    private mutating func move(line: Double, error: Double) {
        level = line + alpha * error
        trend = phi * trend + beta * error
    }

    var finalState: ExponentialSmoothing.State {
        .init(
            level: level, trend: form.trend == .none ? 0 : trend,
            season: season.isEmpty ? [] : Array(season[phase...] + season[..<phase]))
    }

    var logLikelihood: Double {
        let n = Double(count)
        return -n / 2 * (log(2 * Double.pi * squares / n) + 1) - logScale
    }
}
