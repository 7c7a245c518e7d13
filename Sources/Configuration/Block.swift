import JSONText

/// A part of the configuration that is written as an object. Its table of keys is the only place that knows them: the
/// decoder, the writer and the JSON schema all come from it.
protocol Block {
    /// A block with all defaults; what is required is blank.
    static var blank: Self { get }
    /// The keys in the order in which they are explained.
    static var keys: [Key<Self>] { get }
    /// Checks what concerns several keys of a block whose keys are each good.
    static func check(_ block: Self, at cursor: Cursor, into decoder: inout Decoder)
    /// Whether the key has a meaning in this block, and is written.
    func has(_ key: String) -> Bool
}

extension Block {
    static func check(_ block: Self, at cursor: Cursor, into decoder: inout Decoder) {}
    func has(_ key: String) -> Bool { true }

    /// The block as an object with all its keys.
    var json: JSONValue {
        JSONValue(
            JSONObject(
                Self.keys.compactMap { key in
                    has(key.name) ? key.encode(self).map { JSONMember(key.name, $0) } : nil
                }))
    }

    /// The JSON schema of the block.
    static var schema: JSONObject {
        let keys = keys
        var schema: JSONObject = ["type": "object", "additionalProperties": false]
        let required = keys.filter(\.isRequired).map(\.name)
        if !required.isEmpty { schema["required"] = JSONValue(required) }
        schema["properties"] = JSONValue(JSONObject(keys.map { JSONMember($0.name, JSONValue($0.schema)) }))
        return schema
    }
}

/// A block that stands behind a name of the operator's choice: a pool, a backend, a service.
protocol NamedBlock: Block {
    /// The name, which is the key the block stands behind.
    var name: String { get set }
}

/// One key of a block.
struct Key<Owner> {
    /// The key, `snake_case`.
    let name: String
    /// Whether a block without the key is an error.
    let isRequired: Bool
    private let makeExpectation: () -> String
    private let makeSchema: () -> JSONObject
    /// Reads the value into the block.
    let decode: (Cursor, inout Owner, inout Decoder) -> Void
    /// The value of a block, or `nil` when it is left out.
    let encode: (Owner) -> JSONValue?

    /// What the value must be, for messages.
    var expectation: String { makeExpectation() }
    /// The JSON schema of the value.
    var schema: JSONObject { makeSchema() }
}

extension Key where Owner: Block {
    /// A key whose value is kept in `property`, follows `rule`, and is explained by `about`.
    init<Value>(
        _ name: String, _ property: WritableKeyPath<Owner, Value>, _ rule: Rule<Value>, required: Bool = false,
        _ about: String
    ) {
        self.name = name
        isRequired = required
        makeExpectation = { rule.expectation }
        makeSchema = {
            var schema: JSONObject = ["description": JSONValue(about)]
            for member in rule.schema { schema[member.key] = member.value }
            if !required, !rule.isContainer, let value = rule.encode(Owner.blank[keyPath: property]) {
                schema["default"] = value
            }
            return schema
        }
        decode = { cursor, block, decoder in
            if let value = rule.decode(cursor, &decoder) { block[keyPath: property] = value }
        }
        encode = { rule.encode($0[keyPath: property]) }
    }
}
