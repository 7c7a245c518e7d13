/// A forecast of the steps after the end of a series, with its interval.
public struct Forecast: Equatable, Sendable {
    /// The expected value of each step; `mean[0]` is one step ahead.
    public var mean: [Double]
    /// The lower end of the interval of each step.
    public var lower: [Double]
    /// The upper end of the interval of each step.
    public var upper: [Double]

    /// A forecast from its parts, all of the same length.
    public init(mean: [Double], lower: [Double], upper: [Double]) {
        precondition(mean.count == lower.count && mean.count == upper.count)
        self.mean = mean
        self.lower = lower
        self.upper = upper
    }

    /// A forecast whose errors are normal with the given variances.
    /// - Parameter coverage: the share of future values inside the interval, between 0 and 1.
    public init(mean: [Double], variance: [Double], coverage: Double) {
        let reach = normalQuantile(0.5 + coverage / 2)
        self.init(
            mean: mean,
            lower: mean.indices.map { mean[$0] - reach * variance[$0].squareRoot() },
            upper: mean.indices.map { mean[$0] + reach * variance[$0].squareRoot() })
    }
}
