/// Ridge regression through the normal equations and Cholesky's factors.
struct LeastSquares {
    let inputs: Int
    private var moments: [Double]
    private var products: [Double]
    private var squares = 0.0
    private(set) var rows = 0

    init(inputs: Int) {
        self.inputs = inputs
        moments = [Double](repeating: 0, count: inputs * inputs)
        products = [Double](repeating: 0, count: inputs)
    }

    /// Takes in a row and what came of it.
    mutating func add(_ row: [Double], _ target: Double) {
        for i in 0..<inputs {
            let value = row[i]
            for j in 0...i { moments[i * inputs + j] += value * row[j] }
            products[i] += value * target
        }
        squares += target * target
        rows += 1
    }

    /// Weights and the mean squared residual; nil when the equations have no stable solution.
    func solve(ridge: Double) -> (weights: [Double], variance: Double)? {
        var factor = moments
        for i in 0..<inputs { factor[i * inputs + i] += ridge }
        for i in 0..<inputs {
            for j in 0...i {
                var sum = factor[i * inputs + j]
                for k in 0..<j { sum -= factor[i * inputs + k] * factor[j * inputs + k] }
                if i == j {
                    guard sum > 0, sum.isFinite else { return nil }
                    factor[i * inputs + i] = sum.squareRoot()
                } else {
                    factor[i * inputs + j] = sum / factor[j * inputs + j]
                }
            }
        }
        var weights = products
        for i in 0..<inputs {
            for k in 0..<i { weights[i] -= factor[i * inputs + k] * weights[k] }
            weights[i] /= factor[i * inputs + i]
        }
        for i in (0..<inputs).reversed() {
            for k in (i + 1)..<max(i + 1, inputs) { weights[i] -= factor[k * inputs + i] * weights[k] }
            weights[i] /= factor[i * inputs + i]
        }
        // |y − Xw|² = y′y − 2w′X′y + w′X′Xw
        var residual = squares
        for i in 0..<inputs {
            var sum = 0.0
            for j in 0..<inputs { sum += moments[max(i, j) * inputs + min(i, j)] * weights[j] }
            residual += weights[i] * (sum - 2 * products[i])
        }
        return (weights, max(0, residual) / Double(max(1, rows - inputs)))
    }
}
