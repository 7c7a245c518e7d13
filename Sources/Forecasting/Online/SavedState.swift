extension OnlineForecaster {
    /// All that the forecaster knows, events included, as bytes for a file.
    public func saved() -> [UInt8] {
        var codec = StateCodec()
        // Writing leaves the values as they are, but one list of fields serves both ways and wants them inout.
        var copy = OnlineForecaster(interval: rhythm.interval)
        copy.take(self)
        copy.carry(&codec)
        return codec.finished()
    }

    /// A forecaster that goes on where a saved one was.
    /// - Throws: `badState` when the bytes were not written by `saved` of this version, or were changed.
    public init(restoring bytes: [UInt8]) throws(ForecastError) {
        self.init(interval: 1)
        var codec = try StateCodec(reading: bytes)
        carry(&codec)
        guard codec.isComplete else { throw .badState }
    }

    private mutating func take(_ other: borrowing OnlineForecaster) {
        core.take(other.core)
        profiles.take(other.profiles)
        rhythm = other.rhythm
    }

    private mutating func carry(_ codec: inout StateCodec) {
        rhythm.carry(&codec)
        core.carry(&codec)
        profiles.carry(&codec)
    }
}

extension SeasonalProfiles {
    /// All that the profiles know, events included, as bytes for a file.
    public func saved() -> [UInt8] {
        var codec = StateCodec()
        var copy = SeasonalProfiles(interval: interval)
        copy.take(self)
        copy.carry(&codec)
        return codec.finished()
    }

    /// Profiles that go on where saved ones were.
    /// - Throws: `badState` as `OnlineForecaster.init(restoring:)`.
    public init(restoring bytes: [UInt8]) throws(ForecastError) {
        self.init(interval: 1)
        var codec = try StateCodec(reading: bytes)
        carry(&codec)
        guard codec.isComplete else { throw .badState }
    }
}

extension ShardForecaster {
    /// All that the forecaster knows, as bytes for a file; its pool's profiles are saved by themselves.
    public func saved() -> [UInt8] {
        var codec = StateCodec()
        var copy = ShardForecaster(interval: rhythm.interval)
        copy.core.take(core)
        copy.rhythm = rhythm
        copy.rhythm.carry(&codec)
        copy.core.carry(&codec)
        return codec.finished()
    }

    /// A forecaster that goes on where a saved one was.
    /// - Throws: `badState` as `OnlineForecaster.init(restoring:)`.
    public init(restoring bytes: [UInt8]) throws(ForecastError) {
        self.init(interval: 1)
        var codec = try StateCodec(reading: bytes)
        rhythm.carry(&codec)
        core.carry(&codec)
        guard codec.isComplete else { throw .badState }
    }
}

extension ForecastCore {
    fileprivate mutating func take(_ other: borrowing ForecastCore) {
        state = other.state
        cells.take(other.cells)
    }

    fileprivate mutating func carry(_ codec: inout StateCodec) {
        codec.carry(&state.reference)
        codec.carry(&state.steps, in: 0...(1 << 60))
        codec.carry(&state.taken)
        codec.carry(&state.issued)
        codec.carry(&state.hasSeenNegative)
        codec.carry(&state.value)
        codec.carry(&state.holtLevel)
        codec.carry(&state.holtTrend)
        codec.carry(&state.seasonLevel)
        codec.carry(&state.seasonError)
        codec.carry(&state.seasonCovariance)
        codec.carry(&state.seasonVariance)
        codec.carry(&state.differenceVariance)
        codec.carry(&state.share)
        codec.carry(&cells)
    }
}

extension SeasonalProfiles {
    fileprivate mutating func take(_ other: borrowing SeasonalProfiles) {
        interval = other.interval
        reference = other.reference
        time = other.time
        steps = other.steps
        profiles = other.profiles
        means = other.means
        level = other.level
        shortCount = other.shortCount
        shortPlace = other.shortPlace
        longCount = other.longCount
        longPlace = other.longPlace
        coarseSum = other.coarseSum
        coarseCount = other.coarseCount
        lastReview = other.lastReview
        lastLongReview = other.lastLongReview
        cells.take(other.cells)
        rings.take(other.rings)
        ahead.take(other.ahead)
        events.take(other.events)
    }

    fileprivate mutating func carry(_ codec: inout StateCodec) {
        codec.carry(&interval, in: 1...86_400)
        codec.carry(&reference)
        codec.carry(&time)
        codec.carry(&steps, in: 0...(1 << 60))
        for slot in 0..<Slot.count { profiles[slot].carry(&codec) }
        for index in 0..<Self.meanCount { codec.carry(&means[index]) }
        codec.carry(&level)
        codec.carry(&shortCount, in: 0...Self.shortRing)
        codec.carry(&shortPlace, in: 0...(Self.shortRing - 1))
        codec.carry(&longCount, in: 0...Self.longRing)
        codec.carry(&longPlace, in: 0...(Self.longRing - 1))
        codec.carry(&coarseSum)
        codec.carry(&coarseCount, in: 0...(1 << 40))
        codec.carry(&lastReview, in: 0...(1 << 60))
        codec.carry(&lastLongReview, in: 0...(1 << 60))
        codec.carry(&cells)
        codec.carry(&rings)
        codec.carry(&ahead)
        events.carry(&codec)
    }
}

extension Profile {
    fileprivate mutating func carry(_ codec: inout StateCodec) {
        codec.carry(&season)
        codec.carry(&width)
        codec.carry(&interval)
        codec.carry(&rate)
        codec.carry(&base, in: 0...(SeasonalProfiles.meanCount - 1))
        codec.carry(&age, in: 0...(1 << 60))
        // A profile must fit its room, whatever the bytes say.
        if width == 0 || interval == 0 || season > 0 && cells > room { codec.fail() }
    }
}
