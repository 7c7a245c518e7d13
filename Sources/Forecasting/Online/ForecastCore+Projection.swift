extension ForecastCore {
    /// Makes the forecasts of the ten horizons from what was just observed and what the profiles say.
    mutating func project(_ profiles: borrowing SeasonalProfiles) {
        let step = state.steps - 1
        if layout.isNarrow { measureShare(profiles) }
        let now = state.share * season(profiles, 0)
        state.seasonError = state.value - state.seasonLevel - now
        for index in 0..<layout.means { cells[layout.origin(step) + index] = cells[layout.mean + index] }
        CommonRegression.absorb(&cells, layout, step: step, variance: state.differenceVariance)
        var correlation: Float = 0
        if state.seasonVariance > 0 {
            correlation = max(0, min(0.999, state.seasonCovariance / state.seasonVariance))
        }
        var carried = state.seasonError
        let speakers = speakers(profiles)
        let base = min(profiles.profiles[SeasonalProfiles.Slot.short].base, layout.means - 1)
        var reach: Float = 0
        var damping: Float = 1
        for horizon in 1...Self.horizons {
            carried *= correlation
            damping *= 0.9
            reach += damping
            let record = layout.record(horizon: horizon, step: step)
            let seasonal = state.seasonLevel + state.share * season(profiles, horizon) - state.value
            writeShapes(profiles, at: record, horizon: horizon)
            cells[record + layout.shapes - 2] = seasonal
            cells[record + layout.shapes - 1] = seasonal + carried
            writeForecasts(
                profiles, at: record, horizon: horizon, holt: state.holtLevel + reach * state.holtTrend,
                base: base)
            cells[record + layout.answer] = combine(horizon: horizon, step: step, record: record, speakers: speakers)
            cells[record + layout.answer + 1] = cells[layout.statistic(CoreLayout.Statistic.size, horizon)]
        }
        state.issued = state.issued &<< 1 | 1
    }

    @inline(__always)
    private func season(_ profiles: borrowing SeasonalProfiles, _ horizon: Int) -> Float {
        profiles.term(SeasonalProfiles.Slot.smoothedDay, horizon)
            + profiles.term(SeasonalProfiles.Slot.smoothedWeek, horizon)
    }

    /// The ratio of this series' slow level to that of the profiles.
    @inline(__always)
    private mutating func measureShare(_ profiles: borrowing SeasonalProfiles) {
        let own = Double(cells[layout.mean + layout.means - 1]) + state.reference
        let theirs = Double(profiles.means[layout.means - 1]) + profiles.reference
        state.share = theirs > 0 ? Float(max(0, min(100, own / theirs))) : 0
    }

    /// What each profile adds until the horizon; the narrow layout sums those of a kind.
    @inline(__always)
    private mutating func writeShapes(_ profiles: borrowing SeasonalProfiles, at record: Int, horizon: Int) {
        typealias Slot = SeasonalProfiles.Slot
        let event = profiles.eventChange(horizon) * Float(Double(state.value) + state.reference)
        let share = state.share
        if layout.isNarrow {
            cells[record] =
                share
                * (profiles.increment(Slot.quarter, horizon) + profiles.increment(Slot.hour, horizon)
                    + profiles.increment(Slot.short, horizon))
            cells[record + 1] = share * profiles.increment(Slot.day, horizon)
            cells[record + 2] =
                share
                * (profiles.increment(Slot.fiveMinuteOfDay, horizon) + profiles.increment(Slot.week, horizon)
                    + profiles.increment(Slot.long, horizon)) + event
        } else {
            for slot in Slot.quarter...Slot.long { cells[record + slot] = profiles.increment(slot, horizon) }
            cells[record + Slot.long + 1] = event
        }
    }

    /// The experts whose forecasts are kept: Holt, profiles over means, events, the regressions.
    @inline(__always)
    private mutating func writeForecasts(
        _ profiles: borrowing SeasonalProfiles, at record: Int, horizon: Int, holt: Float, base: Int
    ) {
        typealias Slot = SeasonalProfiles.Slot
        let step = state.steps - 1
        layout.writeGaps(&cells, origin: layout.origin(step))
        layout.writeShapes(&cells, record: record)
        var next = record + layout.shapes
        put(&next, holt)
        put(&next, cells[layout.mean + base] + state.share * profiles.term(Slot.short, horizon))
        if !layout.isNarrow {
            put(&next, cells[layout.mean + 1] + cells[record + Slot.day])
            put(&next, cells[layout.mean + 3] + cells[record + Slot.week])
            put(&next, cells[layout.mean + 3] + cells[record + Slot.long])
            put(&next, state.value + cells[record + Slot.long + 1])
        }
        for which in 0..<layout.regressions {
            let change = layout.regression(which).predict(
                cells, weights: layout.weights(which, horizon), row: layout.row)
            put(&next, state.value + change)
        }
        let change = layout.commonRegression.predict(cells, weights: layout.commonWeights(horizon), row: layout.row)
        put(&next, state.value + change)
    }

    /// Keeps a forecast; one that no float can hold falls back to the last value.
    @inline(__always)
    private mutating func put(_ place: inout Int, _ forecast: Float) {
        cells[place] = forecast.isFinite ? forecast : state.value
        place += 1
    }

    /// The weighted mean of the experts that may speak.
    @inline(__always)
    private mutating func combine(horizon: Int, step: Int, record: Int, speakers: UInt32) -> Float {
        let loss = layout.loss(horizon)
        gather(record: record)
        var weights: Float = 0
        var sum: Float = 0
        if step < Self.apprenticeship {
            for index in 0..<3 {
                let earned = step >= horizon + 10 && cells[loss + index] < 0.95 * cells[loss]
                guard index == 0 || earned else { continue }
                let weight = decay(-25 * max(0, cells[loss + index] / max(cells[loss], 1e-30) - 1))
                weights += weight
                sum += weight * cells[layout.mean + index]
            }
            return sum / weights
        }
        // SAFETY: the runs are checked against their allocation; the number of experts is a multiple of four.
        let losses = unsafe cells.run(at: loss, count: layout.experts)
        let said = unsafe cells.run(at: layout.said, count: layout.experts)
        var best = Float.infinity
        var index = 0
        while index < layout.experts {
            let loss = unsafe losses[index]
            if loss < best, speakers &>> UInt32(index) & 1 != 0 { best = loss }
            index &+= 1
        }
        var speakers = speakers
        if step < Self.probation { speakers = earned(speakers, loss: loss, best: &best) }
        // Nothing moves where the best expert has never been wrong.
        guard best > 0 else { return state.value }
        let inverse = 25 / best
        var four = SIMD4<Float>(repeating: 0)
        var products = four
        index = 0
        while index < layout.experts {
            let loss = unsafe UnsafeRawPointer(losses + index).loadUnaligned(as: SIMD4<Float>.self)
            let forecast = unsafe UnsafeRawPointer(said + index).loadUnaligned(as: SIMD4<Float>.self)
            var weight = decaying(loss * inverse - 25)
            let voices = speakers &>> UInt32(index) & 15
            if voices != 15 {
                for lane in 0..<4 where voices &>> UInt32(lane) & 1 == 0 { weight[lane] = 0 }
            }
            four += weight
            products += weight * forecast
            index &+= 4
        }
        weights = (four.x + four.z) + (four.y + four.w)
        sum = (products.x + products.z) + (products.y + products.w)
        return weights > 0 && sum.isFinite ? sum / weights : state.value
    }

    /// In the first steps only those speak beside the naive forecast and the means that have done better than these.
    private func earned(_ speakers: UInt32, loss: Int, best: inout Float) -> UInt32 {
        var simple = cells[loss]
        for index in 1..<layout.flat where cells[loss + index] < simple { simple = cells[loss + index] }
        var result = speakers
        best = simple
        for index in layout.flat..<layout.experts {
            if cells[loss + index] >= simple {
                result &= ~(1 &<< UInt32(index))
            } else if speakers &>> UInt32(index) & 1 != 0, cells[loss + index] < best {
                best = cells[loss + index]
            }
        }
        return result
    }

    /// Lays the forecasts of a horizon side by side.
    @inline(__always)
    private mutating func gather(record: Int) {
        // SAFETY: the runs are checked against their allocation and do not overlap.
        let said = unsafe cells.run(at: layout.said, count: layout.experts)
        let flat = unsafe cells.run(at: layout.mean, count: layout.flat)
        let kept = unsafe cells.run(at: record + layout.shapes - 2, count: layout.shaped + 2)
        var index = 0
        while index < layout.flat {
            unsafe said[index] = unsafe flat[index]
            index &+= 1
        }
        unsafe said[index] = unsafe kept[0] + state.value
        unsafe said[index &+ 1] = unsafe kept[1] + state.value
        index = 2
        while index < layout.shaped + 2 {
            unsafe said[layout.flat &+ index] = unsafe kept[index]
            index &+= 1
        }
    }

    /// A bit for each expert that may speak. Those on seasons and events that do not exist only repeat others.
    @inline(__always)
    private func speakers(_ profiles: borrowing SeasonalProfiles) -> UInt32 {
        var speakers: UInt32 = 1 &<< UInt32(layout.experts) - 1
        let first = UInt32(layout.flat + 2)
        if !profiles.profiles[SeasonalProfiles.Slot.short].isUsed { speakers &= ~(1 &<< (first + 1)) }
        if !layout.isNarrow {
            if !profiles.profiles[SeasonalProfiles.Slot.long].isUsed { speakers &= ~(1 &<< (first + 4)) }
            if !profiles.hasEvents { speakers &= ~(1 &<< (first + 5)) }
        }
        return speakers
    }
}
