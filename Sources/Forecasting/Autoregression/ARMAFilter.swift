import Glibc

/// The Kalman filter of a stationary ARMA process with unit innovation variance, in Harvey's form.
///
/// State i holds what value i steps ahead already owes to the past; the transition is a shift plus the
/// autoregression, so a step costs the square of the number of states.
struct ARMAFilter: Sendable {
    let regressive: [Double]
    let moving: [Double]
    let states: Int
    private(set) var mean: [Double]
    /// Covariance of the predicted state, row by row.
    private(set) var covariance: [Double]
    private(set) var squares = 0.0
    private(set) var logDeterminant = 0.0
    private let noise: [Double]
    private let weights: [Double]

    init(order: ARIMA.Order, coefficients: [Double]) {
        var rest = coefficients[...]
        func take(_ count: Int) -> [Double] {
            let taken = Array(rest.prefix(count))
            rest = rest.dropFirst(count)
            return taken
        }
        let ar = take(order.ar)
        let ma = take(order.ma)
        let seasonalAR = take(order.seasonalAR)
        let seasonalMA = take(order.seasonalMA)
        regressive = productOfPolynomials(ar, seasonalAR, period: order.period, sign: -1)
        moving = productOfPolynomials(ma, seasonalMA, period: order.period, sign: 1)
        let r = max(regressive.count, moving.count + 1)
        states = r
        weights = regressive + [Double](repeating: 0, count: r - regressive.count)
        noise = [1] + moving + [Double](repeating: 0, count: r - 1 - moving.count)
        mean = [Double](repeating: 0, count: r)
        covariance = []
        covariance = stationaryCovariance()
    }

    /// Variance of the next value's forecast, in innovations.
    var forecastVariance: Double { covariance[0] }

    /// Takes a value and returns what had been forecast for it.
    mutating func step(_ value: Double) -> Double {
        let forecast = mean[0]
        let error = value - forecast
        let scale = covariance[0]
        squares += error * error / scale
        logDeterminant += log(scale)
        let r = states
        for row in 0..<r { mean[row] += covariance[row * r] * error / scale }
        let first = (0..<r).map { covariance[$0 * r] }
        for row in 0..<r {
            for column in 0..<r { covariance[row * r + column] -= first[row] * first[column] / scale }
        }
        advance()
        return forecast
    }

    /// Moves on by a step whose value is not known and returns its forecast.
    mutating func skip() -> Double {
        let forecast = mean[0]
        advance()
        return forecast
    }

    private mutating func advance() {
        let r = states
        let head = mean[0]
        for row in 0..<r { mean[row] = weights[row] * head + (row + 1 < r ? mean[row + 1] : 0) }
        // T·P·T′ + n·n′ in place of P: row and column i + 1 are read before they are written.
        let old = covariance
        for row in 0..<r {
            for column in 0..<r {
                var sum = weights[row] * weights[column] * old[0] + noise[row] * noise[column]
                if column + 1 < r { sum += weights[row] * old[column + 1] }
                if row + 1 < r { sum += weights[column] * old[(row + 1) * r] }
                if row + 1 < r && column + 1 < r { sum += old[(row + 1) * r + column + 1] }
                covariance[row * r + column] = sum
            }
        }
    }

    /// Σ Tᵏ·n·n′·T′ᵏ by doubling: P ← P + A·P·A′, A ← A².
    private func stationaryCovariance() -> [Double] {
        let r = states
        var sum = [Double](repeating: 0, count: r * r)
        var power = [Double](repeating: 0, count: r * r)
        for row in 0..<r {
            power[row * r] = weights[row]
            if row + 1 < r { power[row * r + row + 1] = 1 }
            for column in 0..<r { sum[row * r + column] = noise[row] * noise[column] }
        }
        for _ in 0..<40 {
            let half = product(power, sum, size: r, transposed: false)
            let added = product(half, power, size: r, transposed: true)
            var largest = 0.0
            var total = 0.0
            for index in sum.indices {
                sum[index] += added[index]
                largest = max(largest, added[index].magnitude)
                total = max(total, sum[index].magnitude)
            }
            if !(largest > 1e-17 * total) || !total.isFinite { break }
            power = product(power, power, size: r, transposed: false)
        }
        return sum
    }
}

private func product(_ a: [Double], _ b: [Double], size r: Int, transposed: Bool) -> [Double] {
    var result = [Double](repeating: 0, count: r * r)
    for row in 0..<r {
        for column in 0..<r {
            var sum = 0.0
            for inner in 0..<r {
                sum += a[row * r + inner] * (transposed ? b[column * r + inner] : b[inner * r + column])
            }
            result[row * r + column] = sum
        }
    }
    return result
}

/// Coefficients of (1 ± Σ aᵢLⁱ)(1 ± Σ sⱼLʲᵐ) without the leading one, in the same sign convention.
private func productOfPolynomials(_ plain: [Double], _ seasonal: [Double], period: Int, sign: Double) -> [Double] {
    var result = [Double](repeating: 0, count: plain.count + seasonal.count * period)
    for (index, value) in plain.enumerated() { result[index] += value }
    for (season, value) in seasonal.enumerated() {
        let lag = (season + 1) * period
        result[lag - 1] += value
        for (index, other) in plain.enumerated() { result[lag + index] += sign * value * other }
    }
    return result
}
