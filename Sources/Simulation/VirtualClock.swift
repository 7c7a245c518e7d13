import Glibc
import Tracking

/// Time that passes because things arrive: nanoseconds, advanced by the gap to the next arrival. Years pass in seconds,
/// and a run is the same each time.
public struct VirtualClock: Sendable {
    /// How arrivals lie in time.
    public enum Arrivals: String, CaseIterable, Sendable {
        /// At equal distances.
        case constant
        /// At random, independent of each other: exponential gaps.
        case poisson
    }

    private var ticks: UInt64 = 0
    // Mean gap in 2^-16 ns, so that rates that do not divide a second hardly drift; the clock runs for 78 hours.
    private let step: UInt64
    private let mean: Double
    private let arrivals: Arrivals
    private var random: SplitMix

    private static var fraction: UInt64 { 16 }

    /// The longest time a clock can show, in seconds.
    public static var limit: Double { 280_000 }

    /// A clock that stands at 0.
    ///
    /// - Parameter rate: Arrivals per second, above 0.
    public init(rate: Double, arrivals: Arrivals = .constant, seed: UInt64 = 1) {
        mean = min(1e9 * Double(1 << Self.fraction) / rate, 0x1p62)
        step = UInt64(mean.rounded())
        self.arrivals = arrivals
        random = SplitMix(state: seed)
    }

    /// Nanoseconds since the start.
    @inline(__always)
    public var now: Int64 { Int64(truncatingIfNeeded: ticks >> Self.fraction) }

    /// Goes to the next arrival.
    @inline(__always)
    public mutating func advance() {
        if arrivals == .constant {
            ticks &+= step
        } else {
            let uniform = Double(random.next() >> 11 | 1) * 0x1p-53
            ticks &+= UInt64(-mean * log(uniform))
        }
    }

    /// Goes on by `count` arrivals.
    @inline(__always)
    public mutating func advance(by count: Int) {
        if arrivals == .constant {
            ticks &+= step &* UInt64(count)
        } else {
            for _ in 0..<count { advance() }
        }
    }
}
