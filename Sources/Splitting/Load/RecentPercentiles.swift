/// Percentiles of what was measured of late.
///
/// A histogram with buckets of a sixteenth of an octave (each value is known within 4.5 %), in two generations: the young
/// one collects; when it has ``generation`` values it becomes the old one, and the old one is forgotten. So between one
/// and two generations count, whatever came before has no say, and memory is fixed.
public struct RecentPercentiles: Sendable {
    /// How many values make a generation.
    public let generation: Int
    private var young: [UInt32]
    private var old: [UInt32]
    private var youngCount = 0
    private var oldCount = 0

    private static let perOctave = 16
    /// Values up to 2³² − 1.
    private static let buckets = 32 * perOctave

    /// An empty histogram.
    public init(generation: Int = 1024) {
        precondition(generation > 0)
        self.generation = generation
        young = [UInt32](repeating: 0, count: Self.buckets)
        old = young
    }

    /// How many values count.
    public var count: Int { youngCount + oldCount }

    /// Takes a value in.
    public mutating func record(_ value: UInt32) {
        young[Self.bucket(of: value)] += 1
        youngCount += 1
        guard youngCount == generation else { return }
        swap(&young, &old)
        oldCount = youngCount
        youngCount = 0
        for bucket in young.indices { young[bucket] = 0 }
    }

    /// The value that a share of all values do not exceed; nil without values.
    ///
    /// - Parameter share: 0 … 1; 0.95 gives the 95th percentile.
    public func percentile(_ share: Double) -> UInt32? {
        if count == 0 { return nil }
        let rank = max(Int((share * Double(count)).rounded(.up)), 1)
        var below = 0
        for bucket in 0..<Self.buckets {
            below += Int(young[bucket]) + Int(old[bucket])
            if below >= rank { return Self.upperBound(of: bucket) }
        }
        return .max
    }

    /// Values below 16 have a bucket each; from there on 16 buckets share an octave.
    static func bucket(of value: UInt32) -> Int {
        if value < 16 { return Int(value) }
        let exponent = 31 - value.leadingZeroBitCount
        let mantissa = Int(value >> UInt32(exponent - 4)) & 15
        return (exponent - 3) * perOctave + mantissa
    }

    /// The greatest value of a bucket.
    static func upperBound(of bucket: Int) -> UInt32 {
        if bucket < 16 { return UInt32(bucket) }
        let exponent = bucket / perOctave + 3
        let next = UInt64(16 + bucket % perOctave + 1) << UInt64(exponent - 4)
        return UInt32(clamping: next - 1)
    }
}
