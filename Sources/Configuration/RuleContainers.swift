import JSONText

extension Rule {
    /// A list of at most `limit` different values.
    static func list<Element: Hashable>(of rule: Rule<Element>, atMost limit: Int) -> Rule where Value == [Element] {
        Rule(
            expectation: "a list, [ … ], of \(rule.expectation)",
            schema: [
                "type": "array", "items": JSONValue(rule.schema), "uniqueItems": true, "maxItems": JSONValue(limit),
            ],
            decode: { cursor, decoder in
                guard let elements = cursor.value.array else {
                    decoder.refuse(cursor, expected: "a list, [ … ], of \(rule.expectation)")
                    return nil
                }
                if elements.count > limit {
                    decoder.report(
                        "\(cursor.path) has \(elements.count) entries; at most \(limit) are possible",
                        at: cursor.position)
                    return nil
                }
                var values: [Element] = []
                var seen: [Element: JSONPosition] = [:]
                for (index, element) in elements.enumerated() {
                    let place = cursor.element(index, element)
                    guard let value = rule.decode(place, &decoder) else { continue }
                    if let first = seen[value] {
                        let text = Decoder.describe(element)
                        decoder.report(
                            "\(place.path) repeats \(text) from \(first); remove one of them", at: place.position)
                    } else {
                        seen[value] = place.position
                        values.append(value)
                    }
                }
                return values
            },
            encode: { JSONValue($0.compactMap(rule.encode)) })
    }
}

extension Rule where Value: Block {
    /// An object with the keys of `Value`.
    static var block: Rule {
        Rule(
            expectation: "an object, { … }", schema: Value.schema, isContainer: true,
            decode: { cursor, decoder in
                var block = Value.blank
                decoder.read(cursor, into: &block)
                return block
            },
            encode: \.json)
    }
}

extension Rule {
    /// An object with a block behind each of at most `limit` names; read in the order of the names.
    static func named<Element: NamedBlock>(atMost limit: Int) -> Rule where Value == [Element] {
        let expectation = "an object with a name before each entry, { name: { … }, … }"
        return Rule(
            expectation: expectation,
            schema: [
                "type": "object", "maxProperties": JSONValue(limit),
                "propertyNames": ["pattern": JSONValue(Name.pattern)],
                "additionalProperties": JSONValue(Element.schema),
            ],
            isContainer: true,
            decode: { cursor, decoder in
                guard let object = cursor.value.object else {
                    decoder.refuse(cursor, expected: expectation)
                    return nil
                }
                if object.count > limit {
                    decoder.report(
                        "\(cursor.path) has \(object.count) entries; at most \(limit) are possible",
                        at: cursor.position)
                    return nil
                }
                var blocks: [Element] = []
                for member in object {
                    if !Name.isGood(member.key) {
                        let name = Decoder.describe(JSONValue(member.key))
                        decoder.report(
                            "the name \(name) in \(cursor.path) must be \(Name.expectation)",
                            at: member.keyPosition ?? cursor.position)
                    }
                    var block = Element.blank
                    block.name = member.key
                    decoder.read(cursor.child(member), into: &block)
                    blocks.append(block)
                }
                return blocks.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
            },
            encode: { blocks in JSONValue(JSONObject(blocks.map { JSONMember($0.name, $0.json) })) })
    }
}

/// What pools, backends and services may be called: names appear in commands, metrics and rule comments.
enum Name {
    static var expectation: String { "1 to 63 letters, digits, '.', '_' or '-', the first a letter or digit" }
    static var pattern: String { "^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$" }

    static func isGood(_ name: String) -> Bool {
        let bytes = name.utf8
        func isAlphanumeric(_ byte: UInt8) -> Bool {
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
        }
        return (1...63).contains(bytes.count) && bytes.first.map(isAlphanumeric) == true
            && bytes.allSatisfy { isAlphanumeric($0) || $0 == 0x2E || $0 == 0x5F || $0 == 0x2D }
    }
}
