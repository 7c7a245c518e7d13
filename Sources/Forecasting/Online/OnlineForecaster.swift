/// Forecasts a series as it comes: one value in, ten horizons out, in constant time and memory.
///
/// Ten horizons are ten steps of `interval` seconds. Values come with their time, so gaps, late values and a changed
/// sampling interval are inputs like any other. Nothing is allocated after `init`.
/// ```
/// var forecaster = OnlineForecaster(interval: 30)
/// forecaster.update(requests, at: now)
/// let soon = forecaster.forecast(10)
/// if forecaster.isReviewDue { forecaster.reviewSeasons() }
/// ```
public struct OnlineForecaster: ~Copyable {
    /// What became of a value.
    public enum Outcome: Equatable, Sendable {
        /// It was the next one.
        case taken
        /// It was taken; that many steps before it had no value.
        case takenAfterGap(Int)
        /// It was not after the last one, or not a number, and was left out.
        case ignored
        /// It was taken, and with it a new sampling interval of so many seconds.
        case takenWithNewInterval(Int)
    }

    /// How many steps ahead there is a forecast.
    public static var horizons: Int { SeasonalProfiles.horizons }

    var core: ForecastCore
    var profiles: SeasonalProfiles
    var rhythm: Rhythm

    /// A forecaster for values each `interval` seconds (1…86 400).
    public init(interval: Int, events: [ScheduledEvent] = []) {
        core = ForecastCore(isNarrow: false)
        profiles = SeasonalProfiles(interval: interval)
        profiles.events = EventSchedule(events)
        rhythm = Rhythm(interval: interval)
    }

    /// Seconds between two values.
    public var interval: Int { rhythm.interval }
    /// Steps since the first value, gaps included.
    public var steps: Int { core.state.steps }
    /// Bytes held.
    public var byteCount: Int { core.byteCount + profiles.byteCount + MemoryLayout<Rhythm>.size }

    /// Replaces the schedule of events; what the old one taught is forgotten. Allocates, unlike everything else.
    public mutating func schedule(_ events: [ScheduledEvent]) { profiles.events = EventSchedule(events) }

    /// Takes in a value.
    /// - Parameter time: seconds since the epoch. A distance that is not a whole number of steps is rounded.
    #if !DEBUG
        @_noAllocation
    #endif
    @discardableResult
    public mutating func update(_ value: Double, at time: Int64) -> Outcome {
        guard SeasonalProfiles.isUsable(value, at: time) else { return .ignored }
        let arrival = rhythm.arrive(at: time)
        switch arrival {
        case .late: return .ignored
        case .next(let missed):
            if missed > 0 {
                core.skip(missed)
                profiles.skip(missed)
            }
        case .rhythmChanged:
            core.restart()
            profiles.restart(interval: rhythm.interval)
        }
        let moment = rhythm.last
        if core.state.steps == 0 { profiles.reference = signedRoot(value) }
        core.observe(value, season: profiles.season(at: moment))
        profiles.learn(Float(signedRoot(value) - profiles.reference), at: moment)
        profiles.look()
        core.project(profiles)
        switch arrival {
        case .next(let missed): return missed > 0 ? .takenAfterGap(missed) : .taken
        default: return .takenWithNewInterval(rhythm.interval)
        }
    }

    /// The forecast `horizon` steps after the last value, 1…10, with its 90 % interval; zeros before the first value.
    #if !DEBUG
        @_noAllocation
    #endif
    public func forecast(_ horizon: Int) -> (mean: Double, lower: Double, upper: Double) { core.answer(horizon) }

    /// Whether the seasons are to be looked for again.
    public var isReviewDue: Bool { profiles.isReviewDue }

    /// Looks for seasons in what is remembered; milliseconds, see `SeasonalProfiles.reviewSeasons`.
    #if !DEBUG
        @_noAllocation
    #endif
    public mutating func reviewSeasons() { profiles.reviewSeasons() }

    /// Season lengths found in the data, in seconds; 0 where none was found.
    public var foundSeasons: (short: Int, long: Int) { profiles.foundSeasons }
}
