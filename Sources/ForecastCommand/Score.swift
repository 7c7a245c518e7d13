import Forecasting

/// Errors summed over origins and horizons.
struct Score {
    var origins = 0
    var pairs = 0
    var absolute = 0.0
    var naive = 0.0
    var symmetric = 0.0
    var inside = 0
    var seconds = 0.0
    /// Absolute errors and the naive forecast's, in the first and the second half of the origins.
    var halves = [(0.0, 0.0), (0.0, 0.0)]
    /// The same within 20 minutes before and 30 after the start of an event.
    var aroundEvents = (0.0, 0.0)
    /// Absolute errors of a shard's forecaster that reads the same seasons from its pool; nil where it was not run.
    var shard: Double?
    /// Bytes of the forecaster and of the shard's.
    var bytes = (0, 0)
    /// MASE and sMAPE of the Naive2 benchmark, summed over origins; nil where it was not run.
    var benchmark: (mase: Double, smape: Double)?
    var scale = 0.0

    mutating func add(
        mean: Double, lower: Double, upper: Double, actual: Double, last: Double, isSecondHalf: Bool,
        isNearEvent: Bool
    ) {
        let error = (mean - actual).magnitude
        let naiveError = (last - actual).magnitude
        let size = mean.magnitude + actual.magnitude
        pairs += 1
        absolute += error
        naive += naiveError
        if size > 0 { symmetric += 200 * error / size }
        if actual >= lower && actual <= upper { inside += 1 }
        halves[isSecondHalf ? 1 : 0].0 += error
        halves[isSecondHalf ? 1 : 0].1 += naiveError
        if isNearEvent {
            aroundEvents.0 += error
            aroundEvents.1 += naiveError
        }
    }

    var mase: Double { pairs > 0 && scale > 0 ? absolute / Double(pairs) / scale : .nan }
    var smape: Double { pairs > 0 ? symmetric / Double(pairs) : .nan }
    var coverage: Double { pairs > 0 ? 100 * Double(inside) / Double(pairs) : .nan }
    var share: Double { naive > 0 ? absolute / naive : .nan }
    var microseconds: Double { origins > 0 ? seconds * 1e6 / Double(origins) : .nan }

    /// OWA against Naive2 over the same origins; nil where that was not run.
    var owa: Double? {
        guard let benchmark, origins > 0, benchmark.mase > 0, benchmark.smape > 0 else { return nil }
        let count = Double(origins)
        return Accuracy.owa(
            mase: mase, smape: smape, naive2MASE: benchmark.mase / count, naive2SMAPE: benchmark.smape / count)
    }
}
