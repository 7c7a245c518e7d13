/// Numbers as people read them: three figures and an SI prefix.
enum Units {
    /// 999, 1.23k, 45.6M, 789G. Whole numbers below 1000 stay whole.
    static func si(_ number: Double, _ unit: String = "") -> String {
        guard number.isFinite else { return "-" }
        if number < 0 { return "-" + si(-number, unit) }
        var value = number
        var prefix = 0
        let prefixes = ["", "k", "M", "G", "T", "P", "E"]
        // 999.5 would be printed as 1000.
        while value >= 999.5 && prefix < prefixes.count - 1 {
            value /= 1000
            prefix += 1
        }
        let whole = prefix == 0 && value == value.rounded()
        let text = whole ? "\(Int(value))" : figures(value)
        let suffix = prefixes[prefix] + unit
        return unit.isEmpty ? text + suffix : "\(text) \(suffix)"
    }

    /// Bytes with decimal prefixes: "1.50 MB".
    static func bytes(_ number: Double) -> String { si(number, "B") }

    /// A time below an hour: "250 ns", "1.50 µs", "12.0 ms".
    static func nanoseconds(_ number: Double) -> String {
        switch number {
        case ..<999.5: "\(figures(number)) ns"
        case ..<999_500: "\(figures(number / 1e3)) µs"
        case ..<999_500_000: "\(figures(number / 1e6)) ms"
        default: "\(figures(number / 1e9)) s"
        }
    }

    /// A time as days, hours, minutes and seconds: the two largest that are not 0.
    static func duration(_ seconds: Int) -> String {
        let parts = [
            (seconds / 86_400, "d"), (seconds / 3600 % 24, "h"), (seconds / 60 % 60, "min"), (seconds % 60, "s"),
        ]
        guard let first = parts.firstIndex(where: { $0.0 > 0 }) else { return "0 s" }
        return parts[first..<min(first + 2, 4)].filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }.joined(separator: " ")
    }

    /// A part of a whole: "33.3 %".
    static func percent(_ share: Double) -> String { fixed(share * 100, 1) + " %" }

    /// Three figures: 1.23, 12.3, 123.
    static func figures(_ number: Double) -> String { fixed(number, number < 9.995 ? 2 : number < 99.95 ? 1 : 0) }

    /// A number with so many digits behind the point.
    static func fixed(_ number: Double, _ digits: Int) -> String {
        var scale = 1
        for _ in 0..<digits { scale *= 10 }
        let scaled = Int((number * Double(scale)).rounded())
        guard digits > 0 else { return "\(scaled)" }
        let fraction = String(abs(scaled) % scale)
        let sign = scaled < 0 ? "-" : ""
        return "\(sign)\(abs(scaled) / scale).\(String(repeating: "0", count: digits - fraction.count))\(fraction)"
    }
}
