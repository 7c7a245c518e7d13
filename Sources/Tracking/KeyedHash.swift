/// A hash that a sender who does not know the start's secret cannot steer.
///
/// NH (Black, Halevi, Krawczyk, Krovetz, Rogaway: UMAC, CRYPTO '99; RFC 4418): the sum modulo 2^128 of
/// (word + secret) · (word + secret) over pairs of words. Two keys fixed before the secret is drawn agree in the sum with
/// a probability of at most 2^-64. A multiply-fold with two further secrets spreads the sum over 64 bits. Five words
/// cost four multiplications.
///
/// The hash never leaves the process, so nobody can learn the secret from its values.
public struct KeyedHash: Sendable {
    @usableFromInline let s0, s1, s2, s3, s4, s5, s6, s7: UInt64

    /// A secret from the system's random source: what a daemon uses.
    public init() {
        var generator = SystemRandomNumberGenerator()
        self.init(using: &generator)
    }

    /// A secret made from `seed`, the same for the same seed: for simulations and tests.
    public init(seed: UInt64) {
        var generator = SplitMix(state: seed)
        self.init(using: &generator)
    }

    private init<Generator: RandomNumberGenerator>(using generator: inout Generator) {
        s0 = generator.next()
        s1 = generator.next()
        s2 = generator.next()
        s3 = generator.next()
        s4 = generator.next()
        s5 = generator.next()
        s6 = generator.next()
        s7 = generator.next() | 1
    }

    /// 64 evenly spread bits of five words.
    @inlinable @inline(__always)
    func hash(_ a: UInt64, _ b: UInt64, _ c: UInt64, _ d: UInt64, _ e: UInt64) -> UInt64 {
        let first = (a &+ s0).multipliedFullWidth(by: b &+ s1)
        let second = (c &+ s2).multipliedFullWidth(by: d &+ s3)
        let third = (e &+ s4).multipliedFullWidth(by: s5)
        let (low1, carry1) = first.low.addingReportingOverflow(second.low)
        let (low, carry2) = low1.addingReportingOverflow(third.low)
        let high = first.high &+ second.high &+ third.high &+ (carry1 ? 1 : 0) &+ (carry2 ? 1 : 0)
        return Self.fold(low ^ s6, high ^ s7)
    }

    /// 64 evenly spread bits of two words: for the sources of a quota.
    @inline(__always)
    func hash(_ a: UInt64, _ b: UInt64) -> UInt64 {
        Self.fold(a ^ s5, b ^ s7)
    }

    @inlinable @inline(__always)
    static func fold(_ a: UInt64, _ b: UInt64) -> UInt64 {
        let product = a.multipliedFullWidth(by: b)
        return product.high ^ product.low
    }

    /// Maps a hash to 0 ..< `count` by its high bits: any count is as good as a prime one, even numbers too.
    @inline(__always)
    static func reduce(_ hash: UInt64, _ count: UInt32) -> UInt32 {
        UInt32(truncatingIfNeeded: hash.multipliedFullWidth(by: UInt64(count)).high)
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014): expands a seed.
public struct SplitMix: RandomNumberGenerator, Sendable {
    private var state: UInt64

    /// Starts at `state`; equal states give equal sequences.
    public init(state: UInt64) { self.state = state }

    /// The next 64 bits.
    @inline(__always)
    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
