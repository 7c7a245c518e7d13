import ChunkProcessing
import Configuration
import Glibc
import Hosting
import Logging
import NodeLinks
import Wire

/// A node from start to stop, as the program's main thread sees it.
struct NodeRun {
    private let file: String
    private let service: NodeService
    private let linked: [String]
    private let manager = ServiceManager()
    private var configuration: NodeConfiguration
    private var signals: Signals

    /// Loads, starts, serves, drains, stops.
    ///
    /// - Throws: `NodeError` with one clear line.
    static func run(file: String, _ processors: [String: any ChunkProcessor]) throws(NodeError) {
        // Before any thread exists: signals are the main thread's.
        let signals = Signals()
        let configuration = try load(file, Array(processors.keys))
        Log.level = LogLevel(configuration.log.level)
        let service = try NodeService(
            configuration, linked: processors, cores: usableCores().count)
        var run = NodeRun(
            file: file, service: service, linked: Array(processors.keys), configuration: configuration,
            signals: signals)
        try run.serve()
    }

    private init(
        file: String, service: NodeService, linked: [String], configuration: NodeConfiguration, signals: Signals
    ) {
        self.file = file
        self.service = service
        self.linked = linked
        self.configuration = configuration
        self.signals = signals
    }

    private mutating func serve() throws(NodeError) {
        let pages: HTTPServer?
        do throws(HTTPServerError) {
            pages = try startPages()
        } catch {
            service.stop()
            throw NodeError(error.description)
        }
        manager.ready(summary)
        Log.notice("anabranch-node \(Version.text): \(summary)")
        waitForTheEnd()
        manager.stopping()
        service.drain()
        waitUntilIdle()
        service.stop()
        withExtendedLifetime(pages) {}
        Log.notice("stopped")
    }

    private var summary: String {
        let types = configuration.requestTypes.map(\.name).joined(separator: ", ")
        return "node \(configuration.name) on \(service.address) for \(types.isEmpty ? "no request types" : types)"
    }

    /// Serves until a signal says to stop.
    private mutating func waitForTheEnd() {
        let half = manager.watchdogInterval.map { max(1, Int($0 / 2_000_000)) } ?? 1000
        while true {
            switch signals.next(milliseconds: min(1000, half)) {
            case SIGHUP?: reload()
            case .some(let number):
                Log.notice("\(number == SIGINT ? "SIGINT" : "SIGTERM"): finishing what is under way")
                return
            case nil: break
            }
            // A loop that hangs is for systemd to end.
            if manager.watchdogInterval != nil, service.silence < 2_000_000_000 { manager.alive() }
        }
    }

    /// Waits for what is under way, for `drain_timeout` at most; another signal ends it.
    private mutating func waitUntilIdle() {
        let end = MonotonicClock.now + configuration.drainTimeout.wholeNanoseconds
        while MonotonicClock.now < end, !service.isIdle {
            if signals.next(milliseconds: 20).map({ $0 != SIGHUP }) == true { return }
            if manager.watchdogInterval != nil { manager.alive() }
        }
        if !service.isIdle { Log.warning("drain_timeout is over; what was not finished is lost to this node") }
    }

    private mutating func reload() {
        manager.reloading()
        defer { manager.ready(summary) }
        do throws(NodeError) {
            let new = try Self.load(file, linked)
            try service.reload(new)
            Log.level = LogLevel(new.log.level)
            let fixed = new.keysThatNeedARestart(since: configuration)
            if !fixed.isEmpty {
                Log.warning("reload: \(fixed.joined(separator: ", ")) changed; that takes a restart")
            }
            configuration = new
            Log.notice("reloaded: \(summary)")
        } catch {
            Log.error("reload refused, nothing changed: \(error)")
        }
    }

    private static func load(_ file: String, _ linked: [String]) throws(NodeError) -> NodeConfiguration {
        do throws(ConfigurationErrors) {
            return try NodeConfiguration.load(path: file, linked: linked)
        } catch {
            throw NodeError(error.description)
        }
    }

    private func startPages() throws(HTTPServerError) -> HTTPServer? {
        guard configuration.metrics.enabled else { return nil }
        let endpoint = Endpoint(address: configuration.metrics.address, port: configuration.metrics.port)
        let service = service
        return try HTTPServer(endpoint) { path in
            switch path {
            case "/metrics":
                guard let text = service.metrics else {
                    return HTTPServer.Page(status: 503, body: "the node's loop does not answer\n")
                }
                return HTTPServer.Page(type: "text/plain; version=0.0.4; charset=utf-8", body: text)
            case "/healthz":
                let isAlive = service.silence < 2_000_000_000
                return isAlive
                    ? HTTPServer.Page(body: "ok\n")
                    : HTTPServer.Page(status: 503, body: "the node's loop does not turn\n")
            case "/readyz":
                return service.isReady
                    ? HTTPServer.Page(body: "ready\n") : HTTPServer.Page(status: 503, body: "the node is stopping\n")
            default: return nil
            }
        }
    }
}

extension NodeConfiguration {
    /// What a running node cannot take over, as far as it changed.
    func keysThatNeedARestart(since old: NodeConfiguration) -> [String] {
        var keys: [String] = []
        if name != old.name { keys.append("name") }
        if links != old.links { keys.append("links") }
        if workers != old.workers { keys.append("workers") }
        if memory.jobs != old.memory.jobs { keys.append("memory.max_jobs") }
        if memory.jobBytes != old.memory.jobBytes { keys.append("memory.max_job_bytes") }
        if memory.answer != old.memory.answer { keys.append("memory.max_answer_size") }
        if metrics != old.metrics { keys.append("metrics") }
        return keys
    }
}

extension LogLevel {
    /// The level that the configuration names.
    fileprivate init(_ level: LogConfiguration.Level) {
        switch level {
        case .error: self = .error
        case .warning: self = .warning
        case .info: self = .info
        case .debug: self = .debug
        }
    }
}
