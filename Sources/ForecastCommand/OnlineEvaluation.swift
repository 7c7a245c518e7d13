import Forecasting

/// The online model at each step after the warm-up, never looking back; a shard's forecaster runs beside it.
enum OnlineEvaluation {
    /// Forecasts of the last origins that wait for their outcome.
    private struct Pending {
        var mean: Double
        var lower: Double
        var upper: Double
        var shard: Double
        var last: Double
    }

    static func run(_ series: Series, options: Options, events: [ScheduledEvent]) -> Score {
        let values = series.values
        let horizon = options.horizon
        let first = Evaluation.warmUp(series, options)
        let interval = min(86_400, max(1, series.interval ?? 1))
        var score = Score()
        var shardError = 0.0
        var model = OnlineForecaster(interval: interval, events: events)
        var pool = SeasonalProfiles(interval: interval)
        pool.schedule(events)
        var shard = ShardForecaster(interval: interval)
        var pending = [Pending?](repeating: nil, count: (horizon + 1) * horizon)
        var progress = Progress(total: values.count, what: "values")
        for step in values.indices {
            let time = series.time(step) ?? Int64(step)
            let isNear = events.contains { time - $0.start >= -1_200 && time - $0.start <= 1_800 }
            for ahead in 1...horizon where step - ahead >= first && values[step].isFinite {
                guard let said = pending[(step - ahead) % (horizon + 1) * horizon + ahead - 1] else { continue }
                shardError += (said.shard - values[step]).magnitude
                score.add(
                    mean: said.mean, lower: said.lower, upper: said.upper, actual: values[step], last: said.last,
                    isSecondHalf: 2 * (step - ahead - first) >= values.count - first, isNearEvent: isNear)
            }
            model.update(values[step], at: time)
            let slot = step % (horizon + 1) * horizon
            for ahead in 1...horizon {
                let said = model.forecast(ahead)
                pending[slot + ahead - 1] =
                    values[step].isFinite
                    ? Pending(mean: said.mean, lower: said.lower, upper: said.upper, shard: 0, last: values[step]) : nil
            }
            if step >= first { score.origins += 1 }
            pool.update(values[step], at: time)
            shard.update(values[step], at: time, profiles: pool)
            for ahead in 1...horizon { pending[slot + ahead - 1]?.shard = shard.forecast(ahead).mean }
            if model.isReviewDue { model.reviewSeasons() }
            if pool.isReviewDue { pool.reviewSeasons() }
            progress.advance()
        }
        progress.end()
        score.shard = shardError
        score.seconds = measure(series, interval: interval, events: events) * Double(score.origins)
        score.bytes = (model.byteCount, shard.byteCount)
        let known = values.prefix(max(first, 2)).filter(\.isFinite)
        let period = options.seasons?.first ?? 1
        if known.count > period { score.scale = Accuracy.seasonalScale(history: known, period: period) }
        return score
    }

    /// Seconds of an update with its ten horizons, the median over runs of 500 steps.
    private static func measure(
        _ series: Series, interval: Int, events: [ScheduledEvent]
    ) -> Double {
        var model = OnlineForecaster(interval: interval, events: events)
        var times: [Double] = []
        times.reserveCapacity(series.values.count / 500 + 1)
        var sum = 0.0
        var step = 0
        while step + 500 <= series.values.count {
            let begun = Files.seconds()
            for index in step..<(step + 500) {
                model.update(series.values[index], at: series.time(index) ?? Int64(index))
                for ahead in 1...OnlineForecaster.horizons { sum += model.forecast(ahead).upper }
            }
            times.append((Files.seconds() - begun) / 500)
            if model.isReviewDue { model.reviewSeasons() }
            step += 500
        }
        times.sort()
        // The sum is used so that no reading can be left out.
        return times.isEmpty || sum.isNaN ? .nan : times[times.count / 2]
    }
}
