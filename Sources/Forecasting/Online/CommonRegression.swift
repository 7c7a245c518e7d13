/// The regression on the gaps alone. Its inputs are the same for each horizon, so one set of factors serves all ten:
/// the gain of an origin is kept until the horizon's outcome comes.
enum CommonRegression {
    /// Steps before the first weights are learnt, per horizon.
    static var warmUp: Float { 60 }

    @inline(__always)
    static func learn(_ cells: inout Cells, _ layout: CoreLayout, change: Float, horizon: Int, step: Int) {
        let regression = layout.commonRegression
        let weights = layout.commonWeights(horizon)
        layout.writeGaps(&cells, origin: layout.origin(step))
        let residual = change - regression.predict(cells, weights: weights, row: layout.row)
        guard residual.isFinite else { return cells.fill(0, from: weights, count: layout.gaps + 1) }
        var size = cells[weights + layout.gaps]
        let trust = trust(residual: residual, scale: &size)
        cells[weights + layout.gaps] = size
        regression.move(&cells, weights: weights, gain: layout.gainRow(step), by: trust * residual)
    }

    /// Takes the origin's gaps into the factors and keeps the gain.
    @inline(__always)
    static func absorb(_ cells: inout Cells, _ layout: CoreLayout, step: Int, variance: Float) {
        let regression = layout.commonRegression
        let cap = layout.commonFactors + regression.factorCells - 1
        if cells[cap] == 0 {
            guard step >= Int(warmUp), variance > 0 else { return }
            regression.prepare(&cells, factors: layout.commonFactors, variance: 0.03 / max(variance, 1e-18))
        }
        layout.writeGaps(&cells, origin: layout.origin(step))
        let gain = layout.gainRow(step)
        regression.absorb(&cells, factors: layout.commonFactors, row: layout.row, gain: gain, trust: 1)
        for index in gain..<(gain + layout.gaps) where !cells[index].isFinite { cells[index] = 0 }
    }
}
