import Glibc
import Testing

@testable import Forecasting

@Suite struct EventTests {
    private static let start: Int64 = 1_700_006_400

    /// Ten days of five-minute steps; each day a surge at a time of its own, which no clock foretells.
    private func series() -> (values: [Double], events: [ScheduledEvent]) {
        var noise = Noise(11)
        let events = (0..<10).map { day in
            let begin = Self.start + Int64(day * 86_400 + 30_000 + (day * 7_919) % 40_000)
            return ScheduledEvent(start: begin, end: begin + 3_600, name: "surge \(day)")
        }
        let values = (0..<(10 * 288)).map { step -> Double in
            let time = Self.start + Int64(step * 300)
            var factor = 1.0
            for event in events where time >= event.start && time < event.end { factor = 3 }
            return (300 + 3 * noise.normal()) * factor
        }
        return (values, events)
    }

    @Test func whatEventsDoIsLearntFromTheFirstOfThem() {
        let (values, events) = series()
        let near: (Int64) -> Bool = { time in
            events.contains { time >= $0.start && time - $0.start <= 1_800 }
        }
        let blind = evaluate(values, interval: 300, warmUp: 5 * 288, counts: near)
        let told = evaluate(values, interval: 300, warmUp: 5 * 288, events: events, counts: near)
        #expect(told.share < 0.5 * blind.share)
    }

    @Test func anExpectedFactorActsBeforeAnythingWasLearnt() {
        let begin = Self.start + 60 * 605
        let event = ScheduledEvent(start: begin, end: begin + 3_600, name: "sale", factor: 4)
        var schedule = EventSchedule([event])
        schedule.look(time: begin - 300, interval: 60)
        // Five minutes before the start: the fifth step is the first of the event, twice the root.
        #expect(schedule.change[4] == 0)
        #expect((schedule.change[5] - 1).magnitude < 1e-6)
        schedule.look(time: begin + 3_540, interval: 60)
        #expect((schedule.change[1] + 0.5).magnitude < 1e-6)
    }

    @Test func eventsThatStartTogetherAreOneAndOrderDoesNotMatter() {
        let a = ScheduledEvent(start: 1_000_000, end: 1_003_600, name: "a", factor: 2)
        let b = ScheduledEvent(start: 900_000, end: 903_600, name: "b", factor: 2)
        var one = EventSchedule([a, b, a])
        var other = EventSchedule([b, a])
        for time in stride(from: Int64(890_000), to: 1_010_000, by: 300) {
            one.look(time: time, interval: 300)
            other.look(time: time, interval: 300)
            for horizon in 1...10 { #expect(one.change[horizon] == other.change[horizon]) }
        }
    }
}
