/// What work costs: a fixed part and a part for each byte, learnt from what was measured.
///
/// Least squares over all measurements with weights that fall by ``memory`` from one to the next, so that the line follows
/// a change within some hundred measurements. Both parts are 0 or more. As long as all payloads have been equally long
/// nothing tells the parts apart, and all cost is taken to be for bytes.
public struct CostLine: Sendable {
    /// The weight of a measurement against that of the next one.
    public let memory: Double
    /// How many measurements were taken in.
    public private(set) var count = 0
    private var weight = 0.0
    private var sumX = 0.0
    private var sumY = 0.0
    private var sumXX = 0.0
    private var sumXY = 0.0

    /// A line that knows nothing.
    public init(memory: Double = 0.99) {
        precondition(memory > 0 && memory < 1)
        self.memory = memory
    }

    /// Takes a measurement in.
    public mutating func record(bytes: Int, nanoseconds: Double) {
        let x = Double(bytes)
        weight = weight * memory + 1
        sumX = sumX * memory + x
        sumY = sumY * memory + nanoseconds
        sumXX = sumXX * memory + x * x
        sumXY = sumXY * memory + x * nanoseconds
        count += 1
    }

    /// The fixed part in nanoseconds and the part for each byte; nil before the first measurement.
    public var parts: (fixed: Double, perByte: Double)? {
        if weight == 0 || sumX == 0 { return nil }
        let spread = weight * sumXX - sumX * sumX
        // Lengths within a tenth of each other do not carry a slope.
        if spread <= 0.01 * sumX * sumX { return (0, sumY / sumX) }
        let slope = (weight * sumXY - sumX * sumY) / spread
        if slope <= 0 { return (sumY / weight, 0) }
        let fixed = (sumY - slope * sumX) / weight
        return fixed < 0 ? (0, sumXY / sumXX) : (fixed, slope)
    }

    /// What a measurement cost on average, in nanoseconds; nil before the first.
    public var average: Double? { weight == 0 ? nil : sumY / weight }

    /// What so many bytes will cost, in nanoseconds; nil before the first measurement.
    public func cost(ofBytes bytes: Int) -> Double? {
        parts.map { $0.fixed + $0.perByte * Double(bytes) }
    }
}
