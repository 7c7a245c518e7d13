import Classification
import Configuration
import Dataplane
import Health
import JSONText
import Logging
import NetfilterQueue
import Splitter
import Synchronization

/// The running balancer as its operators meet it: everything that commands and metrics need, in one place.
public final class ControlPlane: Sendable {
    /// Who takes which shards.
    public let director: Director
    /// Settings of the queues in the order of the workers.
    public let queues: [QueueSettings]
    /// The configuration's path.
    public let file: String
    let health: HealthMonitor
    let started: Int64
    let startedMonotonic: Int64
    let packetRate: RateMeter
    /// Of packets that the kernel put together from fragments.
    let joining: Recency
    let fragments: FragmentTracking
    /// Nil: nothing is split.
    let splitter: Splitter?
    let drains = DrainWatch()
    /// What the daemon runs with: keys that wait for a restart are compared with it.
    private let running: Configuration
    private let lastReload: Mutex<ReloadReport>
    private let reloads: Mutex<(good: UInt64, bad: UInt64)>
    private let failure: @Sendable () -> QueueError?
    private let onReload: Mutex<(@Sendable (Bool) -> Void)?> = Mutex(nil)

    /// A control plane for a loaded configuration.
    ///
    /// - Parameters:
    ///   - configuration: what the daemon starts with.
    ///   - file: where it was read, and is read again.
    ///   - queues: the queues' settings.
    ///   - director: made from the same configuration.
    ///   - fragments: the workers' table of fragments.
    ///   - splitter: the thread that splits payloads, if there is one.
    ///   - failure: a queue worker that ended by itself, and why.
    public init(
        _ configuration: Configuration, file: String, queues: [QueueSettings], director: Director,
        fragments: FragmentTracking, splitter: Splitter? = nil, failure: @escaping @Sendable () -> QueueError?
    ) {
        self.director = director
        self.queues = queues
        self.file = file
        self.fragments = fragments
        self.splitter = splitter
        self.failure = failure
        running = configuration
        started = secondsSince1970()
        startedMonotonic = monotonicNow()
        packetRate = RateMeter(now: startedMonotonic, value: 0)
        joining = Recency()
        lastReload = Mutex(ReloadReport(time: started))
        reloads = Mutex((1, 0))
        health = HealthMonitor { change in Self.take(change, into: director) }
        health.watch(configuration.healthTargets)
    }

    /// Begins to check backends.
    public func start() {
        if !health.start() { Log.error("health: no thread for the checks: all backends count as healthy") }
    }

    /// Ends the checks.
    public func stop() { health.stop() }

    /// To be called about once a second: keeps the rates, and sees when a drain ends.
    public func tick() {
        let now = monotonicNow()
        packetRate.sample(now: now, value: director.ledger.packets)
        joining.sample(now: now, value: director.ledger.count(.defragmented))
        drains.look(at: director, now: now)
    }

    /// Called before (true) and after (false) each reload, for the service manager.
    public func observeReloads(_ body: @escaping @Sendable (Bool) -> Void) { onReload.withLock { $0 = body } }

    /// Reads the configuration again and takes it over; a bad file changes nothing.
    ///
    /// - Returns: what came of it, which `show status` and the metrics show from now on.
    @discardableResult
    public func reload() -> ReloadReport {
        let observer = onReload.withLock { $0 }
        observer?(true)
        defer { observer?(false) }
        // The lock makes reloads follow one another, so that checks and tables come from the same file.
        let report = lastReload.withLock { last in
            last = readAgain()
            return last
        }
        reloads.withLock { counts in
            if report.isGood { counts.good += 1 } else { counts.bad += 1 }
        }
        if report.isGood { Log.notice(report.summary) } else { Log.error(report.summary) }
        return report
    }

    private func readAgain() -> ReloadReport {
        var report = ReloadReport(time: secondsSince1970())
        let before = director.view.configuration
        do throws(ConfigurationErrors) {
            let new = try Configuration.load(path: file)
            do throws(DirectorError) {
                let result = try director.take(new)
                report.changedPools = result.changedPools
                report.endedOverrides = result.endedOverrides.map(\.description)
            } catch {
                report.errors = ["\(file): \(error)"]
                return report
            }
            report.restartNeeded = new.keysForRestart(running: running)
            health.watch(new.healthTargets)
            splitter?.take(new.splitterPlan)
            if new.log != before.log { Log.level = LogLevel(new.log.level) }
        } catch {
            report.errors = error.diagnostics.map(\.description)
        }
        return report
    }

    /// The last reload, or the start.
    public var reloadReport: ReloadReport { lastReload.withLock { $0 } }
    /// Reloads taken over, the start included, and reloads refused.
    var reloadCounts: (good: UInt64, bad: UInt64) { reloads.withLock { $0 } }
    /// A queue worker that ended by itself; nil while all run.
    public var workerFailure: QueueError? { failure() }

    /// Whether the balancer can serve: all queues are bound and a service has a backend.
    public var isReady: Bool {
        guard workerFailure == nil else { return false }
        let view = director.view
        return view.configuration.services.contains { view.isUp($0.pool) }
    }

    private static func take(_ change: HealthMonitor.Change, into director: Director) {
        guard let slash = change.id.firstIndex(of: "/") else { return }
        let key = BackendKey(
            pool: String(change.id[..<slash]), name: String(change.id[change.id.index(after: slash)...]))
        do throws(DirectorError) {
            let moved = try director.set(healthy: change.state.isHealthy, of: key)
            let consequence = moved ? ", its pool's table changed" : ""
            if change.state == .down {
                Log.warning("backend \(key) is down (\(change.result.description))\(consequence)")
            } else {
                Log.notice("backend \(key) is up\(consequence)")
            }
        } catch {
            Log.error("backend \(key) is \(change.state.rawValue), but its table could not be built: \(error)")
        }
    }
}
