import CAllocationCounter
import Forecasting
import Testing

@Suite("Memory of the online forecaster")
struct AllocationTests {
    @Test(.enabled(if: ab_counts_allocations(), "a sanitizer has a malloc of its own: nothing can be counted"))
    func nothingIsAllocatedForAValueOnceSetUp() {
        var forecaster = OnlineForecaster(interval: 30)
        var clock: Int64 = 0
        // Through the naive beginning and into the part where every expert works.
        func step(_ index: Int) {
            clock += 30
            let value = 100 + 40 * Double(index % 240) / 240 + Double(index &* 7919 % 13)
            _ = forecaster.update(value, at: clock)
            for horizon in 1...10 { _ = forecaster.forecast(horizon) }
            if forecaster.isReviewDue { forecaster.reviewSeasons() }
        }
        for index in 0..<3_000 { step(index) }
        let before = ab_allocations()
        for index in 3_000..<6_000 { step(index) }
        #expect(ab_allocations() == before)
    }
}
