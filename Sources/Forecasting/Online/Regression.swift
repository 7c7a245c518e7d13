/// Recursive least squares with forgetting on rows of `Cells`, by Bierman's U·D·Uᵀ factors (1977).
///
/// The factors keep the covariance positive in single precision for any number of steps. Each conditional variance is
/// capped at its prior, so inputs that stay silent cannot wind it up and the prior goes on acting as a ridge towards
/// zero weights, which mean: tomorrow as today.
struct Regression {
    /// Number of inputs.
    let inputs: Int
    /// Weight of a step after one more step.
    let forgetting: Float

    /// Whether columns are filled up with zeros to whole vectors of four: faster, larger.
    let isPadded: Bool

    private var triangle: Int { Self.triangle(inputs, isPadded: isPadded) }

    /// Cells of U above its diagonal.
    @inline(__always)
    static func triangle(_ inputs: Int, isPadded: Bool) -> Int {
        guard isPadded else { return inputs * (inputs - 1) / 2 }
        // Columns 1…4 take 4 cells each, 5…8 take 8, and so on.
        let (whole, rest) = ((inputs - 1) / 4, (inputs - 1) % 4)
        return 8 * whole * (whole + 1) + rest * 4 * (whole + 1)
    }

    /// Cells of the factors of so many inputs.
    static func cells(_ inputs: Int, isPadded: Bool) -> Int { triangle(inputs, isPadded: isPadded) + inputs + 1 }

    /// Cells for a row or a gain.
    static func rowCells(_ inputs: Int) -> Int { (inputs + 3) / 4 * 4 }

    @inline(__always)
    private func length(_ column: Int) -> Int { isPadded ? (column &+ 3) & ~3 : column }

    /// Cells of the factors: U by columns, D, and the cap.
    var factorCells: Int { triangle + inputs + 1 }

    /// Sets the factors to a prior of the given variance.
    @inline(__always)
    func prepare(_ cells: inout Cells, factors: Int, variance: Float) {
        cells.fill(0, from: factors, count: triangle)
        cells.fill(variance, from: factors + triangle, count: inputs + 1)
    }

    /// Takes one row of inputs into the factors, leaving the gain in its own cells; the row is used up.
    ///
    /// `trust` below 1 makes the row count as if its noise were 1/trust times the usual.
    @inline(__always)
    func absorb(_ cells: inout Cells, factors: Int, row: Int, gain: Int, trust: Float) {
        let d = inputs
        // SAFETY: each run is checked against its allocation; the runs do not overlap.
        let u = unsafe cells.run(at: factors, count: triangle)
        let variances = unsafe cells.run(at: factors + triangle, count: d + 1)
        let f = unsafe cells.run(at: row, count: length(d))
        let g = unsafe cells.run(at: gain, count: length(d))
        // Padded columns read and write past the diagonal: zeros there stay zeros.
        cells.fill(0, from: gain, count: length(d))
        let cap = unsafe variances[d]
        var column = triangle
        // From the last to the first, so that the row can be overwritten by its product with U.
        var j = d - 1
        while j >= 0 {
            column &-= length(j)
            unsafe f[j] += sumOfProducts(u + column, f, count: length(j))
            j &-= 1
        }
        let renewal = 1 / forgetting
        var scale = forgetting / trust
        var inverse = 1 / scale
        j = 0
        while j < d {
            let part = unsafe f[j]
            let v = unsafe variances[j] * part
            let before = scale
            let turning = -part * inverse
            scale += v * part
            inverse = 1 / scale
            let narrowed = unsafe variances[j] * (before * inverse * renewal)
            unsafe variances[j] = narrowed < cap ? narrowed : cap
            unsafe turn(u + column, g, count: length(j), by: turning, adding: v)
            unsafe g[j] = v
            column &+= length(j)
            j &+= 1
        }
        j = 0
        while j < d {
            unsafe g[j] *= inverse
            j &+= 1
        }
    }

    /// The weighted sum of a row.
    @inline(__always)
    func predict(_ cells: borrowing Cells, weights: Int, row: Int) -> Float {
        let w = unsafe cells.run(at: weights, count: inputs)
        let x = unsafe cells.run(at: row, count: inputs)
        return unsafe sumOfProducts(w, x, count: inputs)
    }

    /// Moves the weights along a gain.
    @inline(__always)
    func move(_ cells: inout Cells, weights: Int, gain: Int, by error: Float) {
        let w = unsafe cells.run(at: weights, count: inputs)
        let g = unsafe cells.run(at: gain, count: inputs)
        var i = 0
        while i < inputs {
            unsafe w[i] += g[i] * error
            i &+= 1
        }
    }
}

/// One column of the factors takes up the gain so far, and the gain the column.
@inline(__always)
@unsafe
private func turn(
    _ u: UnsafeMutablePointer<Float>, _ g: UnsafeMutablePointer<Float>, count: Int, by turn: Float, adding v: Float
) {
    var i = 0
    while i &+ 4 <= count {
        let old = unsafe UnsafeRawPointer(u + i).loadUnaligned(as: SIMD4<Float>.self)
        let gain = unsafe UnsafeRawPointer(g + i).loadUnaligned(as: SIMD4<Float>.self)
        unsafe UnsafeMutableRawPointer(u + i).storeBytes(of: old + gain * turn, as: SIMD4<Float>.self)
        unsafe UnsafeMutableRawPointer(g + i).storeBytes(of: gain + old * v, as: SIMD4<Float>.self)
        i &+= 4
    }
    while i < count {
        let old = unsafe u[i]
        unsafe u[i] = unsafe old + g[i] * turn
        unsafe g[i] += old * v
        i &+= 1
    }
}

@inline(__always)
@unsafe
func sumOfProducts(_ a: UnsafeMutablePointer<Float>, _ b: UnsafeMutablePointer<Float>, count: Int) -> Float {
    // Four sums at a time: the order is fixed, so the result does not depend on the optimiser.
    var sums = SIMD4<Float>(repeating: 0)
    var i = 0
    while i &+ 4 <= count {
        let left = unsafe UnsafeRawPointer(a + i).loadUnaligned(as: SIMD4<Float>.self)
        let right = unsafe UnsafeRawPointer(b + i).loadUnaligned(as: SIMD4<Float>.self)
        sums += left * right
        i &+= 4
    }
    var sum = (sums.x + sums.z) + (sums.y + sums.w)
    while i < count {
        sum += unsafe a[i] * b[i]
        i &+= 1
    }
    return sum
}

/// How large residuals have been, and how much of one is believed.
@inline(__always)
func trust(residual: Float, scale: inout Float) -> Float {
    let size = residual.magnitude
    let limit = 1.5 * scale
    let trust = scale > 0 && size > limit ? limit / size : 1
    scale = scale == 0 ? size : scale + (min(size, 5 * scale) - scale) * 0.005
    return trust
}
