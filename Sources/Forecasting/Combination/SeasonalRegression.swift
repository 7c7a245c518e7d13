import Glibc

/// Regressions of a series on itself at lags around its seasons, on logarithms where all values are positive.
///
/// Two ways from one step to many: `iterated` fits one regression and feeds its forecasts back in; `direct` fits one
/// per horizon on the last values of the same phase and the latest values. Their mean is better than either.
public enum SeasonalRegression {
    /// One regression on the lags 1…3 and those around each season, iterated.
    /// - Parameter seasons: one or two season lengths in steps, the shorter first.
    public static func iterated(
        _ series: [Double], seasons: [Int], horizon: Int, coverage: Double = 0.9
    ) throws(ForecastError) -> Forecast {
        let scaled = try Scaled(series, seasons: seasons)
        let lags = scaled.lags
        let longest = lags[lags.count - 1]
        var squares = LeastSquares(inputs: lags.count)
        var row = [Double](repeating: 0, count: lags.count)
        for index in longest..<scaled.values.count {
            for (place, lag) in lags.enumerated() { row[place] = scaled.values[index - lag] }
            squares.add(row, scaled.values[index])
        }
        guard let (weights, variance) = squares.solve(ridge: 1) else { throw .badParameter("singular series") }
        var path = scaled.values
        // How a step's error moves the later ones: the recursion run on a single pulse.
        var pulse = [Double](repeating: 0, count: longest)
        var means: [Double] = []
        var variances: [Double] = []
        var sum = 0.0
        for step in 0..<horizon {
            var next = 0.0
            var effect = step == 0 ? 1 : 0.0
            for (place, lag) in lags.enumerated() {
                next += weights[place] * path[path.count - lag]
                effect += weights[place] * pulse[pulse.count - lag]
            }
            next = scaled.clamped(next)
            effect = max(-10, min(10, effect))
            path.append(next)
            pulse.append(effect)
            sum += effect * effect
            means.append(next)
            variances.append(variance * sum)
        }
        return scaled.forecast(means, variances, coverage: coverage)
    }

    /// One regression per horizon on values of the same phase and the latest ones.
    /// - Parameter seasons: one or two season lengths in steps, the shorter first.
    public static func direct(
        _ series: [Double], seasons: [Int], horizon: Int, coverage: Double = 0.9
    ) throws(ForecastError) -> Forecast {
        let scaled = try Scaled(series, seasons: seasons)
        let (short, long) = (seasons[0], seasons[seasons.count - 1])
        let values = scaled.values
        var means: [Double] = []
        var variances: [Double] = []
        for step in 1...max(1, horizon) {
            let phase = short * ((step + short - 1) / short)
            var lags = [phase, phase + short, phase + 2 * short, step, step + 1, step + short]
            if seasons.count > 1 {
                let week = long * ((step + long - 1) / long)
                lags += [week, week + long, step + long]
            }
            let longest = lags.max() ?? 0
            guard values.count >= longest + 2 * lags.count else {
                throw .tooShort(count: values.count, needed: longest + 2 * lags.count)
            }
            var squares = LeastSquares(inputs: lags.count)
            var row = [Double](repeating: 0, count: lags.count)
            for index in longest..<values.count {
                for (place, lag) in lags.enumerated() { row[place] = values[index - lag] }
                squares.add(row, values[index])
            }
            guard let (weights, variance) = squares.solve(ridge: 1) else { throw .badParameter("singular series") }
            var mean = 0.0
            let target = values.count - 1 + step
            for (place, lag) in lags.enumerated() { mean += weights[place] * values[target - lag] }
            means.append(scaled.clamped(mean))
            variances.append(variance)
        }
        return scaled.forecast(means, variances, coverage: coverage)
    }

    /// The shortest series for these seasons and this horizon: the longest lag, and as many rows as it has.
    public static func shortest(seasons: [Int], horizon: Int) -> Int {
        guard let short = seasons.first, let long = seasons.last else { return .max }
        let phase = short * ((horizon + short - 1) / short) + 2 * short
        let week = seasons.count > 1 ? long * ((horizon + long - 1) / long) + long : 0
        return 2 * max(phase, week, horizon + long)
    }
}

/// A series brought to mean 0 and deviation 1, on logarithms where it is positive.
private struct Scaled {
    let values: [Double]
    let lags: [Int]
    private let isLogarithmic: Bool
    private let mean: Double
    private let deviation: Double
    private let lowest: Double
    private let highest: Double

    init(_ series: [Double], seasons: [Int]) throws(ForecastError) {
        guard let short = seasons.first, short >= 2, seasons.count <= 2, seasons[seasons.count - 1] >= short else {
            throw .badParameter("seasons")
        }
        var lags: Set<Int> = [1, 2, 3, short, short + 1, short + 2, 2 * short, 3 * short]
        if seasons.count == 2 {
            let long = seasons[1]
            lags.formUnion([6 * short, long - 1, long, long + 1, long + 2, long + short])
        }
        self.lags = lags.sorted()
        try requireFinite(series, atLeast: self.lags[self.lags.count - 1] + 2 * lags.count)
        isLogarithmic = series.allSatisfy { $0 > 0 }
        let raw = isLogarithmic ? series.map { log($0) } : series
        let mean = raw.reduce(0, +) / Double(raw.count)
        let variance = raw.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(raw.count)
        self.mean = mean
        let deviation = max(variance.squareRoot(), 1e-9)
        self.deviation = deviation
        values = raw.map { ($0 - mean) / deviation }
        lowest = (values.min() ?? 0) - 1
        highest = (values.max() ?? 0) + 1
    }

    /// Nothing forecast lies further outside the history than one deviation.
    func clamped(_ value: Double) -> Double { max(lowest, min(highest, value)) }

    func forecast(_ means: [Double], _ variances: [Double], coverage: Double) -> Forecast {
        let reach = normalQuantile(0.5 + coverage / 2)
        func back(_ value: Double) -> Double {
            let raw = value * deviation + mean
            return isLogarithmic ? exp(raw) : raw
        }
        return Forecast(
            mean: means.map(back), lower: means.indices.map { back(means[$0] - reach * variances[$0].squareRoot()) },
            upper: means.indices.map { back(means[$0] + reach * variances[$0].squareRoot()) })
    }
}
