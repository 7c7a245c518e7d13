/// The beat of a series: turns times into steps, and notices when the sampling interval has changed.
struct Rhythm: BitwiseCopyable {
    enum Arrival {
        case late
        case next(missed: Int)
        case rhythmChanged
    }

    /// So many equal distances in a row that are not one step are a new interval.
    private static var patience: Int { 8 }

    private(set) var interval: Int
    /// The time of the last value taken.
    private(set) var last: Int64 = 0
    /// The time of the last value that came, taken or not: a shorter interval shows there.
    private var seen: Int64 = 0
    private var hasBegun = false
    private var candidate: Int64 = 0
    private var repetitions = 0

    init(interval: Int) { self.interval = interval }

    @inline(__always)
    mutating func arrive(at time: Int64) -> Arrival {
        guard hasBegun else {
            hasBegun = true
            last = time
            seen = time
            return .next(missed: 0)
        }
        guard time > seen else { return .late }
        let distance = time - seen
        seen = time
        let step = Int64(interval)
        // A tenth of a step of jitter is nothing; far clocks are bounded so that no sum overflows.
        if (distance - step).magnitude * 10 <= step.magnitude {
            repetitions = 0
        } else if (distance - candidate).magnitude * 10 <= candidate.magnitude, candidate > 0 {
            repetitions += 1
        } else {
            candidate = distance
            repetitions = 1
        }
        if repetitions >= Self.patience, candidate <= 86_400 {
            interval = Int(candidate)
            repetitions = 0
            last = time
            return .rhythmChanged
        }
        let steps = (time - last + step / 2) / step
        guard steps > 0 else { return .late }
        last = time
        return .next(missed: Int(min(steps, 1 << 40)) - 1)
    }
}

extension Rhythm {
    mutating func carry(_ codec: inout StateCodec) {
        codec.carry(&interval, in: 1...86_400)
        codec.carry(&last)
        codec.carry(&seen)
        codec.carry(&hasBegun)
        codec.carry(&candidate)
        codec.carry(&repetitions, in: 0...Self.patience)
    }
}
