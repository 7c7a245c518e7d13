/// Why a model could not be fitted or run.
public enum ForecastError: Error, Equatable, Sendable {
    /// The series has `count` values, the model needs `needed`.
    case tooShort(count: Int, needed: Int)
    /// The value at `index` is not a finite number; only the structural model takes gaps.
    case notFinite(index: Int)
    /// The value at `index` is zero or negative where the model multiplies.
    case notPositive(index: Int)
    /// A parameter lies outside its range.
    case badParameter(String)
    /// A saved state was not written by this version or was cut.
    case badState
}

/// Throws unless each value is finite and there are enough of them.
func requireFinite(_ series: [Double], atLeast needed: Int) throws(ForecastError) {
    guard series.count >= needed else { throw .tooShort(count: series.count, needed: needed) }
    for index in series.indices where !series[index].isFinite { throw .notFinite(index: index) }
}

/// Throws unless each value is greater than zero.
func requirePositive(_ series: [Double]) throws(ForecastError) {
    for index in series.indices where series[index] <= 0 { throw .notPositive(index: index) }
}
