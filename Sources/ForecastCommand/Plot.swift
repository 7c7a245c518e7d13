import Forecasting

/// Draws series, forecasts, bands and events as SVG, one panel a series.
enum Plot {
    private static let width = 1_000.0
    private static let panel = 300.0
    private static let left = 76.0
    private static let right = 20.0
    private static let top = 44.0
    private static let bottom = 52.0

    static func draw(
        _ series: [Series], _ forecasts: [Forecast], events: [ScheduledEvent], coverage: Double
    ) -> String {
        // A drawing of more panels than a person scrolls through helps nobody.
        let shown = min(series.count, 24)
        var text = """
            <svg xmlns="http://www.w3.org/2000/svg" width="\(fixed(width, 0))" height="\(fixed(panel * Double(shown), 0))" \
            font-family="sans-serif" font-size="12">
            <rect width="100%" height="100%" fill="#ffffff"/>

            """
        for index in 0..<shown {
            text += "<g transform=\"translate(0 \(fixed(panel * Double(index), 0)))\">\n"
            text += one(series[index], forecasts[index], events: events, coverage: coverage)
            text += "</g>\n"
        }
        return text + "</svg>\n"
    }

    private static func one(
        _ series: Series, _ forecast: Forecast, events: [ScheduledEvent], coverage: Double
    ) -> String {
        let horizon = forecast.mean.count
        let count = min(series.values.count, max(12 * horizon, 60))
        let first = series.values.count - count
        let history = Array(series.values[first...])
        let known = history.filter(\.isFinite) + forecast.lower + forecast.upper + forecast.mean
        let axis = Axis(
            lowest: known.min() ?? 0, highest: known.max() ?? 1, from: panel - bottom, to: top)
        let step = (width - left - right) / Double(max(1, count + horizon - 1))
        func x(_ index: Int) -> Double { left + step * Double(index) }
        func point(_ index: Int, _ value: Double) -> String { "\(fixed(x(index), 2)),\(fixed(axis.place(value), 2))" }

        var text = "<text x=\"\(fixed(left, 0))\" y=\"18\" font-size=\"14\" font-weight=\"bold\">"
        text += "\(escaped(series.name))</text>\n"
        let marks = eventMarks(series, first: first, last: series.values.count + horizon - 1, events: events, x: x)
        text += legend(coverage: coverage, hasEvents: !marks.isEmpty)
        text += marks
        text += axis.lines(from: left, to: width - right)
        text += TimeAxis.lines(series, first: first, count: count + horizon, x: x, y: panel - bottom)
        text += "<text x=\"14\" y=\"\(fixed((top + panel - bottom) / 2, 0))\" text-anchor=\"middle\" "
        text += "transform=\"rotate(-90 14 \(fixed((top + panel - bottom) / 2, 0)))\" fill=\"#444444\">"
        text += "\(escaped(unit(series)))</text>\n"
        let up = forecast.upper.indices.map { point(count + $0, forecast.upper[$0]) }
        let down = forecast.lower.indices.reversed().map { point(count + $0, forecast.lower[$0]) }
        text += "<polygon points=\"\((up + down).joined(separator: " "))\" fill=\"#f2a65a\" fill-opacity=\"0.35\"/>\n"
        for run in runs(history) {
            let points = run.map { point($0, history[$0]) }.joined(separator: " ")
            text += "<polyline points=\"\(points)\" fill=\"none\" stroke=\"#22507a\" stroke-width=\"1.4\"/>\n"
        }
        var line = forecast.mean.indices.map { point(count + $0, forecast.mean[$0]) }
        if let last = history.last, last.isFinite { line.insert(point(count - 1, last), at: 0) }
        text +=
            "<polyline points=\"\(line.joined(separator: " "))\" fill=\"none\" stroke=\"#c8511b\" stroke-width=\"2\"/>\n"
        let now = fixed(x(count - 1), 2)
        text += "<line x1=\"\(now)\" x2=\"\(now)\" y1=\"\(fixed(top, 0))\" y2=\"\(fixed(panel - bottom, 0))\" "
        text += "stroke=\"#888888\" stroke-dasharray=\"3 3\"/>\n"
        return text
    }

    private static func unit(_ series: Series) -> String {
        guard let interval = series.interval else { return "value per step" }
        return "value per \(TimeAxis.span(interval))"
    }

    private static func legend(coverage: Double, hasEvents: Bool) -> String {
        var entries = [("#22507a", "history"), ("#c8511b", "forecast"), ("#f2a65a", "\(number(coverage)) % interval")]
        if hasEvents { entries.append(("#7a9e3a", "event")) }
        var text = ""
        var place = width - right - 130 * Double(entries.count)
        for (colour, name) in entries {
            text += "<rect x=\"\(fixed(place, 0))\" y=\"9\" width=\"16\" height=\"9\" fill=\"\(colour)\"/>"
            text += "<text x=\"\(fixed(place + 22, 0))\" y=\"18\">\(name)</text>\n"
            place += 130
        }
        return text
    }

    private static func eventMarks(
        _ series: Series, first: Int, last: Int, events: [ScheduledEvent], x: (Int) -> Double
    ) -> String {
        guard let interval = series.interval, let begin = series.time(first), let end = series.time(last) else {
            return ""
        }
        var text = ""
        var row = 0
        func place(_ time: Int64) -> Double {
            let scale = (x(1) - x(0)) / Double(interval)
            return x(0) + Double(min(end, max(begin, time)) - begin) * scale
        }
        for event in events where event.end >= begin && event.start <= end {
            let (from, to) = (place(event.start), place(event.end))
            text += "<rect x=\"\(fixed(from, 2))\" y=\"\(fixed(top, 0))\" width=\"\(fixed(max(1.5, to - from), 2))\" "
            text += "height=\"\(fixed(panel - bottom - top, 0))\" fill=\"#7a9e3a\" fill-opacity=\"0.18\"/>\n"
            let isLate = from > width - 160
            text +=
                "<text x=\"\(fixed(isLate ? width - right : from + 3, 2))\" y=\"\(fixed(top + 12 + 13 * Double(row % 3), 0))\" "
            text +=
                "text-anchor=\"\(isLate ? "end" : "start")\" font-size=\"11\" fill=\"#4f6b1f\">\(escaped(event.name))</text>\n"
            row += 1
        }
        return text
    }

    /// Stretches of the history without gaps.
    private static func runs(_ values: [Double]) -> [Range<Int>] {
        var result: [Range<Int>] = []
        var start: Int?
        for index in 0...values.count {
            if index < values.count, values[index].isFinite {
                if start == nil { start = index }
            } else if let begun = start {
                result.append(begun..<index)
                start = nil
            }
        }
        return result
    }

    static func escaped(_ text: String) -> String {
        var result = ""
        for character in text {
            switch character {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            default: result.append(character)
            }
        }
        return result
    }
}
