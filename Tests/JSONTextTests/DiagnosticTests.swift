import JSONText
import Testing

@Suite struct DiagnosticTests {
    static let texts: [(String, [String])] = [
        ("{a: 1, b 2}", ["1:10: the key \"b\" has no value; write ':' and a value"]),
        ("{a = 1}", ["1:4: the key \"a\" has no value; write ':' instead of '='"]),
        (
            "{\n  a: ,\n  b: 2,\n  b: 3\n}",
            [
                "2:6: a value is missing before ','",
                "4:3: the key \"b\" is there already, at 3:3; remove one of them",
            ]
        ),
        (
            "{a: 1, a: 2, a: 3}",
            [
                "1:8: the key \"a\" is there already, at 1:2; remove one of them",
                "1:14: the key \"a\" is there already, at 1:2; remove one of them",
            ]
        ),
        (
            "{\n  name: \"open,\n  port: 80\n}",
            [
                "2:9: this string is not closed on its line; write the missing quote"
            ]
        ),
        ("{\n  a: 1\n  b: 2\n}", ["3:3: a ',' is missing before this"]),
        ("[1, 2", ["1:1: this '[' is never closed; write ']' at its end"]),
        ("{a: [1, 2}", ["1:10: ']' is missing before this; it closes the bracket opened at 1:5"]),
        ("[1, 2}]", ["1:6: ']' is missing before this; it closes the bracket opened at 1:1"]),
        ("{80: 1}", ["1:2: a key that begins with a digit stands in quotes"]),
        ("{a: 200ms}", ["1:5: this is no number; put strings, also those with a unit, in quotes"]),
        ("{a: tcp}", ["1:5: \"tcp\" is no value; put strings in quotes"]),
        ("[\"é\u{20AC}😀\", x]", ["1:9: \"x\" is no value; put strings in quotes"]),
        ("[1]\r\n\r\n[2]", ["3:1: nothing may follow the end of the document; remove this"]),
        (
            "{a: \"\\u12\", b: '\\x1', c: '\\9'}",
            [
                "1:6: \\u needs four hexadecimal digits",
                "1:17: \\x needs two hexadecimal digits",
                "1:27: there is no such escape; write \\\\ for a backslash",
            ]
        ),
        ("", ["1:1: the text is empty; write at least {}"]),
    ]

    @Test(arguments: texts)
    func everyFaultIsNamedOnceWithItsPlace(_ text: String, _ messages: [String]) {
        #expect(JSONParser.parse(text).diagnostics.map(\.description) == messages)
    }

    @Test func whatStandsBesideAFaultIsStillRead() {
        let result = JSONParser.parse("{a: 1, b: oops, c: [1, ?, 3], d: {e: 'x}, f: 5\n g: 6}, h: 7}")
        let root = result.value?.object
        #expect(root?["a"] == 1)
        #expect(root?["c"] == [1, 3])
        #expect(root?["d"]?["g"] == 6)
        #expect(root?["h"] == 7)
        #expect(root?.isComplete == false)
        #expect(root?["d"]?.object?.isComplete == false)
        #expect(result.diagnostics.count == 3)
    }

    @Test func strictJSONNamesWhatOnlyJSON5Allows() {
        let result = JSONParser.parse("{a: 'x', /* c */ \"b\": [1,], \"c\": +1, \"d\": \"\u{1}\"}", dialect: .strict)
        #expect(
            result.diagnostics.map(\.description) == [
                "1:2: JSON keys stand in double quotes",
                "1:5: JSON strings stand in double quotes",
                "1:10: JSON has no comments; remove this one",
                "1:25: JSON has no ',' behind the last entry; remove it",
                "1:34: JSON numbers have no '+'; remove it",
                "1:44: write this control character as \\u0001",
            ])
    }

    @Test func everyKeyAndValueKnowsItsPlace() throws {
        let value = try JSONValue(parsing: "{\n  a: [\n    1,\r\n    {'é': 'x', b: 2}\n  ]\n}", dialect: .json5)
        let list = try #require(value.object?.first)
        #expect(value.position == JSONPosition(line: 1, column: 1))
        #expect(list.keyPosition == JSONPosition(line: 2, column: 3))
        #expect(list.value.position == JSONPosition(line: 2, column: 6))
        let inner = try #require(list.value.array?.last?.object)
        #expect(inner.map(\.keyPosition?.column) == [6, 16])
        #expect(inner.map(\.value.position) == [JSONPosition(line: 4, column: 11), JSONPosition(line: 4, column: 19)])
    }

    @Test func limitsHold() {
        let limits = JSONParser.Limits(bytes: 40, depth: 3, diagnostics: 4)
        #expect(JSONParser.parse("[[[1]]]", limits: limits).diagnostics.isEmpty)
        #expect(
            JSONParser.parse("[[[[1]], 2], {a: x}]", limits: limits).diagnostics.map(\.description) == [
                "1:4: more than 3 brackets inside each other; nest less deeply",
                "1:18: \"x\" is no value; put strings in quotes",
            ])
        let many = JSONParser.parse("[a, b, c, d, e, f, g]", limits: limits).diagnostics
        #expect(many.count == 4)
        #expect(many.last?.message.hasSuffix("(reading stops here: too many faults)") == true)
        let long = JSONParser.parse(String(repeating: " ", count: 41), limits: limits).diagnostics
        #expect(long.map(\.description) == ["1:1: the text has 41 bytes; at most 40 are read"])
    }

    @Test func hostileTextsCostLinearTime() {
        let limits = JSONParser.Limits(bytes: .max)
        let size = 300_000
        let start = ContinuousClock.now
        for piece in ["[", "{a:", "\"", "'\\", "/*", "1,", "{a:1}", "[1],", "\u{20AC}", "\\u0061", "-", "a b "] {
            _ = JSONParser.parse("[" + String(repeating: piece, count: size), limits: limits)
        }
        #expect(ContinuousClock.now - start < .seconds(30))
    }
}
