import Splitting
import Testing

@Suite("What is learnt from measurements")
struct LearningTests {
    @Test func theCostLineFindsFixedAndPerByteParts() throws {
        var line = CostLine()
        var generator = SeededGenerator(state: 1)
        for _ in 0..<500 {
            let bytes = Int.random(in: 500...16_000, using: &generator)
            let noise = Double.random(in: -20_000...20_000, using: &generator)
            line.record(bytes: bytes, nanoseconds: 300_000 + 40 * Double(bytes) + noise)
        }
        let parts = try #require(line.parts)
        #expect(abs(parts.fixed - 300_000) < 15_000)
        #expect(abs(parts.perByte - 40) < 2)
    }

    @Test func theCostLineFollowsAChange() throws {
        var line = CostLine()
        for number in 0..<500 { line.record(bytes: 1000 + number, nanoseconds: 1000 * Double(1000 + number)) }
        for number in 0..<500 { line.record(bytes: 1000 + number, nanoseconds: 10 * Double(1000 + number)) }
        #expect(try #require(line.cost(ofBytes: 1000)) < 30_000)
    }

    @Test func equalLengthsGiveAllCostToBytesAndNothingIsNegative() throws {
        var line = CostLine()
        #expect(line.cost(ofBytes: 1) == nil)
        for _ in 0..<30 { line.record(bytes: 1000, nanoseconds: 5000) }
        #expect(abs(try #require(line.cost(ofBytes: 2000)) - 10_000) < 1)
        var falling = CostLine()
        for number in 1...50 { falling.record(bytes: number * 100, nanoseconds: 100_000 - Double(number)) }
        let parts = try #require(falling.parts)
        #expect(parts.fixed >= 0 && parts.perByte >= 0)
    }

    @Test func percentilesAreWithinTheirBuckets() throws {
        var recent = RecentPercentiles(generation: 10_000)
        #expect(recent.percentile(0.5) == nil)
        for value in 1...9999 { recent.record(UInt32(value)) }
        for (share, exact) in [(0.5, 5000.0), (0.95, 9500), (0.99, 9900)] {
            let value = Double(try #require(recent.percentile(share)))
            #expect(value >= exact * 0.99 && value <= exact * 1.07)
        }
    }

    @Test func oldValuesAreForgotten() throws {
        var recent = RecentPercentiles(generation: 100)
        for _ in 0..<500 { recent.record(1_000_000) }
        for _ in 0..<200 { recent.record(10) }
        #expect(try #require(recent.percentile(1)) == 10)
        recent.record(.max)
        recent.record(0)
        #expect(recent.percentile(1) == .max)
    }

    @Test func nothingIsDecidedByTooFewMeasurements() {
        var history = TypeHistory()
        for _ in 1..<TypeHistory.enough { history.recordChunk(bytes: 1000, worked: 500, took: 900) }
        #expect(history.expectedWork(bytes: 1000) == nil)
        #expect(history.hedgeAfter == nil)
        history.recordChunk(bytes: 1000, worked: 500, took: nil)
        #expect(history.expectedWork(bytes: 1000) == nil)
        history.recordChunk(bytes: 1000, worked: 500, took: 900)
        #expect(abs((history.expectedWork(bytes: 1000) ?? 0) - 500_000) < 1)
        #expect((900...960).contains(history.hedgeAfter ?? 0))
    }

    @Test func theBudgetIsAShareOfTheWorkAndItsBurstIsBounded() {
        var budget = HedgeBudget(burst: 2)
        #expect(budget.spend() == false)
        for _ in 0..<19 { budget.earn(chunks: 1, share: 50) }
        #expect(budget.spend() == false)
        budget.earn(chunks: 1, share: 50)
        #expect(budget.spend() == true)
        #expect(budget.spend() == false)
        budget.earn(chunks: 100_000, share: 1000)
        for expected in [true, true, false] { #expect(budget.spend() == expected) }
        #expect(budget.spent == 3)
        #expect(budget.denied == 4)
    }

    @Test func durationsFallIntoTheirBuckets() {
        var histogram = DurationHistogram()
        for value: UInt64 in [0, 64, 65, 128, 129, 1 << 26, (1 << 26) + 1, .max >> 1] { histogram.record(value) }
        #expect(histogram.count == 8)
        #expect(Array(histogram.counts.prefix(3)) == [2, 2, 1])
        #expect(Array(histogram.counts.suffix(2)) == [1, 2])
    }
}
