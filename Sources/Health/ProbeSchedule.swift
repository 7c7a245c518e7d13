/// When each target is probed next: pure, so that a test can run hours in a moment.
///
/// Times are nanoseconds of any clock that does not jump.
struct ProbeSchedule {
    private var random: UInt64

    init(seed: UInt64) { random = seed }

    /// The start of the probe after the one that started at `start`: the interval, moved by at most a tenth.
    mutating func next(after start: Int64, _ policy: HealthPolicy) -> Int64 {
        let interval = policy.interval.nanoseconds
        let span = interval / 5
        guard span > 0 else { return start + max(1, interval) }
        return start + interval - span / 2 + Int64(draw() % UInt64(span + 1))
    }

    /// SplitMix64 (Steele, Lea, Flood, OOPSLA 2014): spreading is all that is asked of it.
    private mutating func draw() -> UInt64 {
        random &+= 0x9E37_79B9_7F4A_7C15
        var z = random
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

extension Duration {
    /// The duration in nanoseconds; durations here are far below the 292 years that fit.
    var nanoseconds: Int64 { components.seconds * 1_000_000_000 + components.attoseconds / 1_000_000_000 }
}
