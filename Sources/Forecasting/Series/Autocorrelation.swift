/// Sample autocorrelation and what is read from it.
public enum Autocorrelation {
    /// Autocorrelations of lags 0…`maximumLag`, from biased autocovariances (divided by the count at each lag).
    ///
    /// A constant series has 1 at lag 0 and 0 elsewhere.
    public static func coefficients(_ series: [Double], maximumLag: Int) -> [Double] {
        precondition(maximumLag >= 0 && series.count > maximumLag)
        var mean = 0.0
        for value in series { mean += value }
        mean /= Double(series.count)
        let centred = series.map { $0 - mean }
        var result = [Double](repeating: 0, count: maximumLag + 1)
        for lag in 0...maximumLag {
            var sum = 0.0
            for index in lag..<centred.count { sum += centred[index] * centred[index - lag] }
            result[lag] = sum
        }
        let variance = result[0]
        guard variance > 0 else { return [1] + [Double](repeating: 0, count: maximumLag) }
        for lag in result.indices { result[lag] /= variance }
        return result
    }

    /// The seasonality test of the M4 competition: is the autocorrelation at lag `period` beyond its 90 % limit?
    ///
    /// |r(m)| > 1.645 / √n · √(1 + 2·Σ r(i)², i < m). False for a series shorter than three periods.
    public static func isSeasonal(_ series: [Double], period: Int) -> Bool {
        guard period > 1, series.count >= 3 * period else { return false }
        let r = coefficients(series, maximumLag: period)
        var sum = 1.0
        for lag in 1..<period { sum += 2 * r[lag] * r[lag] }
        return r[period].magnitude > 1.645 * (sum / Double(series.count)).squareRoot()
    }
}
