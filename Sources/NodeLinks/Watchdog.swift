import Glibc
import Splitting

/// What a connection remembers to tell whether its peer is alive and quick enough.
struct Watchdog {
    var timer: LoopTimer?
    /// When anything came last.
    var lastHeard: Int64 = 0
    /// The probe that is under way.
    private(set) var probe: (token: UInt64, sent: Int64)?
    private var probes: UInt64 = 0
    private(set) var leaving: Int64?
    /// What came, and went, since the present window began.
    private(set) var windowBegan: Int64 = 0
    private var received = 0
    private var taken = 0
    private var frameEndedInWindow = false
    private var partialAtBeginning = false
    private var sendingSince: Int64?

    mutating func begin(at now: Int64) {
        lastHeard = now
        windowBegan = now
    }

    mutating func heard(_ count: Int, at now: Int64) {
        lastHeard = now
        received += count
    }

    mutating func frameEnded() { frameEndedInWindow = true }

    mutating func beganSending(at now: Int64) { sendingSince = now }

    mutating func sent(_ count: Int) { taken += count }

    mutating func leave(at now: Int64) { leaving = now }

    mutating func nextProbe(at now: Int64) -> UInt64 {
        probes += 1
        probe = (probes, now)
        return probes
    }

    mutating func answered(_ token: UInt64) -> Int64? {
        guard let probe, probe.token == token else { return nil }
        self.probe = nil
        return probe.sent
    }

    /// Judges the window that ends, and begins the next.
    mutating func closeWindow(at now: Int64, pendingInput: Int, pendingOutput: Int, progress: Int) -> LinkRefusal? {
        defer {
            windowBegan = now
            received = 0
            taken = 0
            frameEndedInWindow = false
            partialAtBeginning = pendingInput > 0
            if pendingOutput == 0 { sendingSince = nil }
        }
        // A frame that is under way for the whole window, and hardly further than at its beginning.
        if partialAtBeginning && pendingInput > 0 && !frameEndedInWindow && received < progress { return .slowSender }
        if let sendingSince, sendingSince <= windowBegan, pendingOutput > 0, taken < progress { return .slowReceiver }
        return nil
    }
}

extension LinkConnection {
    func startWatchdog() {
        watchdog.begin(at: began)
        let limits = context.limits
        let shortest = min(
            limits.handshake, limits.probeAfter, limits.silence, limits.progressTime, limits.farewell, .seconds(1))
        inspect(every: max(1_000_000, shortest.nanoseconds / 4))
    }

    private func inspect(every period: Int64) {
        watchdog.timer = context.loop.schedule(at: MonotonicClock.now + period) { [self] in
            judge(now: context.loop.now)
            if !isOver { inspect(every: period) }
        }
    }

    private func judge(now: Int64) {
        let limits = context.limits
        switch phase {
        case .connecting, .securing, .greeting:
            if now - began >= limits.handshake.nanoseconds {
                guard phase != .connecting else { return end(.failed(ETIMEDOUT)) }
                refuse(.handshakeTimeout, "not done after \(limits.handshake)")
            }
            return
        case .leaving:
            if let left = watchdog.leaving, now - left >= limits.farewell.nanoseconds { end(.closed) }
            return
        case .over: return
        case .up: break
        }
        let quiet = now - watchdog.lastHeard
        if quiet >= limits.silence.nanoseconds {
            return refuse(.silent, "nothing heard for \(quiet / 1_000_000) ms")
        }
        if quiet >= limits.probeAfter.nanoseconds, now - (watchdog.probe?.sent ?? 0) >= limits.probeAfter.nanoseconds {
            _ = send(.probe(watchdog.nextProbe(at: now)))
        }
        guard now - watchdog.windowBegan >= limits.progressTime.nanoseconds else { return }
        let refusal = watchdog.closeWindow(
            at: now, pendingInput: pendingInput, pendingOutput: pendingOutput, progress: limits.progress)
        if let refusal { refuse(refusal, "less than \(limits.progress) bytes in \(limits.progressTime)") }
    }
}
