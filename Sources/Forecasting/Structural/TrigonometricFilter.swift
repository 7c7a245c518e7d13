import Glibc

/// The Kalman filter of the structural model. Means and covariances are those of the predicted state.
struct TrigonometricFilter: Sendable {
    let states: Int
    let cosines: [Double]
    let sines: [Double]
    let variances: StructuralModel.Variances
    var mean: [Double]
    var covariance: [Double]
    private(set) var filtered: [Double]
    private(set) var logLikelihood = 0.0
    private var taken = 0
    private var gain: [Double]

    init(
        period: Int, harmonics: Int, variances: StructuralModel.Variances, initial: [Double], spread: Double
    ) {
        states = initial.count
        cosines = (0..<harmonics).map { cos(2 * Double.pi * Double($0 + 1) / Double(period)) }
        sines = (0..<harmonics).map { sin(2 * Double.pi * Double($0 + 1) / Double(period)) }
        self.variances = variances
        mean = initial
        filtered = initial
        gain = initial
        covariance = [Double](repeating: 0, count: initial.count * initial.count)
        for state in 0..<states { covariance[state * states + state] = spread }
    }

    /// The observation picks the level and each harmonic's first term.
    private func observed(_ state: Int) -> Bool { state != 1 && (state == 0 || state % 2 == 0) }

    private var forecast: Double {
        var sum = 0.0
        for state in 0..<states where observed(state) { sum += mean[state] }
        return sum
    }

    var forecastVariance: Double {
        var sum = variances.irregular
        for row in 0..<states where observed(row) {
            for column in 0..<states where observed(column) { sum += covariance[row * states + column] }
        }
        return sum
    }

    /// Takes a value, or a gap when it is not a number, and returns what had been forecast.
    mutating func step(_ value: Double) -> Double {
        let forecast = self.forecast
        if value.isFinite {
            for row in 0..<states {
                var sum = 0.0
                for column in 0..<states where observed(column) { sum += covariance[row * states + column] }
                gain[row] = sum
            }
            var scale = variances.irregular
            for row in 0..<states where observed(row) { scale += gain[row] }
            let error = value - forecast
            for row in 0..<states {
                mean[row] += gain[row] * error / scale
                for column in 0..<states { covariance[row * states + column] -= gain[row] * gain[column] / scale }
            }
            taken += 1
            if taken > states { logLikelihood -= 0.5 * (log(2 * Double.pi * scale) + error * error / scale) }
        }
        filtered = mean
        advance()
        return forecast
    }

    private mutating func advance() {
        move(&mean, at: 0, stride: 1)
        for row in 0..<states { move(&covariance, at: row * states, stride: 1) }
        for column in 0..<states { move(&covariance, at: column, stride: states) }
        covariance[0] += variances.level
        covariance[states + 1] += variances.trend
        for state in 2..<max(2, states) { covariance[state * states + state] += variances.season }
    }

    /// Applies the transition to one row or column: the level takes the trend, each pair turns by its angle.
    private func move(_ values: inout [Double], at start: Int, stride: Int) {
        values[start] += values[start + stride]
        for harmonic in cosines.indices {
            let first = start + (2 + 2 * harmonic) * stride
            let (a, b) = (values[first], values[first + stride])
            values[first] = a * cosines[harmonic] + b * sines[harmonic]
            values[first + stride] = b * cosines[harmonic] - a * sines[harmonic]
        }
    }
}
