import Classification
import Configuration
import Dataplane
import Health
import Hosting
import JSONText
import Logging
import NetfilterQueue

extension ControlPlane {
    var showStatus: JSONValue {
        let view = director.view
        let usage = ProcessUsage.now
        let backends = view.pools.flatMap(\.backends)
        let kernel = KernelQueue.all()
        let ours = kernel?.filter { row in queues.contains { $0.number == row.number } } ?? []
        return [
            "version": JSONValue(Version.text),
            "uptime_seconds": JSONValue((monotonicNow() - startedMonotonic) / 1_000_000_000),
            "started": JSONValue(timeText(started)),
            "configuration": JSONValue(file),
            "ready": JSONValue(isReady),
            "log_level": JSONValue(Log.level.name),
            "last_reload": describe(reloadReport),
            "reloads": ["good": JSONValue(reloadCounts.good), "bad": JSONValue(reloadCounts.bad)],
            "queues": [
                "first": JSONValue(queues.first?.number), "last": JSONValue(queues.last?.number),
                "waiting": JSONValue(kernel == nil ? nil : ours.reduce(0) { $0 + $1.waiting }),
                "dropped": JSONValue(kernel == nil ? nil : ours.reduce(0) { $0 + $1.droppedFull + $1.droppedBuffer }),
                "failure": JSONValue(workerFailure?.description),
            ],
            "fragments": [
                "defragmented": JSONValue(joining.isRecent(now: monotonicNow())),
                "parked": JSONValue(director.ledger.balance.parked),
            ],
            "packets": JSONValue(director.ledger.packets),
            "packets_per_second": JSONValue(packetRate.rate.rounded()),
            "services": Self.count(view.configuration.services.map { view.isUp($0.pool) }),
            "pools": Self.count(view.pools.map { $0.up > 0 }),
            "backends": Self.count(backends.map(\.isUp)),
            "generation": JSONValue(view.generation),
            "resident_bytes": JSONValue(usage.residentBytes),
            "cpu_seconds": JSONValue(usage.cpuSeconds),
        ]
    }

    private static func count(_ up: [Bool]) -> JSONValue {
        ["total": JSONValue(up.count), "up": JSONValue(up.count { $0 }), "down": JSONValue(up.count { !$0 })]
    }

    func describe(_ report: ReloadReport) -> JSONValue {
        [
            "time": JSONValue(timeText(report.time)), "ok": JSONValue(report.isGood),
            "errors": JSONValue(report.errors), "changed_pools": JSONValue(report.changedPools),
            "ended_overrides": JSONValue(report.endedOverrides), "restart_needed": JSONValue(report.restartNeeded),
        ]
    }
}
