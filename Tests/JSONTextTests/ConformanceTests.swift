import JSONText
import Testing

/// Texts and what they must mean. `nil`: the dialect must refuse the text.
struct Reading: Sendable, CustomTestStringConvertible {
    let text: String
    let json5: JSONValue?
    let strict: JSONValue?

    init(_ text: String, json5: JSONValue?, strict: JSONValue? = nil) {
        self.text = text
        self.json5 = json5
        self.strict = strict
    }

    init(_ text: String, both: JSONValue) {
        self.init(text, json5: both, strict: both)
    }

    init(refused text: String) {
        self.init(text, json5: nil)
    }

    var testDescription: String { String(reflecting: text) }
}

@Suite struct ConformanceTests {
    static let scalars: [Reading] = [
        Reading("null", both: nil),
        Reading("true", both: true),
        Reading(" false\n", both: false),
        Reading("0", both: 0),
        Reading("-0", both: 0),
        Reading("17", both: 17),
        Reading("-17", both: -17),
        Reading("1.5", both: 1.5),
        Reading("1e3", both: 1000.0),
        Reading("1E+2", both: 100.0),
        Reading("25e-2", both: 0.25),
        Reading("9223372036854775807", both: 9_223_372_036_854_775_807),
        Reading("-9223372036854775808", both: -9_223_372_036_854_775_808),
        Reading("18446744073709551615", both: JSONValue(UInt64.max)),
        Reading("+1", json5: 1),
        Reading(".5", json5: 0.5),
        Reading("5.", json5: 5.0),
        Reading("-.5e1", json5: -5.0),
        Reading("0x1F", json5: 31),
        Reading("-0Xff", json5: -255),
        Reading("0xFFFFFFFFFFFFFFFF", json5: JSONValue(UInt64.max)),
        Reading("Infinity", json5: JSONValue(Double.infinity)),
        Reading("-Infinity", json5: JSONValue(-Double.infinity)),
        Reading("+Infinity", json5: JSONValue(Double.infinity)),
        Reading(refused: "18446744073709551616"),
        Reading(refused: "-9223372036854775809"),
        Reading(refused: "0x10000000000000000"),
        Reading(refused: "1e999"),
        Reading(refused: "01"),
        Reading(refused: "-01"),
        Reading(refused: "0x"),
        Reading(refused: "1e"),
        Reading(refused: "1e+"),
        Reading(refused: "."),
        Reading(refused: "-"),
        Reading(refused: "+-1"),
        Reading(refused: "1.2.3"),
        Reading(refused: "80ms"),
        Reading(refused: "nul"),
        Reading(refused: "True"),
        Reading(refused: "undefined"),
        Reading(refused: ""),
        Reading(refused: " // nothing"),
        Reading(refused: "1 2"),
    ]

    static let strings: [Reading] = [
        Reading("\"\"", both: ""),
        Reading("\"plain\"", both: "plain"),
        Reading(#""\" \\ \/ \b \f \n \r \t""#, both: "\" \\ / \u{8} \u{C} \n \r \t"),
        Reading(#""\u00e9\u20AC""#, both: "é€"),
        Reading(#""\uD83D\uDE00""#, both: "😀"),
        Reading("\"é€😀\"", both: "é€😀"),
        Reading("\"\u{2028}\"", both: "\u{2028}"),
        Reading("'single'", json5: "single"),
        Reading("'\"'", json5: "\""),
        Reading(#"'\''"#, json5: "'"),
        Reading(#""\x41\v\0\q""#, json5: "A\u{B}\0q"),
        Reading("\"one\\\ntwo\"", json5: "onetwo"),
        Reading("\"one\\\r\ntwo\"", json5: "onetwo"),
        Reading("\"one\\\u{2028}two\"", json5: "onetwo"),
        Reading("\"a\tb\"", json5: "a\tb"),
        Reading(#""\é""#, json5: "é"),
        Reading(refused: "\"open"),
        Reading(refused: "\"two\nlines\""),
        Reading(refused: #""\u12""#),
        Reading(refused: #""\uD83D""#),
        Reading(refused: #""\uD83Dx""#),
        Reading(refused: #""\uDE00\uD83D""#),
        Reading(refused: #""\uD83D\u0041""#),
        Reading(refused: #""\x4""#),
        Reading(refused: #""\1""#),
        Reading(refused: #""\01""#),
        Reading(refused: "\"\\"),
    ]

    static let containers: [Reading] = [
        Reading("[]", both: []),
        Reading("{}", both: [:]),
        Reading("[1, [2, {}], \"3\"]", both: [1, [2, [:]], "3"]),
        Reading("{\"a\": 1, \"b\": [true]}", both: ["a": 1, "b": [true]]),
        Reading("[1,]", json5: [1]),
        Reading("{a: 1,}", json5: ["a": 1]),
        Reading("{'a b': 1, $_x9: 2, ünï: 3, \\u0061b: 4}", json5: ["a b": 1, "$_x9": 2, "ünï": 3, "ab": 4]),
        Reading("{null: 1, true: 2, Infinity: 3}", json5: ["null": 1, "true": 2, "Infinity": 3]),
        Reading("/* a */ [ // b\n 1 /**/ , /* c\n */ 2 ] // d", json5: [1, 2]),
        Reading("// cr\r[1]", json5: [1]),
        Reading("\u{FEFF}[\u{A0}1,\u{B}\u{C}2\u{2028}]", json5: [1, 2]),
        Reading(refused: "[,]"),
        Reading(refused: "[1,,2]"),
        Reading(refused: "{,}"),
        Reading(refused: "{1: 2}"),
        Reading(refused: "{a}"),
        Reading(refused: "{a = 1}"),
        Reading(refused: "[1 2]"),
        Reading(refused: "{a: 1 b: 2}"),
        Reading(refused: "[1"),
        Reading(refused: "[1}"),
        Reading(refused: "{a: 1]"),
        Reading(refused: "/* open"),
        Reading(refused: "[1] ]"),
        Reading(refused: "{a-b: 1}"),
        Reading(refused: "{a: 1, a: 1}"),
        Reading(refused: "/"),
        Reading(refused: "[1 / 2]"),
    ]

    @Test(arguments: scalars + strings + containers)
    func aTextMeansWhatItsDialectSays(_ reading: Reading) {
        for (dialect, expected) in [(JSONParser.Dialect.json5, reading.json5), (.strict, reading.strict)] {
            let result = JSONParser.parse(reading.text, dialect: dialect)
            if let expected {
                #expect(result.diagnostics.isEmpty, "\(dialect)")
                #expect(result.value == expected, "\(dialect)")
            } else {
                #expect(!result.diagnostics.isEmpty, "\(dialect)")
            }
        }
    }

    @Test func notANumberIsReadButIsNoWholeNumber() {
        let value = JSONParser.parse("NaN").value
        #expect(value?.double?.isNaN == true)
        #expect(value?.int == nil)
    }

    @Test func wholeNumbersStayExact() throws {
        let value = try JSONValue(parsing: "[9007199254740993, 18446744073709551615, 2.0, 1e3, 2.5]")
        #expect(value.array?.map { $0.integer(as: UInt64.self) } == [9_007_199_254_740_993, .max, 2, 1000, nil])
    }

    @Test func bytesThatAreNotUTF8AreNamedByPosition() {
        let texts: [([UInt8], JSONPosition)] = [
            ([0x22, 0x0A, 0x61, 0xFF], JSONPosition(line: 2, column: 2)),
            ([0xC0, 0x80], .start),
            ([0xC3, 0xA9, 0xED, 0xA0, 0x80], JSONPosition(line: 1, column: 2)),
            ([0xF4, 0x90, 0x80, 0x80], .start),
            ([0xE2, 0x82], .start),
            ([0xF0, 0x8F, 0xBF, 0xBF], .start),
        ]
        for (bytes, position) in texts {
            let result = JSONParser.parse(bytes: bytes)
            #expect(result.diagnostics.map(\.position) == [position])
        }
    }
}
