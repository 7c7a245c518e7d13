/// eˣ for x ≤ 0 to about seven digits, without a call into the C library: the same on each machine.
@inline(__always)
func decay(_ x: Float) -> Float {
    if x < -80 { return 0 }
    if x > 0 { return 1 }
    let scaled = x * 1.442_695_04
    let truncated = Int32(scaled)
    let whole = Float(truncated) > scaled ? truncated - 1 : truncated
    let r = (scaled - Float(whole)) * 0.693_147_18
    let low =
        1 + r * (1 + r * (0.5 + r * (0.166_666_67 + r * (0.041_666_667 + r * (0.008_333_333 + r * 0.001_388_889)))))
    return low * Float(bitPattern: UInt32(whole + 127) << 23)
}

/// e⁻ᵈ for four d ≥ 0 at once, as (1 + d/1024)⁻¹⁰²⁴: within 1.3 % up to d = 5, and still falling where it is smaller.
@inline(__always)
func decaying(_ d: SIMD4<Float>) -> SIMD4<Float> {
    var x = 1 + d * (1 / 1_024)
    x *= x
    x *= x
    x *= x
    x *= x
    x *= x
    x *= x
    x *= x
    x *= x
    x *= x
    x *= x
    return 1 / x
}

/// The square root that keeps the sign: what the online models work on.
@inline(__always)
func signedRoot(_ x: Double) -> Double { x < 0 ? -root(-x) : root(x) }

/// One machine instruction, but the compiler's proof does not look into the standard library's shim of it.
@inline(never)
@_semantics("no_performance_analysis")
func root(_ x: Double) -> Double { x.squareRoot() }

/// The inverse of `signedRoot`.
@inline(__always)
func signedSquare(_ x: Double) -> Double { x < 0 ? -(x * x) : x * x }

/// The smallest k with 2ᵏ ≥ value.
func ceilingLog2(_ value: Int) -> Int {
    var k = 0
    while 1 << k < value { k += 1 }
    return k
}
