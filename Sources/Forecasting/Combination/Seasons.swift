/// Season lengths read from a series.
public enum Seasons {
    /// At most two season lengths in steps, the shorter first; empty where there is no season.
    ///
    /// The first is found as in `SeasonFinder`; the second is the multiple of it (2…14 times) that its
    /// autocorrelation singles out.
    public static func find(_ series: [Double]) -> [Int] {
        let finite = series.filter(\.isFinite)
        guard finite.count >= 24, finite.count == series.count else { return [] }
        if series.count < 201 { return shortSeries(series) }
        let recent = Array(series.suffix(8_192))
        let scale = max(1e-300, recent.map(\.magnitude).max() ?? 1)
        var ring = Cells(repeating: 0, count: recent.count)
        for index in recent.indices { ring[index] = Float(recent[index] / scale) }
        var scratch = Cells(repeating: 0, count: SeasonFinder.scratchCells(recent.count))
        let first = SeasonFinder.find(
            ring, at: 0, oldest: 0, count: recent.count, shortest: 2, longest: recent.count / 3, current: 0,
            scratch: &scratch)
        guard first > 0 else { return [] }
        let changes = zip(recent.dropFirst(), recent).map { $0 - $1 }
        let most = min(14 * first, changes.count / 3)
        guard most >= 2 * first else { return [first] }
        // Per pair of values, not per value: otherwise long lags look weaker than they are.
        let r = Autocorrelation.coefficients(changes, maximumLag: most).enumerated().map {
            $1 * Double(changes.count) / Double(changes.count - $0)
        }
        var second = 0
        for lag in stride(from: 2 * first, through: most, by: first)
        where r[lag] >= 0.95 * r[first] && (second == 0 || r[lag] > r[second]) { second = lag }
        return second == 0 ? [first] : [first, second]
    }

    /// The finder wants a couple of hundred values; a shorter series is judged by the M4 test of its best peak.
    private static func shortSeries(_ series: [Double]) -> [Int] {
        let changes = zip(series.dropFirst(), series).map { $0 - $1 }
        let most = changes.count / 3
        let r = Autocorrelation.coefficients(changes, maximumLag: most + 1)
        var best = 0
        for lag in stride(from: 2, through: most, by: 1)
        where r[lag] >= r[lag - 1] && r[lag] >= r[lag + 1] && (best == 0 || r[lag] > r[best]) { best = lag }
        guard best > 0, r[best] > 2 / Double(changes.count).squareRoot() else { return [] }
        return Autocorrelation.isSeasonal(series, period: best) ? [best] : []
    }
}
