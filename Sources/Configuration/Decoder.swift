import JSONText

/// A value of the file on its way into the configuration: what it is, where it stands, and what it is called.
struct Cursor {
    /// The value.
    let value: JSONValue
    /// Its name in messages, such as `pools.web.backends.b1.mark`; empty for the whole file.
    let path: String

    /// Where the value stands.
    var position: JSONPosition { value.position ?? .start }

    /// The value behind `member`'s key.
    func child(_ member: JSONMember) -> Cursor {
        Cursor(value: member.value, path: path.isEmpty ? member.key : "\(path).\(member.key)")
    }

    /// The element `index` of a list.
    func element(_ index: Int, _ value: JSONValue) -> Cursor {
        Cursor(value: value, path: "\(path)[\(index)]")
    }

    /// The place of the value that `keys` lead to from here, or of the last one on the way that is there.
    func position(of keys: [String]) -> JSONPosition {
        var value = value
        for key in keys {
            guard let next = value[key] else { break }
            value = next
        }
        return value.position ?? position
    }
}

/// Collects what is wrong while a configuration is read; reading always goes on.
struct Decoder {
    private(set) var diagnostics: [JSONDiagnostic] = []

    mutating func report(_ message: String, at position: JSONPosition) {
        diagnostics.append(JSONDiagnostic(position, message))
    }

    /// Says that the value is not what it must be.
    mutating func refuse(_ cursor: Cursor, expected: String) {
        let name = cursor.path.isEmpty ? "the configuration" : cursor.path
        report("\(name) must be \(expected), not \(Self.describe(cursor.value))", at: cursor.position)
    }

    /// Reads the keys of a block from an object; what cannot be read keeps its default.
    mutating func read<Value: Block>(_ cursor: Cursor, into block: inout Value) {
        guard let object = cursor.value.object else { return refuse(cursor, expected: "an object, { … }") }
        let faults = diagnostics.count
        let keys = Value.keys
        for member in object {
            if let key = keys.first(where: { $0.name == member.key }) {
                key.decode(cursor.child(member), &block, &self)
            } else {
                let place = cursor.path.isEmpty ? "at the top level" : "in \(cursor.path)"
                report(
                    "unknown key \"\(member.key)\" \(place); \(suggestion(for: member.key, among: keys.map(\.name)))",
                    at: member.keyPosition ?? cursor.position)
            }
        }
        if object.isComplete {
            for key in keys where key.isRequired && object[key.name] == nil {
                let path = cursor.path.isEmpty ? key.name : "\(cursor.path).\(key.name)"
                report("\(path) is missing; write \(key.expectation)", at: cursor.position)
            }
        }
        if diagnostics.count == faults { Value.check(block, at: cursor, into: &self) }
    }

    /// A value as messages show it.
    static func describe(_ value: JSONValue) -> String {
        switch value.kind {
        case .double(let number) where number.isNaN: return "NaN"
        case .double(let number) where number.isInfinite: return number < 0 ? "-Infinity" : "Infinity"
        case .null, .bool, .integer, .unsigned, .double: return value.description
        case .string(let text) where text.count > 40: return JSONValue(text.prefix(39) + "…").description
        case .string: return value.description
        case .array: return "a list"
        case .object: return "an object"
        }
    }
}
