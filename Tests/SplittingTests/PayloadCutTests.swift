import Splitting
import Testing

@Suite("Where payloads are cut")
struct PayloadCutTests {
    private func cut(
        _ payload: [UInt8], into count: Int, minimum: Int = 1, alignment: Int = 1, delimiter: String = ""
    ) -> [Range<Int>] {
        PayloadCut.ranges(
            of: payload.span, into: count, minimum: minimum, alignment: alignment, delimiter: Array(delimiter.utf8))
    }

    private func expectCover(_ ranges: [Range<Int>], of size: Int) {
        #expect(ranges.first?.lowerBound == 0)
        #expect(ranges.last?.upperBound == size)
        #expect(zip(ranges, ranges.dropFirst()).allSatisfy { $0.upperBound == $1.lowerBound })
        #expect(ranges.allSatisfy { !$0.isEmpty })
    }

    @Test func withoutRulesChunksDifferByAtMostOneByte() {
        for size in [4, 5, 999, 60_000] {
            let ranges = cut([UInt8](repeating: 1, count: size), into: 4)
            expectCover(ranges, of: size)
            #expect(ranges.count == 4)
            #expect((ranges.map(\.count).max() ?? 0) - (ranges.map(\.count).min() ?? 0) <= 1)
        }
    }

    @Test func alignedChunksBeginAtMultiples() {
        let ranges = cut([UInt8](repeating: 1, count: 60_000), into: 4, alignment: 4096)
        expectCover(ranges, of: 60_000)
        #expect(ranges.count == 4)
        #expect(ranges.allSatisfy { $0.lowerBound % 4096 == 0 })
        #expect(cut([UInt8](repeating: 1, count: 6000), into: 4, alignment: 4096) == [0..<4096, 4096..<6000])
        #expect(cut([UInt8](repeating: 1, count: 3000), into: 4, alignment: 4096) == [0..<3000])
    }

    @Test func recordsAreNeverCut() {
        var generator = SeededGenerator(state: 3)
        for _ in 0..<200 {
            let size = Int.random(in: 1...3000, using: &generator)
            let payload = (0..<size).map { _ -> UInt8 in generator.next() % 20 == 0 ? 10 : 65 }
            let ranges = cut(payload, into: 7, delimiter: "\n")
            expectCover(ranges, of: size)
            #expect(ranges.count <= 7)
            #expect(ranges.dropLast().allSatisfy { payload[$0.upperBound - 1] == 10 })
        }
    }

    @Test func theCutIsTheRecordsEndNearestToTheEvenOne() {
        var payload = [UInt8](repeating: 65, count: 1000)
        payload[399] = 10
        payload[549] = 10
        #expect(cut(payload, into: 2, delimiter: "\n") == [0..<550, 550..<1000])
        payload[479] = 10
        #expect(cut(payload, into: 2, delimiter: "\n") == [0..<480, 480..<1000])
    }

    @Test func aRecordLongerThanAChunkStaysWhole() {
        var payload = [UInt8](repeating: 65, count: 1000)
        payload[899] = 10
        #expect(cut(payload, into: 4, delimiter: "\n") == [0..<900, 900..<1000])
        #expect(cut([UInt8](repeating: 65, count: 1000), into: 4, delimiter: "\n") == [0..<1000])
    }

    /// A blank line as the delimiter overlaps itself: `\n\n\n` ends one record, and the third byte begins the next.
    @Test func delimitersAreFoundAsOneReadsThemFromTheBeginning() {
        let payload = Array("aaaa\n\n\nbbb".utf8)
        #expect(cut(payload, into: 2, delimiter: "\n\n") == [0..<6, 6..<10])
        #expect(cut(Array("aa\r\nbb\r\ncc".utf8), into: 3, delimiter: "\r\n") == [0..<4, 4..<8, 8..<10])
    }

    @Test func noChunkIsShorterThanTheMinimum() {
        var generator = SeededGenerator(state: 4)
        for _ in 0..<200 {
            let size = Int.random(in: 1...5000, using: &generator)
            let payload = (0..<size).map { _ -> UInt8 in generator.next() % 9 == 0 ? 10 : 65 }
            for delimiter in ["", "\n"] {
                let ranges = cut(payload, into: 9, minimum: 300, delimiter: delimiter)
                expectCover(ranges, of: size)
                #expect(ranges.count == 1 || ranges.allSatisfy { $0.count >= 300 })
            }
        }
    }
}
