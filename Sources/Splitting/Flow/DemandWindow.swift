/// How many chunks a reassembly node asks for again at once: additive increase when what was asked for comes in time,
/// multiplicative decrease when it does not, so that repairs do not become the overload they repair.
public struct DemandWindow: Sendable {
    /// The bound above.
    public let maximum: Int
    /// The window, in demands; 1 … ``maximum``.
    public private(set) var window: Double
    /// Demands that are neither met nor given up.
    public private(set) var outstanding = 0

    /// A window of half of what is allowed.
    public init(maximum: Int) {
        self.maximum = max(maximum, 1)
        window = max(Double(maximum) / 2, 1)
    }

    /// Whether one more may be sent; if so it counts.
    public mutating func take() -> Bool {
        if outstanding >= Int(window) { return false }
        outstanding += 1
        return true
    }

    /// What a demand asked for has come.
    public mutating func met() {
        outstanding = max(outstanding - 1, 0)
        window = min(window + 1 / window, Double(maximum))
    }

    /// It did not come in time.
    public mutating func missed() {
        outstanding = max(outstanding - 1, 0)
        window = max(window * 0.7, 1)
    }

    /// Its job is over.
    public mutating func released() { outstanding = max(outstanding - 1, 0) }
}
