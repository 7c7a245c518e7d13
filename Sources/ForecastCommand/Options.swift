/// What the command was asked for.
struct Options: Equatable {
    var input = ""
    var horizon = 0
    /// nil: found in the series.
    var seasons: [Int]?
    var model = Model.auto
    var events: String?
    /// Coverage of the interval in percent.
    var coverage = 90.0
    var evaluates = false
    /// Steps before the first origin of an evaluation; nil: half the series.
    var warmUp: Int?
    /// A file with what came after the series, for an evaluation with one origin each.
    var actual: String?
    var plot: String?
    var asksHelp = false

    enum Model: String, CaseIterable {
        case auto, online, naive, simple, holt, damped, theta, arima, structural
        case seasonalNaive = "seasonal-naive"
        case holtWinters = "holt-winters"
        case holtWintersMultiplicative = "holt-winters-multiplicative"
        case doubleSeasonal = "double-seasonal"
        case regression
    }

    struct UsageError: Error, Equatable { var message: String }

    init(_ arguments: [String]) throws(UsageError) {
        var rest = arguments[...]
        func value(_ name: String) throws(UsageError) -> String {
            guard let next = rest.popFirst() else { throw UsageError(message: "\(name) wants a value") }
            return next
        }
        while let argument = rest.popFirst() {
            switch argument {
            case "--input": input = try value(argument)
            case "--horizon": horizon = try Self.count(value(argument), argument)
            case "--season": seasons = try Self.seasons(value(argument))
            case "--model":
                let name = try value(argument)
                guard let known = Model(rawValue: name) else {
                    let names = Model.allCases.map(\.rawValue).joined(separator: ", ")
                    throw UsageError(message: "no model '\(name)'; there are \(names)")
                }
                model = known
            case "--events": events = try value(argument)
            case "--interval":
                let text = try value(argument)
                guard let percent = Double(text), percent > 0, percent < 100 else {
                    throw UsageError(message: "--interval wants a percentage between 0 and 100, not '\(text)'")
                }
                coverage = percent
            case "--evaluate": evaluates = true
            case "--warm-up": warmUp = try Self.count(value(argument), argument)
            case "--actual": actual = try value(argument)
            case "--plot": plot = try value(argument)
            case "--help", "-h": asksHelp = true
            default: throw UsageError(message: "unknown argument '\(argument)'")
            }
        }
        guard !asksHelp else { return }
        if input.isEmpty { throw UsageError(message: "--input is missing (a file, or - for standard input)") }
        if horizon == 0 { throw UsageError(message: "--horizon is missing (how many steps)") }
        if model == .online, horizon > 10 { throw UsageError(message: "the online model forecasts at most 10 steps") }
        if events != nil, model != .online, model != .auto {
            throw UsageError(message: "only the online model knows events")
        }
        if model == .online || events != nil, coverage != 90 {
            throw UsageError(message: "the online model's interval is 90 %")
        }
    }

    private static func count(_ text: String, _ name: String) throws(UsageError) -> Int {
        guard let number = Int(text), (1...1_000_000).contains(number) else {
            throw UsageError(message: "\(name) wants a whole number above 0, not '\(text)'")
        }
        return number
    }

    private static func seasons(_ text: String) throws(UsageError) -> [Int]? {
        if text == "auto" { return nil }
        if text == "none" { return [] }
        let lengths = text.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) ?? 0 }
        guard lengths.count <= 2, lengths.allSatisfy({ $0 >= 2 }) else {
            throw UsageError(message: "--season wants auto, none, or one or two lengths in steps, not '\(text)'")
        }
        return lengths.sorted()
    }

    static let usage = """
        usage: anabranch forecast --input F.csv|- --horizon N [options]
          --season auto|none|24,168  season lengths in steps (default: found in the series)
          --model NAME               \(Model.allCases.map(\.rawValue).joined(separator: ", "))
          --events F.csv             start,end,name[,factor] in seconds since the epoch or ISO times
          --interval 90              coverage of the interval in percent
          --evaluate                 rolling origin: a table of errors, coverage and time instead of forecasts
          --warm-up N                steps before the first origin (default: half the series)
          --actual F.csv             with --evaluate: one origin, judged by what this file says came after
          --plot F.svg               history, forecast, band and events as a drawing
        The input has a time and values in each row (timestamp,a,b), or series,timestamp,value, or a series a line.
        auto: the online model for series with times and horizons up to 10, a combination of offline models otherwise.

        """
}
