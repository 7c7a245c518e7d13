import Forecasting
import Glibc
import Testing

@testable import ForecastCommand

@Suite struct CommandTests {
    @Test(
        arguments: [
            ([], "--input is missing (a file, or - for standard input)"),
            (["--input", "x", "--horizon", "0"], "--horizon wants a whole number above 0, not '0'"),
            (
                ["--input", "x", "--horizon", "5", "--season", "24;168"],
                "--season wants auto, none, or one or two lengths in steps, not '24;168'"
            ),
            (["--input", "x", "--horizon", "11", "--model", "online"], "the online model forecasts at most 10 steps"),
            (["--frobnicate"], "unknown argument '--frobnicate'"),
            (["--input"], "--input wants a value"),
        ] as [([String], String)])
    func wrongUsageIsExplained(arguments: [String], message: String) {
        #expect(throws: Options.UsageError(message: message)) { try Options(arguments) }
    }

    @Test func exitCodesTellUsageFromFailure() {
        #expect(ForecastCommand.run(arguments: ["--horizon"]) == 2)
        #expect(ForecastCommand.run(arguments: ["--input", "/nowhere/ab.csv", "--horizon", "3"]) == 1)
    }

    @Test(arguments: [
        (0.0, "0"), (12_345.678, "12345.7"), (-0.00123456789, "-0.00123457"), (1e9, "1000000000"), (99.9999999, "100"),
        (2.5, "2.5"),
    ])
    func numbersAreShort(value: Double, text: String) { #expect(number(value) == text) }

    @Test func aForecastIsWrittenAsCSV() {
        let forecast = Forecast(mean: [1, 2], lower: [0.5, 1], upper: [1.5, 3])
        #expect(
            ForecastCommand.csv([Series(name: "a", values: [1])], [forecast])
                == "series,step,mean,lower,upper\na,1,1,0.5,1.5\na,2,2,1,3\n")
    }

    @Test func eachModelForecastsASeasonalSeries() throws {
        let values = (0..<240).map { 100 + 20 * sin(2 * Double.pi * Double($0) / 12) + Double($0 * 7_919 % 13) / 6 }
        let series = Series(name: "s", values: values, start: 0, interval: 60)
        for model in Options.Model.allCases {
            var options = try Options(["--input", "-", "--horizon", "10", "--season", "12,24"])
            options.model = model
            let forecast = try Forecaster.forecast(series, options: options, events: [])
            #expect(forecast.mean.count == 10, "\(model)")
            for step in 0..<10 {
                #expect(forecast.lower[step] <= forecast.mean[step], "\(model)")
                #expect(forecast.mean[step] <= forecast.upper[step], "\(model)")
                #expect((40...160).contains(forecast.mean[step]), "\(model)")
            }
        }
    }

    @Test func gapsGoToTheStructuralModel() throws {
        var values = (0..<200).map { 50 + 10 * sin(2 * Double.pi * Double($0) / 20) }
        for index in 90..<97 { values[index] = .nan }
        let options = try Options(["--input", "-", "--horizon", "20", "--season", "20"])
        let forecast = try Forecaster.forecast(Series(name: "s", values: values), options: options, events: [])
        for step in 0..<20 {
            #expect((forecast.mean[step] - 50 - 10 * sin(2 * Double.pi * Double(200 + step) / 20)).magnitude < 1)
        }
    }

    @Test func anEvaluationCountsEachOriginAndComparesWithNaive() throws {
        let values = (0..<60).map { Double($0 % 6) + 1 }
        let options = try Options([
            "--input", "-", "--horizon", "3", "--season", "6", "--model", "seasonal-naive", "--evaluate", "--warm-up",
            "30",
        ])
        let table = try Evaluation.run(
            [Series(name: "saw", values: values)], options: options, events: [], actual: nil)
        let row = table.split(separator: "\n")[1].split(separator: " ")
        // Origins 30…57; the seasonal naive forecast is exact here.
        #expect(row[0] == "saw" && row[1] == "28" && row[2] == "-" && row[4] == "0")
    }

    @Test func aDrawingHasUnitsHistoryForecastBandAndEvents() {
        let series = Series(name: "a <b>", values: (0..<100).map { Double($0 % 10) }, start: 898_860_300, interval: 60)
        let forecast = Forecast(mean: [1, 2], lower: [0, 1], upper: [2, 3])
        let drawing = Plot.draw(
            [series], [forecast],
            events: [ScheduledEvent(start: 898_860_300 + 5_400, end: 898_860_300 + 5_700, name: "kick & off")],
            coverage: 90)
        for part in [
            "a &lt;b&gt;", "kick &amp; off", "time (UTC), a value each minute", "value per minute", "90 % interval",
            "<polygon", "history", "forecast", "1998-06-26",
        ] { #expect(drawing.contains(part), "\(part)") }
    }
}
