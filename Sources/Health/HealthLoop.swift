import Glibc
import Synchronization

/// The monitor's thread: what is due is probed, what answered is judged.
struct HealthLoop: ~Copyable {
    /// Probes under way at a time; those due beyond it wait for a free place.
    static let maximumProbes = 512

    private struct Row {
        var target: HealthTarget
        var judgement: HealthJudgement
        var due: Int64
        var probing = false
    }

    private let monitor: HealthMonitor
    private var rows: [Row] = []
    private var probes = ProbePlaces(capacity: HealthLoop.maximumProbes)
    private var schedule: ProbeSchedule

    init(_ monitor: HealthMonitor) {
        self.monitor = monitor
        schedule = ProbeSchedule(seed: UInt64(bitPattern: monotonicNow()))
    }

    /// Waits for the next event and deals with it; false when the monitor is to stop.
    mutating func turn() -> Bool {
        guard takeTargets() else { return false }
        let now = monotonicNow()
        startDue(now)
        var next = now + 3_600_000_000_000
        for row in rows where !row.probing { next = min(next, row.due) }
        // With no free place a row that is due waits for a probe to end, not for its time.
        if !probes.hasRoom { next = now + 3_600_000_000_000 }
        next = min(next, probes.earliestDeadline ?? next)
        probes.wait(wake: monitor.wake.descriptor, nanoseconds: max(0, next - monotonicNow()))
        collect(monotonicNow())
        return true
    }

    /// Takes up a changed list of targets.
    private mutating func takeTargets() -> Bool {
        monitor.wake.drain()
        let (stopping, targets) = monitor.shared.withLock { shared in
            defer { shared.targetsChanged = false }
            return (shared.stopping, shared.targetsChanged ? shared.targets : nil)
        }
        guard !stopping else { return false }
        guard let targets else { return true }
        probes.removeAll()
        let now = monotonicNow()
        let old = Dictionary(rows.map { ($0.target.id, $0) }, uniquingKeysWith: { first, _ in first })
        rows = targets.map { target in
            guard var row = old[target.id], row.target == target else {
                return Row(target: target, judgement: HealthJudgement(target.policy), due: now)
            }
            // A probe that was under way begins anew.
            if row.probing { row.due = now }
            row.probing = false
            return row
        }
        return true
    }

    private mutating func startDue(_ now: Int64) {
        for index in rows.indices where !rows[index].probing && rows[index].due <= now && probes.hasRoom {
            rows[index].due = schedule.next(after: now, rows[index].target.policy)
            switch Probe.start(rows[index].target, now: now) {
            case .began(let probe):
                rows[index].probing = true
                probes.insert(probe, row: index)
            case .ended(let result):
                judge(index, result)
            }
        }
    }

    private mutating func collect(_ now: Int64) {
        for (row, result) in probes.takeEnded(now) {
            rows[row].probing = false
            judge(row, result)
        }
    }

    private mutating func judge(_ index: Int, _ result: ProbeResult) {
        let first = rows[index].judgement.state == .unknown
        let changed = rows[index].judgement.record(good: result.isGood)
        let state = rows[index].judgement.state
        let id = rows[index].target.id
        monitor.shared.withLock { shared in
            var report = shared.reports[id] ?? HealthReport()
            report.state = state
            report.last = result
            report.probes += 1
            report.failures += result.isGood ? 0 : 1
            report.changes += changed && !first ? 1 : 0
            shared.reports[id] = report
        }
        if changed { monitor.onChange(HealthMonitor.Change(id: id, state: state, result: result)) }
    }
}

/// Nanoseconds of the monotonic clock.
package func monotonicNow() -> Int64 {
    var now = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &now)
    return Int64(now.tv_sec) * 1_000_000_000 + Int64(now.tv_nsec)
}
