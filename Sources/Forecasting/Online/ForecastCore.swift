/// What an online forecaster keeps about one series besides the seasons: slow means, experts, weights, intervals.
///
/// A bank of experts forecasts each of ten horizons; an expert's weight is exp(−25·(L / Lmin − 1)), L its mean
/// absolute error over about 500 steps on roots. The strongest experts are regressions, one set of weights per
/// horizon, of the coming change on the gaps between slow means and on what the profiles add meanwhile. The answer
/// is moved to the median of its errors where that has paid, and its interval follows the errors' quantiles.
///
/// The wide layout serves a series on its own; the narrow one fits a shard in 8 KB and reads its pool's profiles.
struct ForecastCore: ~Copyable {
    static var horizons: Int { 10 }
    /// Steps in which only the naive forecast and the fastest means may speak.
    static var apprenticeship: Int { 120 }
    /// Steps in which the others may speak only where they have been better than these: the losses' memory.
    static var probation: Int { 500 }

    let layout: CoreLayout
    var cells: Cells
    var state = State()

    /// The single numbers of a forecaster.
    struct State: BitwiseCopyable {
        /// The root of the first value; all roots are relative to it.
        var reference = 0.0
        /// Steps since the beginning, gaps included.
        var steps = 0
        /// Values taken, up to a thousand: when the regressions may begin.
        var taken: Float = 0
        /// Bit i: i + 1 steps ago a value came and forecasts were made.
        var issued: UInt32 = 0
        var hasSeenNegative = false
        var value: Float = 0
        var holtLevel: Float = 0
        var holtTrend: Float = 0
        var seasonLevel: Float = 0
        var seasonError: Float = 0
        var seasonCovariance: Float = 0
        var seasonVariance: Float = 0
        var differenceVariance: Float = 0
        /// How strongly shared profiles act on this series: its level over theirs; 1 for a series of its own.
        var share: Float = 1
    }

    init(isNarrow: Bool) {
        layout = CoreLayout(isNarrow: isNarrow)
        cells = Cells(repeating: 0, count: layout.count)
        restart()
    }

    /// Forgets everything.
    mutating func restart() {
        state = State()
        cells.fill(0, from: 0, count: layout.count)
        for horizon in 1...Self.horizons {
            cells[layout.statistic(CoreLayout.Statistic.lower, horizon)] = -2.06
            cells[layout.statistic(CoreLayout.Statistic.upper, horizon)] = 2.06
        }
    }

    var byteCount: Int { cells.byteCount + MemoryLayout<Self>.size }

    /// Steps over values that did not come: forecasts whose outcome is missing are forgotten.
    mutating func skip(_ missed: Int) {
        state.steps += missed
        state.issued = missed >= 32 ? 0 : state.issued &<< UInt32(missed)
    }

    /// Takes in a value: scores what had been forecast for it, learns from that, moves the means.
    /// - Parameter season: what the double seasonal profiles had said of this step.
    mutating func observe(_ raw: Double, season: Float) {
        if raw < 0 { state.hasSeenNegative = true }
        if state.steps == 0 { state.reference = signedRoot(raw) }
        let root = Float(signedRoot(raw) - state.reference)
        state.taken = min(state.taken + 1, 1_000)
        for horizon in 1...Self.horizons where (state.issued &>> UInt32(horizon - 1)) & 1 != 0 {
            score(root, horizon: horizon)
            learn(root, horizon: horizon)
        }
        let first = state.steps == 0
        state.steps += 1
        let young = 1 / Float(state.steps)
        if !first {
            let change = root - state.value
            state.differenceVariance += max(0.001, young) * (change * change - state.differenceVariance)
        }
        state.value = root
        var rate: Float = 1
        for index in layout.mean..<(layout.mean + layout.means) {
            cells[index] += max(rate, young) * (root - cells[index])
            rate *= 0.5
        }
        smooth(root, season: state.share * season, young: young, first: first)
    }

    /// Damped Holt (α 0.4, β 0.05, φ 0.9), and the level and error correlation above the seasons.
    @inline(__always)
    private mutating func smooth(_ root: Float, season: Float, young: Float, first: Bool) {
        if first {
            state.holtLevel = root
            state.seasonLevel = root
        }
        let line = state.holtLevel + 0.9 * state.holtTrend
        state.holtLevel = line + 0.4 * (root - line)
        state.holtTrend = 0.9 * state.holtTrend + 0.05 * (root - line)
        let error = root - state.seasonLevel - season
        state.seasonCovariance = 0.999 * state.seasonCovariance + error * state.seasonError
        state.seasonVariance = 0.999 * state.seasonVariance + state.seasonError * state.seasonError
        state.seasonLevel += max(0.01, young) * error
    }

    /// The forecast of a horizon and its 90 % interval, as values.
    func answer(_ horizon: Int) -> (mean: Double, lower: Double, upper: Double) {
        precondition(horizon >= 1 && horizon <= Self.horizons)
        guard state.steps > 0 else { return (0, 0, 0) }
        let size = cells[layout.statistic(CoreLayout.Statistic.size, horizon)]
        let middle = corrected(horizon: horizon, step: state.steps - 1)
        let low = middle + cells[layout.statistic(CoreLayout.Statistic.lower, horizon)] * size
        let high = middle + cells[layout.statistic(CoreLayout.Statistic.upper, horizon)] * size
        return (value(middle), value(low), value(high))
    }

    @inline(__always)
    private func value(_ root: Float) -> Double {
        let value = signedSquare(Double(root) + state.reference)
        return state.hasSeenNegative ? value : max(0, value)
    }

    /// The combination's answer of an origin, moved to the median of its errors as far as that has paid.
    @inline(__always)
    func corrected(horizon: Int, step: Int) -> Float {
        let place = layout.record(horizon: horizon, step: step) + layout.answer
        let plain = cells[place]
        guard step >= 2 * Self.apprenticeship else { return plain }
        let size = cells[place + 1]
        let median = cells[layout.statistic(CoreLayout.Statistic.median, horizon)]
        let moved = cells[layout.statistic(CoreLayout.Statistic.correctedLoss, horizon)]
        let unmoved = cells[layout.statistic(CoreLayout.Statistic.plainLoss, horizon)]
        let best = min(moved, unmoved)
        guard best > 0 else { return plain }
        let a = decay(-25 * (moved / best - 1))
        let b = decay(-25 * (unmoved / best - 1))
        return plain + a / (a + b) * median * size
    }
}
