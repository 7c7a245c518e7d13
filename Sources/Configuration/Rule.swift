import JSONText

/// What a value must be: how it is read, written and described.
///
/// Descriptions are made when they are asked for: reading a good file needs none of them.
struct Rule<Value> {
    private let makeExpectation: () -> String
    private let makeSchema: () -> JSONObject
    /// Whether defaults are given further inside.
    let isContainer: Bool
    /// Reads the value, or reports why that is impossible.
    let decode: (Cursor, inout Decoder) -> Value?
    /// Writes the value; `nil` when there is nothing to write.
    let encode: (Value) -> JSONValue?

    /// What the value must be, to be put behind "must be".
    var expectation: String { makeExpectation() }
    /// The same as JSON schema.
    var schema: JSONObject { makeSchema() }

    init(
        expectation: @escaping @autoclosure () -> String, schema: @escaping @autoclosure () -> JSONObject,
        isContainer: Bool = false, decode: @escaping (Cursor, inout Decoder) -> Value?,
        encode: @escaping (Value) -> JSONValue?
    ) {
        makeExpectation = expectation
        makeSchema = schema
        self.isContainer = isContainer
        self.decode = decode
        self.encode = encode
    }
}

extension Rule {
    /// A rule for values that either can be read or not, without more to say about it.
    init(
        _ expectation: @escaping @autoclosure () -> String, schema: @escaping @autoclosure () -> JSONObject,
        encode: @escaping (Value) -> JSONValue, decode: @escaping (JSONValue) -> Value?
    ) {
        self.init(
            expectation: expectation(), schema: schema(),
            decode: { cursor, decoder in
                let value = decode(cursor.value)
                if value == nil { decoder.refuse(cursor, expected: expectation()) }
                return value
            },
            encode: encode)
    }

    /// The same rule for a property of which `nil` means that the key is absent.
    func optional() -> Rule<Value?> {
        Rule<Value?>(
            expectation: expectation, schema: schema, isContainer: isContainer,
            decode: { cursor, decoder in decode(cursor, &decoder).map { .some($0) } },
            encode: { $0.flatMap(encode) })
    }

    /// This rule, or a word that stands for a value of its own.
    func or(_ word: String, for special: Value) -> Rule<Value> where Value: Equatable {
        Rule(
            expectation: "\(expectation), or \"\(word)\"",
            schema: ["anyOf": [JSONValue(schema), ["const": JSONValue(word)]]],
            decode: { cursor, decoder in
                if cursor.value.string == word { return special }
                var attempt = Decoder()
                let value = decode(cursor, &attempt)
                // A list says which element is wrong; anything else should hear of the word as well.
                if value == nil, cursor.value.array == nil {
                    decoder.refuse(cursor, expected: "\(expectation), or \"\(word)\"")
                } else {
                    for fault in attempt.diagnostics { decoder.report(fault.message, at: fault.position) }
                }
                return value
            },
            encode: { $0 == special ? JSONValue(word) : encode($0) })
    }
}

// MARK: Simple values

extension Rule where Value == Bool {
    /// `true` or `false`.
    static var flag: Rule {
        Rule("true or false", schema: ["type": "boolean"], encode: { JSONValue($0) }, decode: \.bool)
    }
}

extension Rule where Value: FixedWidthInteger {
    /// A whole number in `range`.
    static func integer(_ range: ClosedRange<Value>) -> Rule {
        Rule(
            "a whole number from \(range.lowerBound) to \(range.upperBound)",
            schema: [
                "type": "integer", "minimum": JSONValue(range.lowerBound), "maximum": JSONValue(range.upperBound),
            ],
            encode: { JSONValue($0) },
            decode: { $0.integer(as: Value.self).flatMap { range.contains($0) ? $0 : nil } })
    }
}

extension Rule where Value == Duration {
    /// A time with its unit, in `range`.
    static func duration(_ range: ClosedRange<Duration>) -> Rule {
        Rule(
            "a time with a unit from \"\(Units.text(range.lowerBound))\" to \"\(Units.text(range.upperBound))\"",
            schema: ["type": "string", "pattern": JSONValue(Units.durationPattern)],
            encode: { JSONValue(Units.text($0)) },
            decode: { $0.string.flatMap(Units.duration).flatMap { range.contains($0) ? $0 : nil } })
    }
}

extension Rule where Value == Int {
    /// A number of bytes, with or without a unit, in `range`.
    static func size(_ range: ClosedRange<Int>) -> Rule {
        Rule(
            "a size from \"\(Units.text(bytes: range.lowerBound))\" to \"\(Units.text(bytes: range.upperBound))\"",
            schema: [
                "anyOf": [
                    ["type": "string", "pattern": JSONValue(Units.sizePattern)],
                    [
                        "type": "integer", "minimum": JSONValue(range.lowerBound),
                        "maximum": JSONValue(range.upperBound),
                    ],
                ]
            ],
            encode: { JSONValue(Units.text(bytes: $0)) },
            decode: { value in
                (value.string.flatMap(Units.bytes) ?? value.int).flatMap { range.contains($0) ? $0 : nil }
            })
    }
}

extension Rule where Value == String {
    /// A string that `isGood`, which `pattern` says as a regular expression.
    static func string(
        _ expectation: @escaping @autoclosure () -> String, pattern: String, where isGood: @escaping (String) -> Bool
    ) -> Rule {
        Rule(
            expectation(), schema: ["type": "string", "pattern": JSONValue(pattern)], encode: { JSONValue($0) },
            decode: { $0.string.flatMap { isGood($0) ? $0 : nil } })
    }

    /// The name of a pool, backend or service.
    static var name: Rule { string(Name.expectation, pattern: Name.pattern, where: Name.isGood) }
}

extension Rule where Value: CaseIterable & RawRepresentable, Value.RawValue == String {
    /// One of the words that `Value` knows.
    static var choice: Rule {
        Rule(
            Value.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: " or "),
            schema: ["enum": JSONValue(Value.allCases.map(\.rawValue))], encode: { JSONValue($0.rawValue) },
            decode: { $0.string.flatMap { Value(rawValue: $0) } })
    }
}
