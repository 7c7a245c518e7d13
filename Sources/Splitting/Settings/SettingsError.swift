/// A setting that cannot be used: which, why, and what would be right.
public struct SettingsError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The configuration's key.
    public var key: String
    /// What is wrong, and what to do.
    public var problem: String

    /// Both.
    public init(key: String, problem: String) {
        self.key = key
        self.problem = problem
    }

    /// `key: problem`.
    public var description: String { "\(key): \(problem)" }

    static func check<Value: Comparable>(
        _ key: String, _ value: Value, _ range: ClosedRange<Value>
    ) throws(SettingsError) {
        if range.contains(value) { return }
        throw SettingsError(key: key, problem: "\(value) is not in \(range.lowerBound) … \(range.upperBound)")
    }
}

extension Duration {
    /// Whole nanoseconds, 0 for less than none; the greatest number for what 64 bits cannot hold.
    var wholeNanoseconds: UInt64 {
        let (seconds, attoseconds) = components
        if seconds < 0 || attoseconds < 0 { return 0 }
        let (product, overflow) = UInt64(seconds).multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, carry) = product.addingReportingOverflow(UInt64(attoseconds / 1_000_000_000))
        return overflow || carry ? .max : sum
    }

    /// Whole microseconds as messages carry them: at most 2³² − 1.
    var wholeMicroseconds: UInt32 { UInt32(clamping: wholeNanoseconds / 1000) }
}
