import Forecasting

/// Judges a model by what came after each origin.
enum Evaluation {
    static func run(
        _ series: [Series], options: Options, events: [ScheduledEvent], actual: [Series]?
    ) throws(ForecastCommand.Failure) -> String {
        var rows: [(String, Score)] = []
        for one in series {
            do {
                if let actual {
                    guard let after = actual.first(where: { $0.name == one.name }) else {
                        throw ForecastCommand.Failure(text: "series '\(one.name)' is not in the file of actual values")
                    }
                    rows.append((one.name, try single(one, after.values, options: options)))
                } else if Forecaster.isOnline(one, options) {
                    rows.append((one.name, OnlineEvaluation.run(one, options: options, events: events)))
                } else {
                    rows.append((one.name, try rolling(one, options: options)))
                }
            } catch let error as ForecastError {
                throw ForecastCommand.Failure(text: "series '\(one.name)': \(ForecastCommand.describe(error))")
            } catch let error as ForecastCommand.Failure {
                throw error
            } catch {
                throw ForecastCommand.Failure(text: "series '\(one.name)'")
            }
        }
        return table(rows, options: options)
    }

    /// The step of the first origin.
    static func warmUp(_ series: Series, _ options: Options) -> Int {
        min(options.warmUp ?? series.values.count / 2, series.values.count)
    }

    /// One origin at the end of the series.
    private static func single(_ series: Series, _ after: [Double], options: Options) throws(ForecastError) -> Score {
        let period = options.seasons?.first ?? Seasons.find(series.values).first ?? 1
        var score = Score()
        let begun = Files.seconds()
        let forecast = try Forecaster.offline(series.values, options: options)
        score.seconds = Files.seconds() - begun
        let horizon = min(options.horizon, after.count)
        try judge(&score, forecast, series.values, Array(after.prefix(horizon)), period: period, isSecondHalf: false)
        return score
    }

    /// Each origin after the warm-up, the model fitted anew.
    private static func rolling(_ series: Series, options: Options) throws(ForecastError) -> Score {
        let values = series.values
        let first = max(warmUp(series, options), 2)
        let last = values.count - options.horizon
        guard first <= last else { throw .tooShort(count: values.count, needed: first + options.horizon) }
        let period = options.seasons?.first ?? Seasons.find(Array(values[..<first])).first ?? 1
        var score = Score()
        var progress = Progress(total: last - first + 1, what: "origins")
        for origin in first...last {
            let history = Array(values[..<origin])
            let begun = Files.seconds()
            let forecast = try Forecaster.offline(history, options: options)
            score.seconds += Files.seconds() - begun
            try judge(
                &score, forecast, history, Array(values[origin..<(origin + options.horizon)]), period: period,
                isSecondHalf: 2 * (origin - first) > last - first)
            progress.advance()
        }
        progress.end()
        return score
    }

    private static func judge(
        _ score: inout Score, _ forecast: Forecast, _ history: [Double], _ after: [Double], period: Int,
        isSecondHalf: Bool
    ) throws(ForecastError) {
        score.origins += 1
        for step in after.indices where after[step].isFinite {
            score.add(
                mean: forecast.mean[step], lower: forecast.lower[step], upper: forecast.upper[step],
                actual: after[step], last: history[history.count - 1], isSecondHalf: isSecondHalf, isNearEvent: false)
        }
        guard history.count > period, !history.contains(where: { !$0.isFinite }), after.allSatisfy(\.isFinite) else {
            return
        }
        // With one origin the scale is that origin's; over many, the last one's stands for all.
        score.scale = Accuracy.seasonalScale(history: history, period: period)
        let plain = try Naive.withoutSeason(history, period: period, horizon: after.count)
        guard score.scale > 0 else { return }
        let mase = Accuracy.meanAbsoluteError(actual: after, forecast: plain) / score.scale
        let smape = Accuracy.smape(actual: after, forecast: plain)
        score.benchmark = ((score.benchmark?.mase ?? 0) + mase, (score.benchmark?.smape ?? 0) + smape)
    }

    private static func table(_ rows: [(String, Score)], options: Options) -> String {
        let head = [
            "series", "origins", "MASE", "sMAPE", "naive", "half 1", "half 2", "events", "shard", "OWA", "inside", "µs",
        ]
        var lines = [head]
        func share(_ pair: (Double, Double)) -> String { pair.1 > 0 ? fixed(pair.0 / pair.1, 4) : "-" }
        func cell(_ value: Double, _ digits: Int) -> String { value.isFinite ? fixed(value, digits) : "-" }
        for (name, score) in rows {
            lines.append([
                name, "\(score.origins)", cell(score.mase, 3), cell(score.smape, 3), cell(score.share, 4),
                share(score.halves[0]), share(score.halves[1]), share(score.aroundEvents),
                score.shard.map { share(($0, score.naive)) } ?? "-", score.owa.map { cell($0, 3) } ?? "-",
                cell(score.coverage, 1), cell(score.microseconds, 1),
            ])
        }
        if rows.count > 1 { lines.append(total(rows.map(\.1), cell)) }
        let widths = head.indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
        var text = ""
        for line in lines {
            let cells = line.indices.map { column in
                let fill = String(repeating: " ", count: widths[column] - line[column].count)
                return column == 0 ? line[column] + fill : fill + line[column]
            }
            text += cells.joined(separator: "  ") + "\n"
        }
        if let bytes = rows.first(where: { $0.1.shard != nil })?.1.bytes {
            text += "shard: the share with a forecaster of \(bytes.1) bytes that reads the seasons from its pool; "
            text += "on its own it takes \(bytes.0) bytes.\n"
            text += "After set-up nothing is allocated: release builds prove it (@_noAllocation).\n"
        }
        return text + """
            naive: mean absolute error as a share of the naive forecast's, all of it and by halves of the origins.
            events: the same from 20 minutes before to 30 after an event starts. OWA: against Naive2 (M4).
            inside: percent of values within the interval. µs: per forecast of \(options.horizon) steps, online: per
            update and reading of ten steps, the median over runs of 500.

            """
    }

    /// Means over the series; the OWA as M4 has it, from the means of its parts.
    private static func total(_ scores: [Score], _ cell: (Double, Int) -> String) -> [String] {
        let count = Double(scores.count)
        func mean(_ value: (Score) -> Double) -> Double { scores.reduce(0) { $0 + value($1) } / count }
        var owa = "-"
        if scores.allSatisfy({ $0.benchmark != nil && $0.origins > 0 }) {
            owa = cell(
                Accuracy.owa(
                    mase: mean(\.mase), smape: mean(\.smape),
                    naive2MASE: mean { ($0.benchmark?.mase ?? 0) / Double($0.origins) },
                    naive2SMAPE: mean { ($0.benchmark?.smape ?? 0) / Double($0.origins) }), 3)
        }
        let shards = scores.allSatisfy { $0.shard != nil } ? cell(mean { ($0.shard ?? 0) / $0.naive }, 4) : "-"
        func halves(_ place: Int) -> String { cell(mean { $0.halves[place].0 / $0.halves[place].1 }, 4) }
        return [
            "mean", "\(scores.reduce(0) { $0 + $1.origins })", cell(mean(\.mase), 3), cell(mean(\.smape), 3),
            cell(mean(\.share), 4), halves(0), halves(1), "-", shards, owa, cell(mean(\.coverage), 1),
            cell(mean(\.microseconds), 1),
        ]
    }
}
