import JSONText
import Testing

@Suite struct WriterTests {
    @Test func aLineIsWrittenMemberByMember() {
        var writer = JSONWriter()
        for number in 1...2 {
            writer.object {
                $0.member("number", number)
                $0.member("outcome", "forwarded")
                $0.member("backend", nil as String?)
                $0.member("mark", nil as UInt32?)
                $0.member("share", 0.25)
                $0.array("path") {
                    $0.write("a")
                    $0.object { _ in }
                    $0.array { _ in }
                    $0.write(-1)
                }
                $0.object("flags") { $0.member("gso", true) }
            }
            writer.newline()
        }
        let line =
            #""outcome":"forwarded","backend":null,"mark":null,"share":0.25,"path":["a",{},[],-1],"flags":{"gso":true}}"#
        #expect(writer.text == "{\"number\":1,\(line)\n{\"number\":2,\(line)\n")
    }

    @Test func prettyTextIsIndentedAndEmptyContainersStayShort() {
        var writer = JSONWriter(.pretty)
        writer.write(["a": [1, ["b": nil]], "c": [], "d": [:]])
        #expect(
            writer.text == """
                {
                  "a": [
                    1,
                    {
                      "b": null
                    }
                  ],
                  "c": [],
                  "d": {}
                }
                """)
    }

    @Test func keysKeepTheOrderOfTheirFirstWriting() {
        var value: JSONObject = ["z": 1, "a": 2, "m": 3]
        value["a"] = 4
        value["b"] = 5
        value["z"] = nil
        #expect(JSONValue(value).description == #"{"a":4,"m":3,"b":5}"#)
    }

    @Test func whatMustBeEscapedIsAndNothingElse() {
        let value: JSONValue = "\"\\/\u{8}\u{C}\n\r\t\u{0}\u{1F}\u{7F}é€😀"
        #expect(value.description == #""\"\\/\u0008\u000c\n\r\t\u0000\u001f\u007fé€😀""#)
    }

    @Test func numbersAreExactOrNull() {
        let value: JSONValue = [
            JSONValue(UInt64.max), JSONValue(Int64.min), 0.1, JSONValue(Double.nan), JSONValue(-Double.infinity),
            JSONValue(5e-324), JSONValue(UInt8(7)), JSONValue(nil as Int?),
        ]
        #expect(value.description == "[18446744073709551615,-9223372036854775808,0.1,null,null,5e-324,7,null]")
    }

    @Test func equalityIgnoresPlacesAndTheOrderOfKeys() throws {
        #expect(try JSONValue(parsing: " {\"b\": 1.0, \"a\": [2]}") == ["a": [2], "b": 1])
        #expect(try JSONValue(parsing: "{\"b\": 1, \"a\": [2]}") != ["a": [2], "b": 2])
        #expect(JSONValue(UInt64.max) != JSONValue(Double(UInt64.max)))
    }
}
