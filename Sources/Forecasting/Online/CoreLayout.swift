/// Where a forecaster's numbers lie in its cells, and how many there are.
///
/// The narrow layout is sized for 8 KB: one regression of 12 inputs per horizon takes 92 cells, ten of them 920, of
/// about 1,960 in all. The wide one has 19 inputs and two forgetting factors.
struct CoreLayout: BitwiseCopyable {
    static var horizons: Int { SeasonalProfiles.horizons }

    let isNarrow: Bool
    /// Slow means kept: 1, 2, 4 … steps; the first is the value itself.
    @Small private(set) var means: Int = 0
    /// Experts that say the same for each horizon: the first means.
    @Small private(set) var flat: Int = 0
    /// Inputs that differ between horizons; the last two are the double seasonal forecasts' changes.
    @Small private(set) var shapes: Int = 0
    /// Experts whose forecasts are kept per horizon.
    @Small private(set) var shaped: Int = 0
    /// Cells of one origin's gain.
    @Small private(set) var gainStride: Int = 0
    /// Regressions on all inputs, each with its own forgetting.
    @Small private(set) var regressions: Int = 0

    var gaps: Int { means - 1 }
    var inputs: Int { gaps + shapes }
    /// All experts, a multiple of four: flat, the two double seasonal ones, shaped.
    var experts: Int { flat + 2 + shaped }
    /// Cells of a pair of origin and horizon: shapes, shaped forecasts, the answer, the size of its errors then.
    var record: Int { shapes + shaped + 2 }
    /// Where in a record the answer is.
    var answer: Int { shapes + shaped }

    // Offsets.
    @Small private(set) var mean: Int = 0
    @Small private(set) var origins: Int = 0
    @Small private(set) var gains: Int = 0
    @Small private(set) var records: Int = 0
    @Small private(set) var losses: Int = 0
    @Small private(set) var statistics: Int = 0
    @Small private(set) var factors: Int = 0
    @Small private(set) var weights: Int = 0
    @Small private(set) var commonFactors: Int = 0
    @Small private(set) var commonWeights: Int = 0
    /// Room for one step's inputs, and for a gain.
    @Small private(set) var row: Int = 0
    @Small private(set) var gain: Int = 0
    /// Room for all experts' forecasts of one horizon.
    @Small private(set) var said: Int = 0
    @Small private(set) var count: Int = 0

    init(isNarrow: Bool) {
        self.isNarrow = isNarrow
        means = isNarrow ? 8 : 10
        flat = isNarrow ? 6 : 9
        shapes = isNarrow ? 5 : 10
        shaped = isNarrow ? 4 : 9
        regressions = isNarrow ? 1 : 2
        let h = Self.horizons
        let (gaps, inputs) = (means - 1, means - 1 + shapes)
        gainStride = isNarrow ? gaps : Regression.rowCells(gaps)
        var next = 0
        func take(_ count: Int) -> Int {
            next += count
            return next - count
        }
        mean = take(means)
        origins = take(h * means)
        gains = take(h * gainStride)
        records = take(h * (h + 1) / 2 * (shapes + shaped + 2))
        losses = take(h * (flat + 2 + shaped))
        statistics = take(h * Statistic.count)
        factors = take(regressions * h * Regression.cells(inputs, isPadded: !isNarrow))
        weights = take(regressions * h * (inputs + 1))
        commonFactors = take(Regression.cells(gaps, isPadded: !isNarrow))
        commonWeights = take(h * (gaps + 1))
        row = take(Regression.rowCells(inputs))
        gain = take(Regression.rowCells(inputs))
        // A gain and the experts' forecasts are never needed at the same time.
        precondition(flat + 2 + shaped <= Regression.rowCells(inputs))
        said = gain
        count = next
    }

    /// What is kept per horizon about the answers' errors.
    enum Statistic {
        static var size: Int { 0 }
        static var lower: Int { 1 }
        static var upper: Int { 2 }
        static var median: Int { 3 }
        static var correctedLoss: Int { 4 }
        static var plainLoss: Int { 5 }
        static var count: Int { 6 }
    }

    /// Writes an origin's gaps between the means into the row.
    @inline(__always)
    func writeGaps(_ cells: inout Cells, origin: Int) {
        // SAFETY: both runs are checked against their allocation.
        let to = unsafe cells.run(at: row, count: gaps)
        let from = unsafe cells.run(at: origin, count: means)
        var index = 0
        while index < gaps {
            unsafe to[index] = unsafe from[index] - from[index + 1]
            index += 1
        }
    }

    /// Writes a record's shapes into the row, behind the gaps.
    @inline(__always)
    func writeShapes(_ cells: inout Cells, record: Int) {
        // SAFETY: both runs are checked against their allocation.
        let to = unsafe cells.run(at: row + gaps, count: shapes)
        let from = unsafe cells.run(at: record, count: shapes)
        var index = 0
        while index < shapes {
            unsafe to[index] = unsafe from[index]
            index += 1
        }
    }

    /// The means at an origin.
    @inline(__always)
    func origin(_ step: Int) -> Int { origins + step % Self.horizons * means }

    /// The common regression's gain at an origin.
    @inline(__always)
    func gainRow(_ step: Int) -> Int { gains + step % Self.horizons * gainStride }

    /// The record of an origin and a horizon: each horizon has a ring of as many as it is long.
    @inline(__always)
    func record(horizon: Int, step: Int) -> Int {
        records + (horizon * (horizon - 1) / 2 + step % horizon) * record
    }

    @inline(__always)
    func loss(_ horizon: Int) -> Int { losses + (horizon - 1) * experts }

    @inline(__always)
    func statistic(_ which: Int, _ horizon: Int) -> Int { statistics + (horizon - 1) * Statistic.count + which }

    @inline(__always)
    func factors(_ which: Int, _ horizon: Int) -> Int {
        factors + (which * Self.horizons + horizon - 1) * Regression.cells(inputs, isPadded: !isNarrow)
    }

    /// A regression's weights, followed by the size of its residuals.
    @inline(__always)
    func weights(_ which: Int, _ horizon: Int) -> Int {
        weights + (which * Self.horizons + horizon - 1) * (inputs + 1)
    }

    @inline(__always)
    func commonWeights(_ horizon: Int) -> Int { commonWeights + (horizon - 1) * (gaps + 1) }

    /// A regression on all inputs.
    @inline(__always)
    func regression(_ which: Int) -> Regression {
        // Each learns every other step, so it forgets twice as much each time.
        Regression(inputs: inputs, forgetting: which == 0 ? 0.999 : 0.9998, isPadded: !isNarrow)
    }

    /// The regression on the gaps alone.
    @inline(__always)
    var commonRegression: Regression { Regression(inputs: gaps, forgetting: 0.9995, isPadded: !isNarrow) }
}

/// A small count kept in two bytes, so that a shard's 8 KB go to its numbers.
@propertyWrapper
struct Small: BitwiseCopyable {
    private var stored: UInt16

    @inline(__always)
    init(wrappedValue: Int) { stored = UInt16(wrappedValue) }

    @inline(__always)
    var wrappedValue: Int {
        get { Int(stored) }
        set { stored = UInt16(newValue) }
    }
}
