import Configuration
import Control
import Dataplane
import Glibc
import Hosting
import Logging
import NetfilterQueue
import NodeLinks
import Splitter
import StateStore
import Tracking
import Wire

/// The daemon from start to stop.
struct Daemon {
    private let plane: ControlPlane
    private let queues: QueueGroup
    private let splitter: Splitter?
    private let manager = ServiceManager()
    private var signals: Signals

    /// Loads, builds and binds everything.
    ///
    /// - Throws: `StartError` with one clear line.
    static func run(file: String) throws(StartError) {
        let signals = Signals()
        let configuration: Configuration
        do throws(ConfigurationErrors) {
            configuration = try Configuration.load(path: file)
        } catch {
            throw StartError(error.description)
        }
        Log.level = LogLevel(configuration.log.level)
        let settings = configuration.queueSettings(cores: usableCores())
        let splits = configuration.splitting != nil
        // The splitting thread is one more worker to the counters and the tables.
        let workers = settings.count + (splits ? 1 : 0)
        let ledger = CounterLedger(workers: workers)
        let director: Director
        do throws(DirectorError) {
            director = try Director(configuration, ledger: ledger)
        } catch {
            throw StartError("\(file): \(error)")
        }
        let fragments: FragmentTracking
        do throws(TrackingError) {
            fragments = try FragmentTracking(configuration.fragmentLimits(workers: workers))
        } catch {
            throw StartError("\(file): tracking: \(error)")
        }
        let splitter = try splitter(configuration, file, director, fragments, workers: settings.count)
        let queues = QueueGroup(
            settings, publisher: director.publisher, counters: Array(ledger.workers.prefix(settings.count)),
            fragments: fragments, guests: splitter.map { [$0.settings.queue] } ?? [])
        let plane = ControlPlane(
            configuration, file: file, queues: settings + (splitter.map { [$0.settings.queue] } ?? []),
            director: director, fragments: fragments,
            splitter: splitter
        ) { queues.failure }
        var daemon = Daemon(plane: plane, queues: queues, splitter: splitter, signals: signals)
        try daemon.serve(configuration)
    }

    private mutating func serve(_ configuration: Configuration) throws(StartError) {
        // The socket first: it tells at once whether another daemon is there.
        let server = try startControl(configuration)
        defer { server.stop() }
        do throws(QueueError) {
            try queues.start()
        } catch {
            throw StartError(error.description)
        }
        do throws(SplitterError) {
            try splitter?.start(parking: queues.parking)
        } catch {
            queues.stop()
            throw StartError(error.description)
        }
        let pages: HTTPServer?
        do throws(HTTPServerError) {
            pages = try startPages(configuration)
        } catch {
            splitter?.stop()
            queues.stop()
            throw StartError(error.description)
        }
        plane.start()
        let manager = manager
        let plane = plane
        plane.observeReloads { begins in begins ? manager.reloading() : manager.ready(plane.summary) }
        manager.ready(plane.summary)
        Log.notice("anabranchd \(Version.text) serves \(plane.summary)")
        let failure = mainLoop()
        manager.stopping()
        // The queues first: they answer what they hold, and packets take the fallback route from then on.
        splitter?.stop()
        queues.stop()
        withExtendedLifetime(pages) {}
        plane.stop()
        if let failure { throw StartError("\(failure): stopping") }
        Log.notice("stopped")
    }

    /// Waits for signals; returns why a worker ended by itself, or nil after a signal to stop.
    private mutating func mainLoop() -> String? {
        let half = manager.watchdogInterval.map { max(1, Int($0 / 2_000_000)) } ?? 1000
        while true {
            switch signals.next(milliseconds: min(1000, half)) {
            case SIGHUP?:
                plane.reload()
            case .some(let number):
                Log.notice("\(number == SIGINT ? "SIGINT" : "SIGTERM"): stopping")
                return nil
            case nil:
                break
            }
            if let failure = queues.failure { return failure.description }
            if let failure = splitter?.failure { return failure.description }
            plane.tick()
            if manager.watchdogInterval != nil { manager.alive() }
        }
    }

    private static func splitter(
        _ configuration: Configuration, _ file: String, _ director: Director, _ fragments: FragmentTracking,
        workers: Int
    ) throws(StartError) -> Splitter? {
        let store: EmbeddedStore
        do throws(StoreError) {
            store = try EmbeddedStore()
        } catch {
            throw StartError(error.description)
        }
        do throws(LinkSetupError) {
            guard let settings = try configuration.splitterSettings(workers: workers, store: store) else { return nil }
            return Splitter(
                settings, plan: configuration.splitterPlan, publisher: director.publisher,
                counters: director.ledger.workers[workers], fragments: fragments, number: workers)
        } catch {
            throw StartError("\(file): splitting: \(error)")
        }
    }

    private func startControl(_ configuration: Configuration) throws(StartError) -> ControlServer {
        var limits = ControlServer.Limits()
        limits.clients = configuration.control.maxClients
        limits.timeout = configuration.control.timeout
        let plane = plane
        do throws(ControlError) {
            return try ControlServer(
                path: configuration.control.socket, group: configuration.control.group, limits: limits
            ) { plane.answer($0) }
        } catch {
            throw StartError(error.message)
        }
    }

    private func startPages(_ configuration: Configuration) throws(HTTPServerError) -> HTTPServer? {
        guard configuration.metrics.enabled else { return nil }
        let endpoint = Endpoint(address: configuration.metrics.address, port: configuration.metrics.port)
        let plane = plane
        return try HTTPServer(endpoint) { plane.page($0) }
    }
}

extension ControlPlane {
    /// What is served, in a line.
    fileprivate var summary: String {
        let numbers = queues.map(\.number)
        let queues =
            numbers.count == 1 ? "queue \(numbers[0])" : "queues \(numbers[0]) to \(numbers[numbers.count - 1])"
        let view = director.view
        return "\(queues) for \(view.configuration.services.count) services"
    }
}

/// Why the daemon ended.
struct StartError: Error {
    let message: String
    init(_ message: String) { self.message = message }
}
