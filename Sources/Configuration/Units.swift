/// Times and sizes as people write them.
enum Units {
    // MARK: Times

    static var durationPattern: String { "^[0-9]+(\\.[0-9]+)?(ns|us|ms|s|min|h|d)$" }

    private static var durations: [(unit: String, factor: Int64)] {
        [
            ("d", 86_400_000_000_000), ("h", 3_600_000_000_000), ("min", 60_000_000_000), ("s", 1_000_000_000),
            ("ms", 1_000_000), ("us", 1000), ("ns", 1),
        ]
    }

    /// The time that `text` such as `200ms` or `1.5h` says, to the nanosecond; `nil` if it says none.
    static func duration(_ text: String) -> Duration? {
        parse(text, units: durations).map { .nanoseconds($0) }
    }

    /// A time in the largest unit in which it is whole. Below a nanosecond nothing is shown.
    static func text(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        return text(seconds * 1_000_000_000 + attoseconds / 1_000_000_000, units: durations, zero: "0s")
    }

    // MARK: Sizes

    static var sizePattern: String { "^[0-9]+(\\.[0-9]+)?(B|kB|KB|MB|GB|KiB|MiB|GiB)$" }

    private static var sizes: [(unit: String, factor: Int64)] {
        [
            ("GiB", 1 << 30), ("GB", 1_000_000_000), ("MiB", 1 << 20), ("MB", 1_000_000), ("KiB", 1024),
            ("kB", 1000), ("KB", 1000), ("B", 1),
        ]
    }

    /// The bytes that `text` such as `64KiB` or `1MB` says; `nil` if it says none.
    static func bytes(_ text: String) -> Int? {
        parse(text, units: sizes).map { Int($0) }
    }

    /// A size in the largest unit in which it is whole.
    static func text(bytes: Int) -> String {
        text(Int64(bytes), units: sizes, zero: "0B")
    }

    // MARK: Both

    /// Reads a decimal number with a unit; `nil` unless the result is a whole number of the smallest unit that fits.
    private static func parse(_ text: String, units: [(unit: String, factor: Int64)]) -> Int64? {
        let bytes = Array(text.utf8)
        let digits = bytes.prefix { (0x30...0x39).contains($0) }
        var rest = bytes[digits.count...]
        var fraction = bytes[0..<0]
        if rest.first == UInt8(ascii: ".") {
            fraction = rest.dropFirst().prefix { (0x30...0x39).contains($0) }
            guard (1...9).contains(fraction.count) else { return nil }
            rest = rest.dropFirst(fraction.count + 1)
        }
        let name = String(decoding: rest, as: UTF8.self)
        guard (1...15).contains(digits.count), let factor = units.first(where: { $0.unit == name })?.factor,
            let mantissa = UInt64(String(decoding: digits + fraction, as: UTF8.self))
        else { return nil }
        let divisor = (0..<fraction.count).reduce(UInt64(1)) { power, _ in power * 10 }
        let (high, low) = mantissa.multipliedFullWidth(by: UInt64(factor))
        guard high < divisor else { return nil }
        let (quotient, remainder) = divisor.dividingFullWidth((high, low))
        return remainder == 0 ? Int64(exactly: quotient) : nil
    }

    private static func text(_ value: Int64, units: [(unit: String, factor: Int64)], zero: String) -> String {
        guard value != 0, let best = units.first(where: { value.isMultiple(of: $0.factor) }) else { return zero }
        return "\(value / best.factor)\(best.unit)"
    }
}
