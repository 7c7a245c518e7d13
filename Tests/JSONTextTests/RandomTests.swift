import JSONText
import Testing

/// SplitMix64 (Steele, Lea, Flood 2014): the same numbers on each run.
struct TestRandom: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }

    mutating func string() -> String {
        let alphabet: [Unicode.Scalar] = [
            "a", "Z", "0", " ", "\"", "\\", "/", "\n", "\r", "\t", "\0", "\u{1F}", "\u{7F}", "é", "€", "\u{2028}", "😀",
        ]
        var text = ""
        for _ in 0..<Int.random(in: 0...8, using: &self) {
            text.unicodeScalars.append(alphabet[Int.random(in: 0..<alphabet.count, using: &self)])
        }
        return text
    }

    mutating func value(depth: Int = 4) -> JSONValue {
        switch Int.random(in: 0..<(depth > 0 ? 9 : 7), using: &self) {
        case 0: return nil
        case 1: return JSONValue(Bool.random(using: &self))
        case 2: return JSONValue(Int64(bitPattern: next()) >> Int64.random(in: 0..<64, using: &self))
        case 3: return JSONValue(next())
        case 4: return JSONValue(Double(bitPattern: next()).finiteOrZero)
        case 5, 6: return JSONValue(string())
        case 7: return JSONValue((0..<Int.random(in: 0...4, using: &self)).map { _ in value(depth: depth - 1) })
        default:
            var object = JSONObject()
            for _ in 0..<Int.random(in: 0...4, using: &self) { object[string()] = value(depth: depth - 1) }
            return JSONValue(object)
        }
    }
}

extension Double {
    var finiteOrZero: Double { isFinite ? self : 0 }
}

@Suite struct RandomTests {
    @Test(arguments: [JSONWriter.Style.compact, .pretty])
    func whatIsWrittenReadsBackTheSame(_ style: JSONWriter.Style) throws {
        var random = TestRandom(state: 7)
        var writer = JSONWriter(style)
        for _ in 0..<20_000 {
            let value = random.value()
            writer.removeAll()
            writer.write(value)
            let strict = try JSONValue(parsing: writer.bytes)
            #expect(strict == value)
            #expect(try JSONValue(parsing: writer.bytes, dialect: .json5) == value)
            #expect(strict.object?.keys == value.object?.keys)
            if style == .compact { #expect(!writer.bytes.contains(0x0A)) }
        }
    }

    @Test func noTextCrashesTheParserAndEachFaultLiesWithinIt() {
        var random = TestRandom(state: 11)
        let pieces: [String] = [
            "{", "}", "[", "]", ":", ",", "\"", "'", "\\", "\\u", "\\uD83D", "\\uDE00", "/", "//", "/*", "*/", "\n",
            "\r",
            "\r\n", " ", "a", "true", "Infinity", "NaN", "0x", "1", "-", "+", ".", "e", "é", "\u{2028}", "😀", "\0",
        ]
        for round in 0..<30_000 {
            let count = Int.random(in: 0...40, using: &random)
            let text = (0..<count).map { _ in pieces[Int.random(in: 0..<pieces.count, using: &random)] }.joined()
            var bytes = Array(text.utf8)
            if round % 5 == 0, !bytes.isEmpty {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            let lines = bytes.count { $0 == 0x0A || $0 == 0x0D } + 1
            for dialect in [JSONParser.Dialect.json5, .strict] {
                let result = JSONParser.parse(bytes: bytes, dialect: dialect)
                #expect(result.value != nil || !result.diagnostics.isEmpty)
                #expect(result.diagnostics == result.diagnostics.sorted())
                for fault in result.diagnostics {
                    #expect((1...lines).contains(Int(fault.position.line)))
                    #expect((1...bytes.count + 1).contains(Int(fault.position.column)))
                    #expect(!fault.message.isEmpty)
                }
            }
        }
    }
}
