import Glibc

/// The Theta method with θ = 2: half a straight line, half simple exponential smoothing
/// (Assimakopoulos and Nikolopoulos 2000; Hyndman and Billah 2003).
public struct Theta: Sendable {
    /// The slope of the least-squares line through the series, per step.
    public let slope: Double
    /// The smoothing parameter, 0…1.
    public let alpha: Double
    /// The smoothed series' forecast of the next step.
    public let oneStep: Double
    /// The number of values.
    public let count: Int
    /// The variance of the one-step errors of the smoothing.
    public let variance: Double

    /// A model from its parts, as a reference gives them.
    public init(slope: Double, alpha: Double, oneStep: Double, count: Int, variance: Double = 0) {
        self.slope = slope
        self.alpha = alpha
        self.oneStep = oneStep
        self.count = count
        self.variance = variance
    }

    /// Fits the line by least squares and the smoothing by maximum likelihood.
    /// - Throws: `tooShort` under four values, `notFinite`.
    public init(fitting series: [Double]) throws(ForecastError) {
        let smoothing = try ExponentialSmoothing(fitting: series, form: .simple)
        self.init(
            slope: Theta.slope(of: series), alpha: smoothing.parameters.alpha, oneStep: smoothing.state.level,
            count: series.count, variance: smoothing.squaredErrors / Double(series.count))
    }

    /// The slope of the least-squares line through a series, per step. At least two values.
    public static func slope(of series: [Double]) -> Double {
        let middle = Double(series.count - 1) / 2
        var product = 0.0
        var square = 0.0
        for index in series.indices {
            let distance = Double(index) - middle
            product += distance * series[index]
            square += distance * distance
        }
        return product / square
    }

    /// Forecasts of the steps after the series, without intervals.
    public func means(horizon: Int) -> [Double] {
        let lag = (1 - pow(1 - alpha, Double(count))) / alpha
        return (0..<horizon).map { oneStep + 0.5 * slope * (Double($0) + lag) }
    }

    /// Forecasts with intervals.
    public func forecast(horizon: Int, coverage: Double = 0.9) -> Forecast {
        Forecast(
            mean: means(horizon: horizon),
            variance: (0..<horizon).map { variance * (1 + Double($0) * alpha * alpha) }, coverage: coverage)
    }
}
