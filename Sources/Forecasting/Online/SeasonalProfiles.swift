/// The seasonal side of an online forecaster: what the clock says about a series.
///
/// It learns profiles of the quarter hour, the hour, the day (per step and per five minutes), the week (five minutes),
/// the two seasons of a double seasonal smoothing, and up to two seasons found in the data (`reviewSeasons`). One
/// instance may serve a single series, or a whole pool whose shards' forecasters read it (`ShardForecaster`).
///
/// Values are square roots, relative to `reference`, the first one. About 90 KB; nothing is allocated after `init`.
public struct SeasonalProfiles: ~Copyable {
    enum Slot {
        static var quarter: Int { 0 }
        static var hour: Int { 1 }
        static var day: Int { 2 }
        static var fiveMinuteOfDay: Int { 3 }
        static var week: Int { 4 }
        static var short: Int { 5 }
        static var long: Int { 6 }
        static var smoothedDay: Int { 7 }
        static var smoothedWeek: Int { 8 }
        static var count: Int { 9 }
    }

    /// How many steps ahead the profiles are read.
    static var horizons: Int { 10 }
    static var meanCount: Int { 10 }
    static var shortRing: Int { 1_024 }
    static var longRing: Int { 4_032 }

    /// Seconds between two values.
    public internal(set) var interval: Int
    /// The root of the first value; all others are relative to it.
    var reference = 0.0
    /// The time of the last step.
    var time: Int64 = 0
    /// Steps since the beginning, gaps included.
    var steps = 0
    var profiles: InlineArray<9, Profile>
    /// Profiles' cells, one after the other.
    var cells: Cells
    /// Recent values by step, then means by five minutes.
    var rings: Cells
    var scratch: Cells
    /// Slow means of 1…512 steps.
    var means = InlineArray<10, Float>(repeating: 0)
    /// What each profile says of this step and the next ten; row per slot.
    var ahead: Cells
    var level: Float = 0
    var shortCount = 0
    var shortPlace = 0
    var longCount = 0
    var longPlace = 0
    var coarseSum: Float = 0
    var coarseCount = 0
    var events = EventSchedule()
    var lastReview = 0
    var lastLongReview = 0

    /// Seconds of a coarse bin: five minutes, or a step where that is longer.
    var coarse: Int { max(300, interval) }

    /// Profiles for a series sampled each `interval` seconds (1…86 400).
    public init(interval: Int) {
        precondition((1...86_400).contains(interval))
        self.interval = interval
        let rooms: InlineArray<9, Int> = [512, 720, 2_880, 288, 2_016, 342, 1_344, 2_880, 2_016]
        let rates: InlineArray<9, Float> = [0.02, 0.05, 0.15, 0.15, 0.3, 0.05, 0.15, 0.1, 0.1]
        var start = 0
        profiles = InlineArray { index in
            defer { start += rooms[index] }
            return Profile(start: start, room: rooms[index], rate: rates[index])
        }
        cells = Cells(repeating: 0, count: start)
        rings = Cells(repeating: 0, count: Self.shortRing + Self.longRing)
        scratch = Cells(repeating: 0, count: SeasonFinder.scratchCells(Self.longRing))
        ahead = Cells(repeating: 0, count: Slot.count * (Self.horizons + 1))
        useCalendar()
    }

    /// Replaces the schedule of events; what the old one taught is forgotten. Allocates, unlike everything else.
    public mutating func schedule(_ events: [ScheduledEvent]) { self.events = EventSchedule(events) }

    /// Bytes held.
    public var byteCount: Int {
        cells.byteCount + rings.byteCount + scratch.byteCount + events.byteCount + ahead.byteCount
            + MemoryLayout<Self>.size
    }

    mutating func useCalendar() {
        func set(_ slot: Int, _ season: Int, _ finest: Int) {
            guard season >= 2 * interval, profiles[slot].season == 0 else { return }
            let length = max(2, season / interval)
            profiles[slot].use(
                season: UInt32(season), finest: UInt32(finest), interval: UInt32(interval),
                base: season >= 86_400 ? 9 : max(1, min(9, ceilingLog2(length + 1) - 1)))
        }
        set(Slot.quarter, 900, 1)
        set(Slot.hour, 3_600, 1)
        set(Slot.day, 86_400, 1)
        set(Slot.fiveMinuteOfDay, 86_400, 300)
        set(Slot.week, 604_800, 300)
        set(Slot.smoothedDay, 86_400, 1)
        set(Slot.smoothedWeek, 604_800, 300)
    }

    /// Begins anew with another interval. Shapes in bins of five minutes stay where the new steps are no longer.
    mutating func restart(interval new: Int) {
        let keepsCoarse = max(300, new) == coarse && interval <= 300
        interval = new
        steps = 0
        for index in 0..<Self.meanCount { means[index] = 0 }
        level = 0
        shortCount = 0
        shortPlace = 0
        coarseSum = 0
        coarseCount = 0
        lastReview = 0
        lastLongReview = 0
        for slot in 0..<Slot.count {
            let isCoarse = slot == Slot.fiveMinuteOfDay || slot == Slot.week || slot == Slot.long
            if isCoarse && keepsCoarse {
                profiles[slot].interval = UInt32(new)
                continue
            }
            profiles[slot].season = 0
            cells.fill(0, from: profiles[slot].start, count: profiles[slot].room)
            ahead.fill(0, from: slot * (Self.horizons + 1), count: Self.horizons + 1)
        }
        // The long ring is relative to the old reference, which the new one need not match.
        longCount = 0
        longPlace = 0
        useCalendar()
    }

    /// Takes in one value: the time in seconds since the epoch, the value itself, not its root.
    ///
    /// A time that is not after the last one is ignored; steps left out are stepped over.
    public mutating func update(_ value: Double, at time: Int64) {
        guard Self.isUsable(value, at: time), steps == 0 || time > self.time else { return }
        if steps == 0 { reference = signedRoot(value) }
        let missed = steps == 0 ? 0 : min(Self.longRing * coarse, Int(time - self.time)) / interval - 1
        if missed > 0 { skip(missed) }
        learn(Float(signedRoot(value) - reference), at: time)
        look()
    }

    /// Whether single precision and the arithmetic of times can hold a value and its time.
    @inline(__always)
    static func isUsable(_ value: Double, at time: Int64) -> Bool {
        value.isFinite && value.magnitude <= 1e30 && time.magnitude <= 1 << 52
    }

    /// Steps over values that did not come: the rings go on with the last mean, so nothing jumps.
    mutating func skip(_ missed: Int) {
        steps += missed
        for _ in 0..<min(missed, Self.shortRing) { remember(means[1]) }
        let bins = min(Self.longRing, missed * interval / coarse)
        if bins > 0 {
            coarseSum = 0
            coarseCount = 0
            for _ in 0..<bins { rememberCoarse(means[9]) }
        }
    }

    mutating func learn(_ value: Float, at time: Int64) {
        self.time = time
        steps += 1
        let young = 1 / Float(steps)
        var rate: Float = 1
        for index in 0..<Self.meanCount {
            means[index] += max(rate, young) * (value - means[index])
            rate *= 0.5
        }
        smooth(value, young: young)
        for slot in Slot.quarter...Slot.long where profiles[slot].isUsed {
            let phase = profiles[slot].phase(at: time)
            let cell = profiles[slot].start + Int(phase / profiles[slot].width)
            cells[cell] += profiles[slot].nextRate(phase: phase) * (value - means[profiles[slot].base] - cells[cell])
        }
        events.learn(
            Float(Double(value) + reference), level: Float(Double(means[3]) + reference), at: time,
            interval: interval)
        remember(value)
        coarseSum += value
        coarseCount += 1
        let bin = time / Int64(coarse)
        if (time + Int64(interval)) / Int64(coarse) != bin {
            rememberCoarse(coarseSum / Float(coarseCount))
            coarseSum = 0
            coarseCount = 0
        }
    }

    /// The double seasonal smoothing's own step (additive on roots, level 0.01, seasons 0.1).
    @inline(__always)
    private mutating func smooth(_ value: Float, young: Float) {
        var error = value - level
        var places = InlineArray<2, Int>(repeating: -1)
        for index in 0..<2 {
            let slot = Slot.smoothedDay + index
            guard profiles[slot].isUsed else { continue }
            places[index] = profiles[slot].start + Int(profiles[slot].phase(at: time) / profiles[slot].width)
            error -= cells[places[index]]
        }
        level += max(0.01, young) * error
        for index in 0..<2 where places[index] >= 0 {
            let profile = profiles[Slot.smoothedDay + index]
            cells[places[index]] += profile.rate / Float(max(1, profile.width / profile.interval)) * error
        }
    }

    @inline(__always)
    private mutating func remember(_ value: Float) {
        rings[shortPlace] = value
        shortPlace = shortPlace + 1 == Self.shortRing ? 0 : shortPlace + 1
        shortCount = min(Self.shortRing, shortCount + 1)
    }

    @inline(__always)
    private mutating func rememberCoarse(_ value: Float) {
        rings[Self.shortRing + longPlace] = value
        longPlace = longPlace + 1 == Self.longRing ? 0 : longPlace + 1
        longCount = min(Self.longRing, longCount + 1)
    }

    /// Reads each profile at the last step and at each of the next ten, at its exact cell.
    mutating func look() {
        let width = Self.horizons + 1
        for slot in 0..<Slot.count where profiles[slot].isUsed {
            let profile = profiles[slot]
            var phase = profile.phase(at: time)
            let step = UInt32(interval) % profile.season
            for horizon in 0..<width {
                ahead[slot * width + horizon] = cells[profile.start + Int(phase / profile.width)]
                phase += step
                if phase >= profile.season { phase -= profile.season }
            }
        }
        events.look(time: time, interval: Int64(interval))
    }

    /// What a profile says of the step `horizon` ahead, 0 being the last one; 0 while it is not in use.
    @inline(__always)
    func term(_ slot: Int, _ horizon: Int) -> Float {
        ahead[slot * (Self.horizons + 1) + horizon]
    }

    /// What the double seasonal smoothing says of a moment, its level left out.
    @inline(__always)
    func season(at time: Int64) -> Float {
        var sum: Float = 0
        for slot in Slot.smoothedDay...Slot.smoothedWeek where profiles[slot].isUsed {
            sum += cells[profiles[slot].start + Int(profiles[slot].phase(at: time) / profiles[slot].width)]
        }
        return sum
    }

    var hasEvents: Bool { events.isKnown }

    /// By what share of the present root the scheduled events change it until the step `horizon` ahead.
    @inline(__always)
    func eventChange(_ horizon: Int) -> Float { events.change[horizon] }

    /// What a profile adds between the last step and the one `horizon` ahead.
    @inline(__always)
    func increment(_ slot: Int, _ horizon: Int) -> Float { term(slot, horizon) - term(slot, 0) }
}
