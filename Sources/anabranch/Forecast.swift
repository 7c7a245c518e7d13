import ForecastCommand

/// `forecast`: a module of its own, which reads its own options; here it has its place in the list of commands.
enum Forecast {
    static let command = Command(
        words: ["forecast"], operands: ["--input FILE", "--horizon N", "…"],
        summary: "Forecast series of a CSV file, measure forecasts, draw them"
    ) { _ throws(Failure) in
        throw .usage("forecast comes first on the command line: anabranch forecast --help")
    }

    /// Runs the command if it was asked for.
    /// - Returns: its exit status; nil if another command was meant.
    static func run(_ arguments: [String]) -> Int32? {
        guard arguments.first == "forecast" else { return nil }
        return ForecastCommand.run(arguments: Array(arguments.dropFirst()))
    }
}
