/// The axis of values: round numbers, drawn between two heights.
struct Axis {
    let low: Double
    let high: Double
    let tick: Double
    let from: Double
    let to: Double

    init(lowest: Double, highest: Double, from: Double, to: Double) {
        let span = max(highest - lowest, max(highest.magnitude, 1e-9) * 1e-6)
        // The round distance that gives three to seven lines.
        var tick = 1.0
        while tick * 7 < span { tick *= 10 }
        while tick * 0.7 > span { tick /= 10 }
        if tick / 5 * 7 >= span { tick /= 5 } else if tick / 2 * 7 >= span { tick /= 2 }
        self.tick = tick
        // Zero is shown where it is not far below.
        let begin = lowest >= 0 && lowest < 0.5 * highest ? 0 : lowest
        low = (begin / tick).rounded(.down) * tick
        high = (highest / tick).rounded(.up) * tick + (lowest == highest ? tick : 0)
        self.from = from
        self.to = to
    }

    func place(_ value: Double) -> Double { from + (to - from) * (value - low) / (high - low) }

    /// Grid lines with their numbers.
    func lines(from left: Double, to right: Double) -> String {
        var text = ""
        let count = min(20, Int(((high - low) / tick).rounded()))
        for index in 0...count {
            let value = low + Double(index) * tick
            let y = fixed(place(value), 2)
            text +=
                "<line x1=\"\(fixed(left, 0))\" x2=\"\(fixed(right, 0))\" y1=\"\(y)\" y2=\"\(y)\" stroke=\"#e2e2e2\"/>"
            text += "<text x=\"\(fixed(left - 6, 0))\" y=\"\(fixed(place(value) + 4, 2))\" text-anchor=\"end\" "
            text += "fill=\"#444444\">\(Self.label(value, tick: tick))</text>\n"
        }
        return text
    }

    /// A number with k or M where it is large.
    static func label(_ value: Double, tick: Double) -> String {
        let size = value.magnitude
        if size < tick / 2 { return "0" }
        if size >= 1e6, tick >= 1e4 { return fixed(value / 1e6, 2) + " M" }
        if size >= 1e4, tick >= 1e2 { return fixed(value / 1e3, 1) + " k" }
        return number(value)
    }
}
