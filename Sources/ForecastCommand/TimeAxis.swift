/// The axis of time: clock times in UTC where the series has them, steps otherwise.
enum TimeAxis {
    private static let distances = [
        60, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800, 2_419_200,
    ]

    static func lines(_ series: Series, first: Int, count: Int, x: (Int) -> Double, y: Double) -> String {
        guard let interval = series.interval, let begin = series.time(first) else {
            return steps(first: first, count: count, x: x, y: y)
        }
        let length = (count - 1) * interval
        let distance = distances.first { length / $0 <= 10 } ?? length / 10
        var text = ""
        var time = (begin + Int64(distance) - 1) / Int64(distance) * Int64(distance)
        var lastDay = -1
        while time <= begin + Int64(length) {
            let place = x(0) + (x(1) - x(0)) * Double(time - begin) / Double(interval)
            let parts = Calendar.parts(time)
            text += mark(place, y, two(parts.hour) + ":" + two(parts.minute))
            if parts.day != lastDay {
                text += label(place, y + 32, "\(parts.year)-\(two(parts.month))-\(two(parts.day))")
                lastDay = parts.day
            }
            time += Int64(distance)
        }
        return text + label((x(0) + x(count - 1)) / 2, y + 47, "time (UTC), a value each \(span(interval))")
    }

    private static func steps(first: Int, count: Int, x: (Int) -> Double, y: Double) -> String {
        var distance = 1
        while count / distance > 10 { distance *= String(distance).first == "2" ? 5 : 2 }
        var text = ""
        for index in 0..<count where (first + index) % distance == 0 { text += mark(x(index), y, "\(first + index)") }
        return text + label((x(0) + x(count - 1)) / 2, y + 38, "step")
    }

    private static func mark(_ x: Double, _ y: Double, _ name: String) -> String {
        let place = fixed(x, 2)
        let line =
            "<line x1=\"\(place)\" x2=\"\(place)\" y1=\"\(fixed(y, 0))\" y2=\"\(fixed(y + 5, 0))\" stroke=\"#888888\"/>"
        return line + label(x, y + 18, name)
    }

    private static func label(_ x: Double, _ y: Double, _ name: String) -> String {
        "<text x=\"\(fixed(x, 2))\" y=\"\(fixed(y, 0))\" text-anchor=\"middle\" fill=\"#444444\">\(name)</text>\n"
    }

    private static func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }

    /// A length of time in the largest unit that divides it.
    static func span(_ seconds: Int) -> String {
        if seconds % 86_400 == 0 { return seconds == 86_400 ? "day" : "\(seconds / 86_400) d" }
        if seconds % 3_600 == 0 { return seconds == 3_600 ? "hour" : "\(seconds / 3_600) h" }
        if seconds % 60 == 0 { return seconds == 60 ? "minute" : "\(seconds / 60) min" }
        return seconds == 1 ? "second" : "\(seconds) s"
    }
}
