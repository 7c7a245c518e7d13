import Glibc

extension DoubleSeasonal {
    /// Fits the parameters by least squares from the initial state of the first two long seasons.
    /// - Throws: `badParameter` where the long season is not a multiple of the short one, `tooShort`, `notPositive`.
    public init(fitting series: [Double], short: Int, long: Int) throws(ForecastError) {
        let initial = try State(estimatedFrom: series, short: short, long: long)
        func parameters(_ point: [Double]) -> Parameters {
            func unit(_ x: Double) -> Double { 1e-4 + 0.9998 / (1 + exp(-x)) }
            return Parameters(
                alpha: unit(point[0]), beta: unit(point[1]) * 0.2, gamma: unit(point[2]), omega: unit(point[3]),
                phi: 2 * unit(point[4]) - 1)
        }
        let best = minimise(start: [-2, -4, -1.5, -1.5, 1], size: 1, evaluations: 250, tolerance: 1e-6) { point in
            guard let run = try? DoubleSeasonal(series, parameters: parameters(point), initial: initial),
                run.meanSquaredError.isFinite
            else { return .infinity }
            return run.meanSquaredError
        }
        try self.init(series, parameters: parameters(best), initial: initial)
    }

    /// Forecasts with intervals that widen with the level's and the correction's memory.
    public func forecast(horizon: Int, coverage: Double = 0.9) -> Forecast {
        var power = 1.0
        var sum = 1.0
        let variances = (0..<horizon).map { step in
            if step > 0 {
                power *= parameters.phi
                let effect = parameters.alpha * (1 + Double(step) * parameters.beta) + power
                sum += effect * effect
            }
            return meanSquaredError * sum
        }
        return Forecast(mean: means(horizon: horizon), variance: variances, coverage: coverage)
    }
}
