/// Tells a request type by bytes of the payload: `payload[offset + i] & mask[i] == value[i]` for all i.
public struct RequestTypeRule: Equatable, Sendable {
    /// The type that a match names.
    public var requestType: String
    /// Where the bytes lie, from the beginning of the payload; 0 … 65,534.
    public var offset: Int
    /// What they must be, 1 … 64 bytes; no bit set that the mask has not.
    public var value: [UInt8]
    /// Which bits count; as long as ``value``.
    public var mask: [UInt8]

    /// Bytes under a mask; without one all bits count.
    public init(requestType: String, offset: Int, value: [UInt8], mask: [UInt8]? = nil) {
        self.requestType = requestType
        self.offset = offset
        self.value = value
        self.mask = mask ?? [UInt8](repeating: 0xFF, count: value.count)
    }

    /// A text that the payload begins with, in UTF-8.
    public init(requestType: String, prefix: String) {
        self.init(requestType: requestType, offset: 0, value: Array(prefix.utf8))
    }

    /// Whether the payload is of the type. A payload that ends before the last byte is not.
    public func matches(_ payload: borrowing Span<UInt8>) -> Bool {
        guard payload.count >= offset + value.count else { return false }
        for place in value.indices where payload[offset + place] & mask[place] != value[place] { return false }
        return true
    }

    /// What is wrong with the rule.
    public func validate() throws(SettingsError) {
        if requestType.isEmpty { throw SettingsError(key: "request_type", problem: "the name is empty") }
        try SettingsError.check("offset", offset, 0...65_534)
        try SettingsError.check("value in bytes", value.count, 1...64)
        if mask.count != value.count {
            throw SettingsError(
                key: "mask", problem: "has \(mask.count) bytes for a value of \(value.count): make them equally long")
        }
        for place in value.indices where value[place] & ~mask[place] != 0 {
            throw SettingsError(
                key: "value", problem: "byte \(place) has bits outside the mask and would never match: clear them")
        }
    }
}
