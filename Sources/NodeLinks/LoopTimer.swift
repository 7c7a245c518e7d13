/// An action that an event loop does once, at its time.
public final class LoopTimer {
    /// When, in nanoseconds of ``MonotonicClock``.
    public let deadline: Int64
    private(set) var action: (() -> Void)?

    init(deadline: Int64, _ action: @escaping () -> Void) {
        self.deadline = deadline
        self.action = action
    }

    /// Whether it is still to come.
    public var isPending: Bool { action != nil }

    /// Never does it. Harmless when it is done already.
    public func cancel() { action = nil }

    /// The action, which is gone then.
    func take() -> (() -> Void)? {
        defer { action = nil }
        return action
    }
}

/// Timers by deadline: a binary heap. Cancelled ones are left in until they surface or are more than the others.
struct TimerHeap {
    private var timers: [LoopTimer] = []
    private var sweepAt = 64

    /// When the first timer is due, or nil.
    mutating func firstDeadline() -> Int64? {
        while let first = timers.first, !first.isPending { removeFirst() }
        return timers.first?.deadline
    }

    mutating func insert(_ timer: LoopTimer) {
        if timers.count >= sweepAt { sweep() }
        timers.append(timer)
        rise(timers.count - 1)
    }

    /// Takes out the first timer if its time has come.
    mutating func due(at now: Int64) -> LoopTimer? {
        guard let deadline = firstDeadline(), deadline <= now else { return nil }
        let timer = timers[0]
        removeFirst()
        return timer
    }

    private mutating func sweep() {
        timers.removeAll { !$0.isPending }
        timers.sort { $0.deadline < $1.deadline }
        sweepAt = max(64, 2 * timers.count)
    }

    private mutating func removeFirst() {
        let last = timers.removeLast()
        guard !timers.isEmpty else { return }
        timers[0] = last
        sink(0)
    }

    private mutating func rise(_ start: Int) {
        var index = start
        while index > 0, timers[index].deadline < timers[(index - 1) / 2].deadline {
            timers.swapAt(index, (index - 1) / 2)
            index = (index - 1) / 2
        }
    }

    private mutating func sink(_ start: Int) {
        var index = start
        while true {
            var least = index
            for child in [2 * index + 1, 2 * index + 2]
            where child < timers.count && timers[child].deadline < timers[least].deadline { least = child }
            if least == index { return }
            timers.swapAt(index, least)
            index = least
        }
    }
}
