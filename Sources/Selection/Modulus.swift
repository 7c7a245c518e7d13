/// Arithmetic modulo a prime without divisions (P. Barrett, CRYPTO '86).
struct Modulus {
    /// The prime.
    let divisor: UInt64
    private let reciprocal: UInt64

    /// - Parameter divisor: a prime below 2²⁴.
    init(_ divisor: UInt64) {
        self.divisor = divisor
        reciprocal = .max / divisor
    }

    /// The remainder of a number below 2⁵⁰.
    ///
    /// The reciprocal is too small by less than one, so the quotient is too small by at most one.
    func remainder(of number: UInt64) -> UInt64 {
        let rest = number &- number.multipliedFullWidth(by: reciprocal).high &* divisor
        return rest >= divisor ? rest &- divisor : rest
    }

    /// The number that gives 1 when multiplied with `number`, which is not 0: `number` to the power of divisor − 2 (Fermat).
    func inverse(of number: UInt64) -> UInt64 {
        var result: UInt64 = 1
        var base = number
        var exponent = divisor - 2
        while exponent > 0 {
            if exponent & 1 == 1 { result = remainder(of: result * base) }
            base = remainder(of: base * base)
            exponent >>= 1
        }
        return result
    }
}
