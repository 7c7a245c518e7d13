/// The forecasts that others are measured against.
public enum Naive {
    /// The last value, for each step; the variance grows by one step's variance a step.
    public static func forecast(_ series: [Double], horizon: Int, coverage: Double = 0.9) throws(ForecastError)
        -> Forecast
    {
        try seasonal(series, period: 1, horizon: horizon, coverage: coverage)
    }

    /// The value of the same phase one season ago.
    /// - Parameter period: season length in steps, at least 1. The series must be at least one season long.
    public static func seasonal(
        _ series: [Double], period: Int, horizon: Int, coverage: Double = 0.9
    ) throws(ForecastError) -> Forecast {
        guard period >= 1 else { throw .badParameter("period") }
        try requireFinite(series, atLeast: period)
        let start = series.count - period
        let mean = (0..<horizon).map { series[start + $0 % period] }
        var squares = 0.0
        for index in period..<max(period, series.count) {
            let error = series[index] - series[index - period]
            squares += error * error
        }
        let variance = squares / Double(max(1, series.count - period))
        return Forecast(
            mean: mean, variance: (0..<horizon).map { variance * Double($0 / period + 1) }, coverage: coverage)
    }
}
