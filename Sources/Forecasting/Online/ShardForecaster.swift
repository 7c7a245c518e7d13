/// A forecaster of one shard in at most 8 KB: it reads the seasons of its pool instead of keeping its own.
///
/// Each step: update the pool's `SeasonalProfiles` with the pool's load, then each shard with its own. The pool's
/// shapes act on the shard by the ratio of their levels.
public struct ShardForecaster: ~Copyable {
    var core: ForecastCore
    var rhythm: Rhythm

    /// A forecaster for values each `interval` seconds, as its pool's profiles have them.
    public init(interval: Int) {
        core = ForecastCore(isNarrow: true)
        rhythm = Rhythm(interval: interval)
    }

    /// Bytes held.
    public var byteCount: Int { core.byteCount + MemoryLayout<Rhythm>.size }

    /// Takes in a value; `profiles` must have taken the pool's value of the same time already.
    #if !DEBUG
        @_noAllocation
    #endif
    @discardableResult
    public mutating func update(
        _ value: Double, at time: Int64, profiles: borrowing SeasonalProfiles
    ) -> OnlineForecaster.Outcome {
        guard SeasonalProfiles.isUsable(value, at: time) else { return .ignored }
        let arrival = rhythm.arrive(at: time)
        switch arrival {
        case .late: return .ignored
        case .next(let missed): if missed > 0 { core.skip(missed) }
        case .rhythmChanged: core.restart()
        }
        core.observe(value, season: profiles.season(at: rhythm.last))
        core.project(profiles)
        switch arrival {
        case .next(let missed): return missed > 0 ? .takenAfterGap(missed) : .taken
        default: return .takenWithNewInterval(rhythm.interval)
        }
    }

    /// The forecast `horizon` steps after the last value, 1…10, with its 90 % interval.
    #if !DEBUG
        @_noAllocation
    #endif
    public func forecast(_ horizon: Int) -> (mean: Double, lower: Double, upper: Double) { core.answer(horizon) }
}
