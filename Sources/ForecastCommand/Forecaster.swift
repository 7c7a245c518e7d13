import Forecasting

/// Runs the model that was asked for on one series.
enum Forecaster {
    /// Whether the online model is the one for a series: it has times, and the horizon is not beyond ten steps.
    static func isOnline(_ series: Series, _ options: Options) -> Bool {
        switch options.model {
        case .online: true
        case .auto:
            series.interval != nil && options.horizon <= 10 && options.coverage == 90 && series.values.count >= 240
        default: false
        }
    }

    static func forecast(
        _ series: Series, options: Options, events: [ScheduledEvent]
    ) throws(ForecastError) -> Forecast {
        guard isOnline(series, options) else { return try offline(series.values, options: options) }
        guard series.values.contains(where: \.isFinite) else { throw .tooShort(count: 0, needed: 1) }
        var model = OnlineForecaster(interval: min(86_400, max(1, series.interval ?? 1)), events: events)
        for step in series.values.indices {
            model.update(series.values[step], at: series.time(step) ?? Int64(step))
            if model.isReviewDue { model.reviewSeasons() }
        }
        let steps = (1...options.horizon).map { model.forecast($0) }
        return Forecast(mean: steps.map(\.mean), lower: steps.map(\.lower), upper: steps.map(\.upper))
    }

    /// An offline model on plain values.
    static func offline(_ values: [Double], options: Options) throws(ForecastError) -> Forecast {
        let (horizon, coverage) = (options.horizon, options.coverage / 100)
        func season(_ place: Int = 0) throws(ForecastError) -> Int {
            let seasons = options.seasons ?? Seasons.find(values)
            guard seasons.count > place else { throw .badParameter("no season; name one with --season") }
            return seasons[place]
        }
        func smoothing(_ form: ExponentialSmoothing.Form) throws(ForecastError) -> Forecast {
            try ExponentialSmoothing(fitting: values, form: form).forecast(horizon: horizon, coverage: coverage)
        }
        switch options.model {
        case .auto where values.contains { !$0.isFinite }: return try structural(values, options: options)
        case .auto, .online:
            return try AutoForecast.forecast(
                values, seasons: options.seasons, horizon: horizon, coverage: coverage
            ).forecast
        case .naive: return try Naive.forecast(values, horizon: horizon, coverage: coverage)
        case .seasonalNaive:
            return try Naive.seasonal(values, period: season(), horizon: horizon, coverage: coverage)
        case .simple: return try smoothing(.simple)
        case .holt: return try smoothing(.holt)
        case .damped: return try smoothing(.dampedHolt)
        case .holtWinters: return try smoothing(.init(trend: .damped, season: .additive, period: season()))
        case .holtWintersMultiplicative:
            return try smoothing(
                .init(error: .multiplicative, trend: .damped, season: .multiplicative, period: season()))
        case .theta: return try Theta(fitting: values).forecast(horizon: horizon, coverage: coverage)
        case .arima:
            return try ARIMA(fitting: values, order: .init(1, 1, 1)).forecast(horizon: horizon, coverage: coverage)
        case .doubleSeasonal:
            let short = try season()
            return try DoubleSeasonal(fitting: values, short: short, long: season(1))
                .forecast(horizon: horizon, coverage: coverage)
        case .regression:
            var seasons = [try season()]
            if let all = options.seasons, all.count > 1 { seasons = all }
            return try SeasonalRegression.direct(values, seasons: seasons, horizon: horizon, coverage: coverage)
        case .structural: return try structural(values, options: options)
        }
    }

    private static func structural(_ values: [Double], options: Options) throws(ForecastError) -> Forecast {
        let seasons = options.seasons ?? Seasons.find(values)
        let period = seasons.first ?? 1
        return try StructuralModel(fitting: values, period: period, harmonics: min(4, period / 2))
            .forecast(horizon: options.horizon, coverage: options.coverage / 100)
    }
}
