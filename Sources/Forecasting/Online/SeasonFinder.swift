/// Finds the length of a season in the autocorrelation of the differenced series.
enum SeasonFinder {
    /// Cells of working room for a ring of `count` values: the differences, then the autocorrelations.
    static func scratchCells(_ count: Int) -> Int { count + count * 3 / 4 + 2 }

    /// Looks for a season in the `count` values of the ring at `base` whose oldest value is at `oldest`.
    ///
    /// Differences are cut at three times their mean size. A length's score is the mean autocorrelation at it and at
    /// its first multiples; it must be a local peak, no multiple may lack it, and the score must pass five standard
    /// errors. Among lengths that score within 70 % of the best the shortest wins; `current` stays while it scores
    /// 80 % of the best.
    ///
    /// - Parameter scratch: working room, at least `scratchCells(count)`.
    /// - Returns: the length, or 0 when there is none.
    static func find(
        _ ring: borrowing Cells, at base: Int, oldest: Int, count: Int, shortest: Int, longest: Int,
        current: Int, scratch: inout Cells
    ) -> Int {
        let n = count - 1
        guard n >= 200 else { return 0 }
        let top = min(n * 3 / 4, 3 * longest + 3)
        let limit = min(longest, n / 3)
        guard limit >= shortest else { return 0 }
        // SAFETY: both runs are checked against their allocation and do not overlap.
        let terms = unsafe scratch.run(at: 0, count: n)
        let r = unsafe scratch.run(at: n, count: top + 2)
        guard unsafe differences(ring, at: base, oldest: oldest, count: count, into: terms) else { return 0 }
        var power: Float = 0
        for index in 0..<n { unsafe power += terms[index] * terms[index] }
        unsafe r[0] = 1
        for lag in 1...(top + 1) {
            let sum = unsafe sumOfProducts(terms, terms + lag, count: n - lag)
            unsafe r[lag] = sum / power * Float(n) / Float(n - lag)
        }
        var best: Float = 0
        for lag in shortest...limit { best = unsafe max(best, score(lag, top: top, r)) }
        guard best >= 5 / Float(root(Double(n))) else { return 0 }
        if current >= shortest, current <= limit, unsafe score(current, top: top, r) >= 0.8 * best { return current }
        for lag in shortest...limit where unsafe score(lag, top: top, r) >= 0.7 * best { return lag }
        return 0
    }

    /// Writes the centred and cut differences; false for a series that does not move.
    @inline(__always)
    @unsafe
    private static func differences(
        _ ring: borrowing Cells, at base: Int, oldest: Int, count: Int, into terms: UnsafeMutablePointer<Float>
    ) -> Bool {
        let n = count - 1
        var mean: Float = 0
        var place = oldest
        var last = ring[base + place]
        for index in 0..<n {
            place = place + 1 == count ? 0 : place + 1
            let value = ring[base + place]
            unsafe terms[index] = value - last
            mean += value - last
            last = value
        }
        mean /= Float(n)
        var size: Float = 0
        for index in 0..<n {
            unsafe terms[index] -= mean
            size += unsafe terms[index].magnitude
        }
        let cut = 3 * size / Float(n)
        for index in 0..<n { unsafe terms[index] = max(-cut, min(cut, terms[index])) }
        return cut > 0 && cut.isFinite
    }

    @inline(__always)
    @unsafe
    private static func score(_ lag: Int, top: Int, _ r: UnsafeMutablePointer<Float>) -> Float {
        let height = unsafe r[lag]
        guard unsafe height >= r[lag - 1] || lag == 1, unsafe height >= r[lag + 1] else { return 0 }
        var least = height
        var sum = height
        var terms: Float = 1
        for multiple in 2...3 where multiple * lag <= top {
            let other = unsafe r[multiple * lag]
            least = min(least, other)
            sum += other
            terms += 1
        }
        return least < 0.4 * sum / terms ? 0 : sum / terms
    }
}
