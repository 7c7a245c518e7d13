extension ForecastCore {
    /// Compares what had been said `horizon` steps ago with what came.
    @inline(__always)
    mutating func score(_ root: Float, horizon: Int) {
        let step = state.steps - horizon
        let rate = 1 / Float(min(step + 1, 500))
        let origin = layout.origin(step)
        let record = layout.record(horizon: horizon, step: step)
        var loss = layout.loss(horizon)
        weigh(origin, against: root, count: layout.flat, into: loss, rate: rate)
        loss += layout.flat
        // The double seasonal forecasts are kept as changes, the others as they are.
        let kept = record + layout.shapes
        weigh(kept - 2, against: root - cells[origin], count: 2, into: loss, rate: rate)
        weigh(kept, against: root, count: layout.shaped, into: loss + 2, rate: rate)
        scoreAnswer(root, at: record + layout.answer, horizon: horizon, step: step)
    }

    /// Takes the errors of a run of forecasts into a run of losses.
    @inline(__always)
    private mutating func weigh(_ forecasts: Int, against root: Float, count: Int, into losses: Int, rate: Float) {
        // SAFETY: both runs are checked against their allocation.
        let from = unsafe cells.run(at: forecasts, count: count)
        let to = unsafe cells.run(at: losses, count: count)
        var index = 0
        while index < count {
            unsafe to[index] += unsafe ((from[index] - root).magnitude - to[index]) * rate
            index += 1
        }
    }

    /// Moves the answer's error size, median and quantiles.
    @inline(__always)
    private mutating func scoreAnswer(_ root: Float, at place: Int, horizon: Int, step: Int) {
        let statistic = layout.statistic(0, horizon)
        let plain = cells[place]
        // The size that the interval was given with, so that what was said is what is judged.
        let size = cells[place + 1]
        let answer = corrected(horizon: horizon, step: step)
        if step >= Self.apprenticeship {
            let median = cells[statistic + CoreLayout.Statistic.median]
            let moved = statistic + CoreLayout.Statistic.correctedLoss
            let unmoved = statistic + CoreLayout.Statistic.plainLoss
            cells[moved] += ((plain + median * size - root).magnitude - cells[moved]) * 0.002
            cells[unmoved] += ((plain - root).magnitude - cells[unmoved]) * 0.002
            cells[statistic + CoreLayout.Statistic.median] += root - plain > median * size ? 0.001 : -0.001
        }
        let lower = cells[statistic + CoreLayout.Statistic.lower]
        let upper = cells[statistic + CoreLayout.Statistic.upper]
        let error = root - answer
        // Each end moves so that one error in twenty falls beyond it.
        cells[statistic + CoreLayout.Statistic.lower] =
            min(-0.01, lower - (error < lower * size ? 0.019 : -0.001))
        cells[statistic + CoreLayout.Statistic.upper] = max(0.01, upper + (error > upper * size ? 0.019 : -0.001))
        let rate = max(0.03, 1 / Float(step + 1))
        let now = cells[statistic + CoreLayout.Statistic.size]
        cells[statistic + CoreLayout.Statistic.size] = now + rate * (error.magnitude - now)
    }

    /// Teaches the regressions of a horizon what came of the inputs `horizon` steps ago.
    @inline(__always)
    mutating func learn(_ root: Float, horizon: Int) {
        let step = state.steps - horizon
        let origin = layout.origin(step)
        let record = layout.record(horizon: horizon, step: step)
        let change = root - cells[origin]
        // About as many pairs as values were taken, less the horizon; fewer after gaps.
        let learnt = state.taken - Float(horizon)
        if learnt > CommonRegression.warmUp {
            CommonRegression.learn(&cells, layout, change: change, horizon: horizon, step: step)
            for which in 0..<layout.regressions where (step + horizon + which) & 1 == 0 {
                learn(change, which: which, horizon: horizon, origin: origin, record: record)
            }
        } else {
            // Before anything is learnt the cap's cell sums the squares that set the prior.
            let regression = layout.regression(0)
            let sum = layout.factors(0, horizon) + regression.factorCells - 1
            cells[sum] += change * change
            if learnt == CommonRegression.warmUp {
                let variance = 0.03 / max(cells[sum] / CommonRegression.warmUp, 1e-18)
                for which in 0..<layout.regressions {
                    layout.regression(which).prepare(
                        &cells, factors: layout.factors(which, horizon), variance: variance)
                }
            }
        }
    }

    @inline(__always)
    private mutating func learn(_ change: Float, which: Int, horizon: Int, origin: Int, record: Int) {
        let regression = layout.regression(which)
        let weights = layout.weights(which, horizon)
        layout.writeGaps(&cells, origin: origin)
        layout.writeShapes(&cells, record: record)
        let residual = change - regression.predict(cells, weights: weights, row: layout.row)
        guard residual.isFinite else { return forget(which, horizon) }
        var size = cells[weights + layout.inputs]
        let trust = trust(residual: residual, scale: &size)
        cells[weights + layout.inputs] = size
        regression.absorb(
            &cells, factors: layout.factors(which, horizon), row: layout.row, gain: layout.gain, trust: trust)
        regression.move(&cells, weights: weights, gain: layout.gain, by: residual)
    }

    /// Begins a regression anew after numbers that no float can hold.
    private mutating func forget(_ which: Int, _ horizon: Int) {
        cells.fill(0, from: layout.weights(which, horizon), count: layout.inputs + 1)
        let regression = layout.regression(which)
        let variance = 0.03 / max(state.differenceVariance, 1e-18)
        regression.prepare(
            &cells, factors: layout.factors(which, horizon), variance: variance.isFinite ? variance : 1e-18)
    }
}
