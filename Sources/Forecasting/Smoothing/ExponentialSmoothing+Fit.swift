import Glibc

extension ExponentialSmoothing {
    /// Fits the parameters by maximum likelihood, from an initial state found in the first seasons.
    ///
    /// Ranges: 0 < α < 1, 0 < β < α, 0 < γ < 1 − α, 0.8 ≤ φ ≤ 0.98. The search is Nelder-Mead from a fixed start, so
    /// the result depends on the series alone.
    /// - Throws: `tooShort` under two seasons (or four values), `notFinite`, `notPositive` where the form multiplies.
    public init(fitting series: [Double], form: Form) throws(ForecastError) {
        try requireFinite(series, atLeast: max(4, form.season == .none ? 0 : 2 * form.period))
        if form.error == .multiplicative || form.season == .multiplicative { try requirePositive(series) }
        let initial = State(estimatedFrom: series, form: form)
        var dimensions = 1
        if form.trend != .none { dimensions += 1 }
        if form.season != .none { dimensions += 1 }
        if form.trend == .damped { dimensions += 1 }
        let best = minimise(
            start: [-0.8, -2.2, -2.2, 0.5].prefix(dimensions).map { $0 }, size: 1, evaluations: 60 * dimensions
        ) { point in
            let parameters = Parameters(unbounded: point, form: form)
            var recursion = SmoothingRecursion(form: form, parameters: parameters, state: initial)
            for value in series { _ = recursion.step(value) }
            let likelihood = recursion.logLikelihood
            return likelihood.isFinite ? -likelihood : .infinity
        }
        try self.init(series, form: form, parameters: Parameters(unbounded: best, form: form), initial: initial)
    }

    /// Forecasts with intervals.
    ///
    /// Variances follow from how an error of one step moves the forecasts of later ones; for multiplicative forms this
    /// is the first-order term of their expansion.
    /// - Parameter coverage: the share of future values inside the interval, between 0 and 1.
    public func forecast(horizon: Int, coverage: Double = 0.9) -> Forecast {
        let mean = means(horizon: horizon)
        let unit = squaredErrors / Double(max(1, fitted.count - 1))
        var weights = [Double](repeating: 0, count: horizon)
        var reach = 0.0
        var power = 1.0
        for step in 1..<max(1, horizon) {
            power *= dampening
            reach += power
            var weight = parameters.alpha
            if form.trend != .none { weight += parameters.beta * reach }
            if form.season != .none && step % form.period == 0 { weight += parameters.gamma }
            weights[step] = weight
        }
        let variance = mean.indices.map { step in
            var sum = 0.0
            for age in 0...step {
                let origin = form.error == .multiplicative ? mean[step - age] : 1
                let scale =
                    form.season == .multiplicative
                    ? state.season[step % form.period] / state.season[(step - age) % form.period] : 1
                let effect = age == 0 ? origin : weights[age] * origin * scale
                sum += effect * effect
            }
            return unit * sum
        }
        return Forecast(mean: mean, variance: variance, coverage: coverage)
    }
}

extension ExponentialSmoothing.Parameters {
    /// Maps the whole real space onto the permitted ranges.
    init(unbounded point: [Double], form: ExponentialSmoothing.Form) {
        func unit(_ x: Double) -> Double { 1e-4 + 0.9998 / (1 + exp(-x)) }
        let alpha = unit(point[0])
        var next = 1
        var beta = 0.0
        var gamma = 0.0
        var phi = 1.0
        if form.trend != .none {
            beta = alpha * unit(point[next])
            next += 1
        }
        if form.season != .none {
            gamma = (1 - alpha) * unit(point[next])
            next += 1
        }
        if form.trend == .damped { phi = 0.8 + 0.18 * unit(point[next]) }
        self.init(alpha: alpha, beta: beta, gamma: gamma, phi: phi)
    }
}

extension ExponentialSmoothing.State {
    /// Level, trend and season from the first two seasons (or the first ten values).
    init(estimatedFrom series: [Double], form: ExponentialSmoothing.Form) {
        let m = form.period
        guard form.season != .none else {
            let used = min(10, series.count)
            let slope = (series[used - 1] - series[0]) / Double(used - 1)
            let trended = form.trend != .none
            self.init(level: trended ? series[0] - slope : series[0], trend: trended ? slope : 0)
            return
        }
        var first = 0.0
        var second = 0.0
        for index in 0..<m {
            first += series[index]
            second += series[index + m]
        }
        first /= Double(m)
        second /= Double(m)
        let slope = (second - first) / Double(m)
        let middle = Double(m - 1) / 2
        let season = (0..<m).map { index in
            let line = first + slope * (Double(index) - middle)
            let next = line + slope * Double(m)
            return form.season == .additive
                ? (series[index] - line + series[index + m] - next) / 2
                : (series[index] / max(line, first / 10) + series[index + m] / max(next, second / 10)) / 2
        }
        self.init(
            level: form.trend == .none ? first : first - slope * (middle + 1), trend: form.trend == .none ? 0 : slope,
            season: season)
    }
}
