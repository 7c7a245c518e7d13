import Configuration
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
}

@Suite struct MutationTests {
    static let pieces: [[UInt8]] = [
        "{", "}", "[", "]", ",", ":", "\"", "'", "//", "/*", "*/", "\n", "\\", "null", "true", "-1", "0", "1e9", "0x",
        "99999999999999999999", "\"auto\"", "\"web\"", "web: {},", "mark: 0x101,", "NaN", "\u{20AC}", "\0",
    ].map { Array($0.utf8) }

    /// An unoptimised build takes thirty times as long for each.
    static var rounds: Int {
        #if DEBUG
            3_000
        #else
            100_000
        #endif
    }

    /// The file without its comments, so that changes meet what counts.
    static func bare(_ text: String) -> [UInt8] {
        let lines = text.split(separator: "\n").map { line in
            String(line.drop { $0 == " " })
        }
        return Array(lines.filter { !$0.hasPrefix("//") }.joined(separator: "\n").utf8)
    }

    static func mutate(_ original: [UInt8], with random: inout TestRandom) -> [UInt8] {
        var bytes = original
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            let start = Int.random(in: 0...bytes.count, using: &random)
            let end = min(bytes.count, start + Int.random(in: 0...12, using: &random))
            switch Int.random(in: 0..<6, using: &random) {
            case 0: bytes.removeSubrange(start..<end)
            case 1: bytes.insert(contentsOf: bytes[start..<end], at: Int.random(in: 0...bytes.count, using: &random))
            case 2: bytes.insert(contentsOf: pieces[Int.random(in: 0..<pieces.count, using: &random)], at: start)
            case 3: bytes.replaceSubrange(start..<end, with: pieces[Int.random(in: 0..<pieces.count, using: &random)])
            case 4 where start < bytes.count: bytes[start] = UInt8.random(in: 0...255, using: &random)
            case 5 where start < bytes.count: bytes[start] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            default: bytes.removeSubrange(start...)
            }
        }
        return bytes
    }

    /// How many code points each line has.
    static func widths(_ bytes: [UInt8]) -> [Int] {
        var widths = [0]
        for (index, byte) in bytes.enumerated() {
            if byte == 0x0A || (byte == 0x0D && !(index + 1 < bytes.count && bytes[index + 1] == 0x0A)) {
                widths.append(0)
            } else if byte & 0xC0 != 0x80 {
                widths[widths.count - 1] += 1
            }
        }
        return widths
    }

    @Test func noChangeOfTheDefaultFileCrashesAndEachFaultHasItsPlace() throws {
        let original = Self.bare(try PackageFile.text("Config/anabranch.json"))
        let unchanged = try Configuration.parse(bytes: original, file: "f")
        var random = TestRandom(state: 5)
        var (accepted, refused, wrong) = (0, 0, 0)
        for _ in 0..<Self.rounds {
            let bytes = Self.mutate(original, with: &random)
            do throws(ConfigurationErrors) {
                let configuration = try Configuration.parse(bytes: bytes, file: "f")
                accepted += 1
                if configuration == unchanged { continue }
                let again = try Configuration.parse(text: configuration.json.description, file: "f")
                if again != configuration { wrong += 1 }
            } catch {
                refused += 1
                let widths = Self.widths(bytes)
                let good = error.diagnostics.allSatisfy { fault in
                    let line = Int(fault.position.line)
                    return (1...widths.count).contains(line)
                        && (1...widths[line - 1] + 1).contains(Int(fault.position.column)) && !fault.message.isEmpty
                }
                if !good || error.diagnostics.isEmpty || error.diagnostics != error.diagnostics.sorted() { wrong += 1 }
            }
        }
        #expect(wrong == 0)
        #expect(accepted > Self.rounds / 100 && refused > Self.rounds / 100, "\(accepted) accepted, \(refused) refused")
    }
}
