extension Naive {
    /// The benchmark of the M4 competition: the last value without its season, with the season put back.
    ///
    /// The season is that of a classical multiplicative decomposition and is used only where the series passes
    /// `Autocorrelation.isSeasonal`. Values must be positive for that; otherwise this is the naive forecast.
    public static func withoutSeason(_ series: [Double], period: Int, horizon: Int) throws(ForecastError) -> [Double] {
        try requireFinite(series, atLeast: 1)
        guard period > 1, series.allSatisfy({ $0 > 0 }), Autocorrelation.isSeasonal(series, period: period) else {
            return [Double](repeating: series[series.count - 1], count: horizon)
        }
        let factors = multiplicativeSeason(series, period: period)
        let last = series[series.count - 1] / factors[(series.count - 1) % period]
        return (0..<horizon).map { last * factors[(series.count + $0) % period] }
    }

    /// Mean ratios to the centred moving average by phase, scaled to a mean of 1.
    static func multiplicativeSeason(_ series: [Double], period: Int) -> [Double] {
        let half = period / 2
        var sums = [Double](repeating: 0, count: period)
        var counts = [Double](repeating: 0, count: period)
        for index in half..<max(half, series.count - half) {
            var trend = 0.0
            if period % 2 == 0 {
                for offset in (1 - half)..<half { trend += series[index + offset] }
                trend += (series[index - half] + series[index + half]) / 2
            } else {
                for offset in -half...half { trend += series[index + offset] }
            }
            sums[index % period] += series[index] / (trend / Double(period))
            counts[index % period] += 1
        }
        let factors = sums.indices.map { counts[$0] > 0 ? sums[$0] / counts[$0] : 1 }
        let mean = factors.reduce(0, +) / Double(period)
        return factors.map { $0 / mean }
    }
}
