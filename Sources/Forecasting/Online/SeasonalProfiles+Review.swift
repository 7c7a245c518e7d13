extension SeasonalProfiles {
    /// Whether enough has come in since the last review of the seasons: an hour, at least 96 steps.
    public var isReviewDue: Bool { steps - lastReview >= max(96, 3_600 / interval) }

    /// Season lengths found in the data, in seconds; 0 where none was found.
    public var foundSeasons: (short: Int, long: Int) {
        (Int(profiles[Slot.short].season), Int(profiles[Slot.long].season))
    }

    /// Looks for seasons that the calendar does not name and begins profiles for them from what is remembered.
    ///
    /// It costs milliseconds, so it stands beside the updates: call it when `isReviewDue`, at a moment of leisure.
    /// Short seasons (2…341 steps) come from the last 1,024 steps, long ones (13…1,344 bins of five minutes) from the
    /// last two weeks. It allocates nothing.
    public mutating func reviewSeasons() {
        lastReview = steps
        reviewShort()
        if steps - lastLongReview >= max(96, 21_600 / interval) {
            lastLongReview = steps
            reviewLong()
        }
    }

    private mutating func reviewShort() {
        guard shortCount == Self.shortRing || shortCount >= 200 else { return }
        let now = Int(profiles[Slot.short].season) / interval
        let found = SeasonFinder.find(
            rings, at: 0, oldest: shortCount == Self.shortRing ? shortPlace : 0, count: shortCount, shortest: 2,
            longest: 341, current: now, scratch: &scratch)
        guard found > 0, found != now else { return }
        profiles[Slot.short].use(
            season: UInt32(found * interval), finest: 1, interval: UInt32(interval),
            base: max(2, min(9, ceilingLog2(found))))
        replay(Slot.short, at: 0, count: shortCount, place: shortPlace, room: Self.shortRing, step: interval, end: time)
    }

    private mutating func reviewLong() {
        let now = Int(profiles[Slot.long].season) / coarse
        let found = SeasonFinder.find(
            rings, at: Self.shortRing, oldest: longCount == Self.longRing ? longPlace : 0, count: longCount,
            shortest: 13, longest: 1_344, current: now, scratch: &scratch)
        let isCalendar = found * coarse == 86_400 || found * coarse == 3_600
        guard found > 0, found != now, !isCalendar else { return }
        profiles[Slot.long].use(
            season: UInt32(found * coarse), finest: UInt32(coarse), interval: UInt32(interval), base: 9)
        let end = (time + Int64(interval)) / Int64(coarse) * Int64(coarse) - Int64(coarse)
        replay(
            Slot.long, at: Self.shortRing, count: longCount, place: longPlace, room: Self.longRing, step: coarse,
            end: end)
    }

    /// Teaches a new profile what a ring remembers, against a running mean over about one season.
    private mutating func replay(
        _ slot: Int, at base: Int, count: Int, place: Int, room: Int, step: Int, end: Int64
    ) {
        cells.fill(0, from: profiles[slot].start, count: profiles[slot].room)
        let length = max(2, Int(profiles[slot].season) / step)
        let perBin = max(1, step / interval)
        var mean: Float = 0
        for index in 0..<count {
            let value = rings[base + (place - count + index + room) % room]
            mean += (value - mean) / Float(min(index + 1, max(length, slot == Slot.long ? 100 : length)))
            guard index > length else { continue }
            let moment = end - Int64(count - 1 - index) * Int64(step)
            let phase = profiles[slot].phase(at: moment)
            let cell = profiles[slot].start + Int(phase / profiles[slot].width)
            let visits = Float(index / length)
            profiles[slot].age += perBin
            cells[cell] += max(1 / visits, profiles[slot].rate) * (value - mean - cells[cell])
        }
    }
}
