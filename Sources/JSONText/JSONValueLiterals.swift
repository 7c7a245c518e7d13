// Building values in the program: literals where the content is known, `JSONValue(x)` where it is computed.

extension JSONValue: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByFloatLiteral, ExpressibleByStringInterpolation, ExpressibleByArrayLiteral,
    ExpressibleByDictionaryLiteral
{
    /// `null`.
    public init(nilLiteral: ()) { self.init(.null) }
    /// `true` or `false`.
    public init(booleanLiteral value: Bool) { self.init(.bool(value)) }
    /// A whole number.
    public init(integerLiteral value: Int64) { self.init(.integer(value)) }
    /// A number.
    public init(floatLiteral value: Double) { self.init(.double(value)) }
    /// A string.
    public init(stringLiteral value: String) { self.init(.string(value)) }
    /// A list.
    public init(arrayLiteral elements: JSONValue...) { self.init(.array(elements)) }
    /// An object that keeps the order of its keys; of equal keys the last value counts.
    public init(dictionaryLiteral elements: (String, JSONValue)...) {
        var object = JSONObject()
        for (key, value) in elements { object[key] = value }
        self.init(.object(object))
    }
}

extension JSONValue {
    /// A string.
    @inlinable public init(_ value: String) { self.init(.string(value)) }
    /// A boolean.
    @inlinable public init(_ value: Bool) { self.init(.bool(value)) }
    /// A number; one that is infinite or not a number is written as `null`.
    @inlinable public init(_ value: Double) { self.init(.double(value)) }
    /// An object.
    @inlinable public init(_ value: JSONObject) { self.init(.object(value)) }
    /// A list.
    @inlinable public init(_ values: [JSONValue]) { self.init(.array(values)) }
    /// A list of strings.
    @inlinable public init(_ values: [String]) { self.init(.array(values.map { JSONValue($0) })) }
    /// A list of whole numbers.
    @inlinable public init(_ values: [some FixedWidthInteger]) { self.init(.array(values.map { JSONValue($0) })) }

    /// A whole number, kept exactly.
    @inlinable
    public init(_ value: some FixedWidthInteger) {
        if let signed = Int64(exactly: value) {
            self.init(.integer(signed))
        } else if let unsigned = UInt64(exactly: value) {
            self.init(.unsigned(unsigned))
        } else {
            self.init(.double(Double(value)))
        }
    }

    /// The string, or `null`.
    @inlinable public init(_ value: String?) { self = value.map { JSONValue($0) } ?? JSONValue(.null) }
    /// The boolean, or `null`.
    @inlinable public init(_ value: Bool?) { self = value.map { JSONValue($0) } ?? JSONValue(.null) }
    /// The number, or `null`.
    @inlinable public init(_ value: Double?) { self = value.map { JSONValue($0) } ?? JSONValue(.null) }
    /// The whole number, or `null`.
    @inlinable
    public init<T: FixedWidthInteger>(_ value: T?) { self = value.map { JSONValue($0) } ?? JSONValue(.null) }
}
