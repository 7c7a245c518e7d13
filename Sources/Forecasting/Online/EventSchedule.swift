/// Something that is known to come and to move the load: a match, a backup, a sale.
public struct ScheduledEvent: Equatable, Sendable {
    /// When it begins, seconds since the epoch.
    public var start: Int64
    /// When it ends, seconds since the epoch.
    public var end: Int64
    /// What it is called, for people.
    public var name: String
    /// The load during the event over the load before it; nil where the series is to teach it.
    public var factor: Double?

    /// An event.
    public init(start: Int64, end: Int64, name: String, factor: Double? = nil) {
        self.start = start
        self.end = end
        self.name = name
        self.factor = factor
    }
}

/// What events do to a series around their start: one learnt shape for all of them, minute by minute from 30 minutes
/// before to 150 after, as a ratio of roots to the level when the window opened.
///
/// An event with a factor follows the learnt shape stretched to that peak; before any event has been seen it is a
/// plain step from start to end. Where windows overlap, the later start counts; events that start together are one.
struct EventSchedule: ~Copyable {
    static var lead: Int64 { 1_800 }
    static var tail: Int64 { 9_000 }
    static var minutes: Int { 181 }

    /// Starts and ends, two cells each.
    private var times: Cells
    /// The roots of the expected factors; 0 where the shape alone is to be followed.
    private var factors: Cells
    /// The learnt shape, then the present event's course.
    private var shape: Cells
    private(set) var change = InlineArray<11, Float>(repeating: 0)
    private var learnt = 0
    private var cursor = -1
    private var level: Float = 0
    private var peak: Float = 1

    init() {
        times = Cells(repeating: 0, count: 0)
        factors = Cells(repeating: 0, count: 0)
        shape = Cells(repeating: 1, count: 0)
    }

    /// Whether there are events at all.
    var isKnown: Bool { factors.count > 0 }
    var byteCount: Int { times.byteCount + factors.byteCount + shape.byteCount }

    /// A schedule; events in any order.
    init(_ events: [ScheduledEvent]) {
        var sorted: [ScheduledEvent] = []
        for event in events.sorted(by: { ($0.start, $0.end) < ($1.start, $1.end) })
        where sorted.last?.start != event.start { sorted.append(event) }
        self.init()
        resize(sorted.count)
        for (index, event) in sorted.enumerated() {
            times.setTime(event.start, at: 4 * index)
            times.setTime(max(event.start, event.end), at: 4 * index + 2)
            factors[index] = event.factor.map { Float(max(0, $0).squareRoot()) } ?? 0
        }
    }

    /// Follows the present event's course and takes it into the shape when the window closes.
    @inline(__always)
    mutating func learn(_ root: Float, level now: Float, at time: Int64, interval: Int) {
        guard isKnown else { return }
        let latest = window(of: time, from: cursor)
        if latest != cursor {
            commit()
            cursor = latest
            level = now
        }
        guard cursor >= 0, level > 0, time - start(cursor) <= Self.tail else { return }
        // A long step stands for all its minutes, so that events at other offsets find them.
        let minute = Int((time - start(cursor) + Self.lead) / 60)
        var next = minute
        while next < min(Self.minutes, minute + max(1, interval / 60)) {
            shape[Self.minutes + next] = root / level
            next += 1
        }
    }

    @inline(__always)
    private func start(_ event: Int) -> Int64 { times.time(at: 4 * event) }

    /// The last event whose window has opened by a time; −1 before the first.
    @inline(__always)
    private func window(of time: Int64, from first: Int) -> Int {
        var index = first
        while index + 1 < factors.count, start(index + 1) - Self.lead <= time { index += 1 }
        return index
    }

    private mutating func commit() {
        var any = false
        let rate = max(0.15, 1 / Float(learnt + 1))
        for minute in 0..<Self.minutes where shape[Self.minutes + minute] > 0 {
            shape[minute] += rate * (shape[Self.minutes + minute] - shape[minute])
            shape[Self.minutes + minute] = 0
            any = true
        }
        guard any else { return }
        learnt += 1
        peak = 1
        for minute in 0..<Self.minutes { peak = max(peak, shape[minute]) }
    }

    /// The ratio an event gives to a moment, 1 where it does nothing.
    @inline(__always)
    private func ratio(_ event: Int, at time: Int64) -> Float {
        let since = time - start(event)
        guard since <= Self.tail else { return 1 }
        let factor = factors[event]
        if learnt == 0 { return factor > 0 && since >= 0 && time < times.time(at: 4 * event + 2) ? factor : 1 }
        let learned = shape[max(0, Int((since + Self.lead) / 60))]
        guard factor > 0, peak > 1 else { return factor > 0 && since >= 0 ? factor : learned }
        return max(0.01, 1 + (learned - 1) * (factor - 1) / (peak - 1))
    }

    /// Works out how the events change the root from a moment to each of the next ten steps.
    @inline(__always)
    mutating func look(time: Int64, interval: Int64) {
        guard isKnown else { return }
        var event = max(0, window(of: time, from: cursor))
        for horizon in 1...SeasonalProfiles.horizons {
            let then = time + Int64(horizon) * interval
            event = window(of: then, from: event)
            change[horizon] = 0
            if start(event) - Self.lead <= then {
                let now = max(0.01, ratio(event, at: max(time, start(event) - Self.lead)))
                change[horizon] = ratio(event, at: then) / now - 1
            }
        }
    }
}

extension EventSchedule {
    mutating func take(_ other: borrowing EventSchedule) {
        resize(other.factors.count)
        times.take(other.times)
        factors.take(other.factors)
        shape.take(other.shape)
        change = other.change
        learnt = other.learnt
        cursor = other.cursor
        level = other.level
        peak = other.peak
    }

    mutating func carry(_ codec: inout StateCodec) {
        var count = factors.count
        codec.carry(&count, in: 0...1_000_000)
        guard !codec.hasFailed else { return }
        if codec.isReading { resize(count) }
        codec.carry(&times)
        codec.carry(&factors)
        codec.carry(&shape)
        for index in 0...SeasonalProfiles.horizons { codec.carry(&change[index]) }
        codec.carry(&learnt, in: 0...(1 << 60))
        codec.carry(&cursor, in: -1...max(-1, count - 1))
        codec.carry(&level)
        codec.carry(&peak)
    }

    private mutating func resize(_ count: Int) {
        times = Cells(repeating: 0, count: 4 * count)
        factors = Cells(repeating: 0, count: count)
        shape = Cells(repeating: 1, count: count > 0 ? 2 * Self.minutes : 0)
        if count > 0 { shape.fill(0, from: Self.minutes, count: Self.minutes) }
    }
}
