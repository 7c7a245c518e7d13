import Forecasting

/// `anabranch forecast`: reads series, forecasts or evaluates them, prints CSV or a table, draws.
public enum ForecastCommand {
    /// Runs the command with the arguments after its name.
    /// - Returns: the exit code: 0 done, 1 failed (with the place in the file where there is one), 2 usage.
    public static func run(arguments: [String]) -> Int32 {
        let options: Options
        do {
            options = try Options(arguments)
        } catch {
            Files.write("anabranch forecast: \(error.message)\n\(Options.usage)", to: 2)
            return 2
        }
        if options.asksHelp {
            Files.write(Options.usage, to: 1)
            return 0
        }
        do {
            try perform(options)
            return 0
        } catch {
            Files.write("anabranch forecast: \(error.text)\n", to: 2)
            return 1
        }
    }

    struct Failure: Error { var text: String }

    private static func perform(_ options: Options) throws(Failure) {
        let series = try load(options.input) { bytes throws(TableError) in try SeriesReader.read(bytes) }
        var events: [ScheduledEvent] = []
        if let path = options.events {
            events = try load(path) { bytes throws(TableError) in try EventReader.read(bytes) }
        }
        if options.evaluates {
            var actual: [Series]?
            if let path = options.actual {
                actual = try load(path) { bytes throws(TableError) in try SeriesReader.read(bytes) }
            }
            let table = try Evaluation.run(series, options: options, events: events, actual: actual)
            guard Files.write(table, to: 1) else { throw Failure(text: "standard output: \(Files.reason())") }
            guard options.plot != nil else { return }
        }
        var forecasts: [Forecast] = []
        var progress = Progress(total: series.count, what: "series")
        for one in series {
            do {
                forecasts.append(try Forecaster.forecast(one, options: options, events: events))
            } catch {
                throw Failure(text: "\(options.input): series '\(one.name)': \(describe(error))")
            }
            progress.advance()
        }
        progress.end()
        if !options.evaluates {
            guard Files.write(csv(series, forecasts), to: 1) else {
                throw Failure(text: "standard output: \(Files.reason())")
            }
        }
        if let path = options.plot {
            let drawing = Plot.draw(series, forecasts, events: events, coverage: options.coverage)
            guard Files.write(drawing, path: path) else { throw Failure(text: "\(path): \(Files.reason())") }
        }
    }

    private static func load<T>(
        _ path: String, _ read: ([UInt8]) throws(TableError) -> T
    ) throws(Failure) -> T {
        let name = path == "-" ? "standard input" : path
        guard let bytes = Files.read(path) else { throw Failure(text: "\(name): \(Files.reason())") }
        do {
            return try read(bytes)
        } catch {
            throw Failure(text: "\(name):\(error.line):\(error.column): \(error.message)")
        }
    }

    static func csv(_ series: [Series], _ forecasts: [Forecast]) -> String {
        var text = "series,step,mean,lower,upper\n"
        for (one, forecast) in zip(series, forecasts) {
            let name =
                one.name.contains { ",\"\n;".contains($0) }
                ? "\"\(one.name.split(separator: "\"").joined(separator: "\"\""))\"" : one.name
            for step in forecast.mean.indices {
                let cells = [forecast.mean[step], forecast.lower[step], forecast.upper[step]].map { number($0) }
                text += "\(name),\(step + 1),\(cells.joined(separator: ","))\n"
            }
        }
        return text
    }

    static func describe(_ error: ForecastError) -> String {
        switch error {
        case .tooShort(let count, let needed): "\(count) values are too few for this model, it needs \(needed)"
        case .notFinite(let index): "value \(index + 1) is missing; use --model structural, which takes gaps"
        case .notPositive(let index): "value \(index + 1) is not above zero, as a multiplicative model needs"
        case .badParameter(let what): "this model cannot work with that: \(what)"
        case .badState: "the saved state is not usable"
        }
    }
}

/// A number with six significant digits, without an exponent where that is readable.
func number(_ value: Double) -> String {
    guard value.isFinite else { return "nan" }
    guard value != 0 else { return "0" }
    var magnitude = 0
    var size = value.magnitude
    while size >= 10 {
        size /= 10
        magnitude += 1
    }
    while size < 1 {
        size *= 10
        magnitude -= 1
    }
    let digits = max(0, 5 - magnitude)
    return digits > 15 ? "\(value)" : fixed(value, digits)
}

/// A number with so many digits after the point; trailing zeros are kept out.
func fixed(_ value: Double, _ digits: Int) -> String {
    var factor = 1.0
    for _ in 0..<digits { factor *= 10 }
    let scaled = (value.magnitude * factor).rounded()
    guard scaled < 9e18 else { return "\(value)" }
    let whole = UInt64(scaled)
    let unit = UInt64(factor)
    var fraction = digits == 0 ? "" : String(whole % unit)
    while fraction.count < digits { fraction = "0" + fraction }
    while fraction.last == "0" { fraction.removeLast() }
    let sign = value < 0 && whole > 0 ? "-" : ""
    return sign + String(whole / unit) + (fraction.isEmpty ? "" : "." + fraction)
}
