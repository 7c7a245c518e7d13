import Testing

@testable import Health

struct HealthJudgementTests {
    private func states(_ results: String, rise: Int, fall: Int) -> String {
        var judgement = HealthJudgement(HealthPolicy(rise: rise, fall: fall))
        var text = ""
        for result in results {
            _ = judgement.record(good: result == "+")
            text += judgement.state == .up ? "U" : "D"
        }
        return text
    }

    @Test(arguments: [
        ("+", "U"), ("-", "D"),
        ("+--+---", "UUUUUUD"),
        ("-+-++", "DDDDU"),
        ("+---+-++", "UUUDDDDU"),
        ("+---++-", "UUUDDUU"),
    ])
    func theFirstResultDecidesAloneThenRiseAndFallCount(results: String, expected: String) {
        #expect(states(results, rise: 2, fall: 3) == expected)
    }

    @Test func anUnprobedBackendCountsAsHealthy() {
        #expect(HealthJudgement(HealthPolicy()).state.isHealthy)
        #expect(!HealthState.down.isHealthy)
    }

    @Test func changesAreReportedOnceEach() {
        var judgement = HealthJudgement(HealthPolicy(rise: 1, fall: 2))
        let changed = [true, true, false, false, false, true].map { judgement.record(good: $0) }
        #expect(changed == [true, false, false, true, false, true])
    }

    /// Whatever the results, a change away from a state takes exactly `fall` or `rise` of them in a row.
    @Test func noStateChangesEarly() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<200 {
            let rise = Int.random(in: 1...5, using: &random)
            let fall = Int.random(in: 1...5, using: &random)
            var judgement = HealthJudgement(HealthPolicy(rise: rise, fall: fall))
            var run = (good: true, count: 0)
            for step in 0..<200 {
                let good = Bool.random(using: &random)
                run = run.good == good && step > 0 ? (good, run.count + 1) : (good, 1)
                let before = judgement.state
                let changed = judgement.record(good: good)
                if step == 0 { continue }
                let needed = before == .up ? fall : rise
                let against = good != (before == .up)
                #expect(changed == (against && run.count >= needed))
            }
        }
    }
}

struct ProbeScheduleTests {
    @Test func jitterStaysWithinATenthAndSpreadsTheTargets() {
        var schedule = ProbeSchedule(seed: 1)
        let policy = HealthPolicy(interval: .seconds(1), timeout: .seconds(1))
        let times = (0..<1000).map { _ in schedule.next(after: 5_000_000_000, policy) - 5_000_000_000 }
        #expect(times.allSatisfy { (900_000_000...1_100_000_000).contains($0) })
        #expect(Set(times.map { $0 / 20_000_000 }).count == 10)
        let mean = times.reduce(0, +) / 1000
        #expect((990_000_000...1_010_000_000).contains(mean))
    }

    @Test func aDayOfProbesTakesADay() {
        var schedule = ProbeSchedule(seed: 7)
        let policy = HealthPolicy(interval: .seconds(2), timeout: .seconds(1))
        var now: Int64 = 0
        var probes = 0
        while now < 86_400_000_000_000 {
            now = schedule.next(after: now, policy)
            probes += 1
        }
        #expect((43_000...43_400).contains(probes))
    }

    @Test func theTimeoutIsNeverAboveTheInterval() {
        #expect(HealthPolicy(interval: .seconds(1), timeout: .seconds(5)).timeout == .seconds(1))
    }
}
