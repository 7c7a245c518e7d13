/// A JSON value together with the place in the text it was read from.
///
/// Equality compares content only: neither positions nor the order of an object's keys count.
public struct JSONValue: Sendable {
    /// What a value is.
    public enum Kind: Sendable {
        /// `null`.
        case null
        /// `true` or `false`.
        case bool(Bool)
        /// A number written without fraction and exponent that fits 64 bits with sign.
        case integer(Int64)
        /// A whole number above `Int64.max`; smaller ones are always `.integer`.
        case unsigned(UInt64)
        /// Any other number; from JSON5 possibly infinite or not a number.
        case double(Double)
        /// A string, escapes resolved.
        case string(String)
        /// A list.
        case array([JSONValue])
        /// Keys and values in their order.
        case object(JSONObject)
    }

    /// The content.
    public var kind: Kind
    /// Where the first character of the value stands; `nil` for a value made by the program.
    public var position: JSONPosition?

    /// A value of `kind`, read at `position`.
    @inlinable
    public init(_ kind: Kind, at position: JSONPosition? = nil) {
        self.kind = kind
        self.position = position
    }

    /// The value as a `Bool`, or `nil` when it is none.
    public var bool: Bool? {
        if case .bool(let value) = kind { value } else { nil }
    }

    /// The value as a `String`, or `nil` when it is none.
    public var string: String? {
        if case .string(let value) = kind { value } else { nil }
    }

    /// The value as a list, or `nil` when it is none.
    public var array: [JSONValue]? {
        if case .array(let value) = kind { value } else { nil }
    }

    /// The value as an object, or `nil` when it is none.
    public var object: JSONObject? {
        if case .object(let value) = kind { value } else { nil }
    }

    /// Whether the value is `null`.
    public var isNull: Bool {
        if case .null = kind { true } else { false }
    }

    /// The value as a whole number of type `T`, or `nil` when it is none or does not fit. `1e3` and `2.0` are whole.
    public func integer<T: FixedWidthInteger>(as type: T.Type = T.self) -> T? {
        switch kind {
        case .integer(let value): T(exactly: value)
        case .unsigned(let value): T(exactly: value)
        case .double(let value): T(exactly: value)
        default: nil
        }
    }

    /// The value as an `Int`, or `nil` when it is no whole number.
    public var int: Int? { integer(as: Int.self) }

    /// The value as a `Double` (rounded, above 2^53), or `nil` when it is no number.
    public var double: Double? {
        switch kind {
        case .integer(let value): Double(value)
        case .unsigned(let value): Double(value)
        case .double(let value): value
        default: nil
        }
    }

    /// The member `key` of an object, or `nil` when there is none or this is no object.
    public subscript(key: String) -> JSONValue? { object?[key] }

    /// What the value is, for messages: `a string`, `an object`, ….
    public var typeName: String {
        switch kind {
        case .null: "null"
        case .bool: "a boolean"
        case .integer, .unsigned, .double: "a number"
        case .string: "a string"
        case .array: "a list"
        case .object: "an object"
        }
    }
}

extension JSONValue: Equatable {
    /// Equality of content; a number equals itself however it was written (`1`, `1.0`).
    public static func == (lhs: JSONValue, rhs: JSONValue) -> Bool {
        switch (lhs.kind, rhs.kind) {
        case (.null, .null): true
        case (.bool(let a), .bool(let b)): a == b
        case (.string(let a), .string(let b)): a == b
        case (.array(let a), .array(let b)): a == b
        case (.object(let a), .object(let b)): a == b
        case (.integer(let a), .integer(let b)): a == b
        case (.unsigned(let a), .unsigned(let b)): a == b
        case (.double(let a), .double(let b)): a == b
        case (.integer(let a), .double(let b)), (.double(let b), .integer(let a)): Int64(exactly: b) == a
        case (.unsigned(let a), .double(let b)), (.double(let b), .unsigned(let a)): UInt64(exactly: b) == a
        default: false
        }
    }
}

extension JSONValue: CustomStringConvertible {
    /// The value as compact JSON.
    public var description: String {
        var writer = JSONWriter()
        writer.write(self)
        return writer.text
    }
}
