import Glibc

extension ARIMA.Order {
    func check() throws(ForecastError) {
        let counts = [ar, differences, ma, seasonalAR, seasonalDifferences, seasonalMA]
        guard counts.allSatisfy({ (0...12).contains($0) }) else { throw .badParameter("order") }
        guard period > 1 || (period == 1 && seasonalAR + seasonalDifferences + seasonalMA == 0) else {
            throw .badParameter("period")
        }
    }

    /// The series after all differences.
    func difference(_ series: [Double]) -> [Double] {
        var result = series
        for lag in lags { result = (lag..<result.count).map { result[$0] - result[$0 - lag] } }
        return result
    }

    /// Undoes the differences for values that follow `history`, the last values of the undifferenced series.
    func integrate(_ values: [Double], after history: [Double]) -> [Double] {
        var levels = [history]
        for lag in lags {
            let last = levels[levels.count - 1]
            levels.append((lag..<max(lag, last.count)).map { last[$0] - last[$0 - lag] })
        }
        var result = values
        for (depth, lag) in lags.enumerated().reversed() {
            var tail = levels[depth]
            let known = tail.count
            for value in result { tail.append(value + tail[tail.count - lag]) }
            result = Array(tail[known...])
        }
        return result
    }

    private var lags: [Int] {
        [Int](repeating: 1, count: differences) + [Int](repeating: period, count: seasonalDifferences)
    }

    /// Maps the whole real space onto stationary and invertible coefficients (Monahan 1984).
    func restricted(_ point: [Double]) -> [Double] {
        var rest = point[...]
        func take(_ count: Int, sign: Double) -> [Double] {
            let taken = rest.prefix(count)
            rest = rest.dropFirst(count)
            return partialToCoefficients(taken.map { $0 / (1 + $0 * $0).squareRoot() }).map { sign * $0 }
        }
        return take(ar, sign: 1) + take(ma, sign: -1) + take(seasonalAR, sign: 1) + take(seasonalMA, sign: -1)
    }
}

/// Autoregressive coefficients from partial autocorrelations (Durbin and Levinson).
private func partialToCoefficients(_ partials: [Double]) -> [Double] {
    var result: [Double] = []
    for partial in partials {
        let before = result
        for index in before.indices { result[index] = before[index] - partial * before[before.count - 1 - index] }
        result.append(partial)
    }
    return result
}
