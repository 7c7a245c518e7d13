import Foundation
import Testing

/// A lab in which flagged payloads are split over four nodes, and backends say what reached them unsplit.
final class JobLab {
    static let nodes = ["b1", "b2", "b3", "b4"]

    /// How the load balancer and the nodes are set up. Texts are keys of their configurations.
    struct Setup {
        /// The nodes' processors, the default type's among them.
        var processors = ""
        /// What works on chunks.
        var processor = "identity"
        /// Further keys of `splitting`.
        var splitting = ""
        /// When payloads are split, beside their flag.
        var service = "max_packet_size: 1400"
        /// Chunks that a node works on at a time.
        var workers = 1
        /// Further keys of every node.
        var node = ""
        /// Further keys of a node's `links`, by its name.
        var links: @Sendable (String) -> String = { _ in "" }
        /// The nodes that take part.
        var nodes = JobLab.nodes
        /// Whether the network takes packets of 65,535 bytes.
        var isWide = false
        /// Where load balancer and nodes look for nodes; these listen on 9470.
        var port = 9470
    }

    let lab: Lab
    let setup: Setup
    private(set) var daemon: Running
    private(set) var running: [String: Running] = [:]
    private var echoes: [Running] = []

    /// Starts everything and waits until the load balancer knows how all nodes are.
    ///
    /// - Parameter before: What has to be there before the load balancer looks for the nodes.
    init(_ setup: Setup = Setup(), before: (Lab) throws -> Void = { _ in }) throws {
        let lab = try Lab("star", backends: Self.nodes.count)
        self.lab = lab
        self.setup = setup
        if setup.isWide { try Self.widen(lab) }
        // Answers of several backends come in fragments from one address, which the backends' own settings allow too.
        try lab.run("client", "sysctl", "-qw", "net.ipv4.ipfrag_high_thresh=268435456", "net.ipv4.ipfrag_max_dist=0")
        let key = try lab.write("link.key", (0..<32).map { _ in Self.hexadecimal(.random(in: 0...255)) }.joined())
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: key)
        for node in Self.nodes {
            echoes.append(try lab.traffic(node, "echo", "--port", "9000", "--name", "+\(node)"))
        }
        for echo in echoes where !echo.wait(for: "ready") { throw LabError(what: "echo: \(echo.error)") }
        for node in setup.nodes { running[node] = try Self.startNode(node, lab, setup) }
        try before(lab)
        daemon = try lab.startBalancer("lb", Self.balancer(lab, setup)).daemon
        try waitForNodes(setup.nodes)
        // Neighbours and routes: no job of a measure waits for an address to be resolved.
        for address in [Lab.virtual4, Lab.virtual6] {
            let warm = try run(JobPlan(to: address, jobs: 64, size: "8000", concurrency: 4, first: 900_000))
            guard warm.faults == "" else { throw LabError(what: "the first jobs: \(warm.faults)") }
        }
    }

    private static func hexadecimal(_ byte: UInt8) -> String {
        (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }

    /// Raises what every link of the network takes.
    private static func widen(_ lab: Lab) throws {
        var links = [("client", "eth0"), ("router", "client"), ("router", "lb"), ("lb", "eth0")]
        for node in nodes { links += [("router", node), (node, "eth0")] }
        for (node, link) in links + [("router", "lan")] {
            let done = try lab.run(node, "ip", "link", "set", link, "mtu", "65535")
            guard done.status == 0 else { throw LabError(what: "mtu of \(link) in \(node): \(done.error)") }
        }
    }

    static func address(of node: String) -> String { "10.77.2.1\(node.dropFirst())" }

    private static func configuration(of node: String, _ lab: Lab, _ setup: Setup, processors: String) -> String {
        let others = setup.nodes.filter { $0 != node }.map {
            "\($0): { address: \"\(address(of: $0)):\(setup.port)\" }"
        }
        return """
            {
                name: "\(node)",
                links: { key_file: "\(lab.directory)/link.key", \(setup.links(node)) },
                nodes: { \(others.joined(separator: ", ")) },
                workers: \(setup.workers),
                processors: { \(processors) },
                request_types: { default: { processor: "\(setup.processor)" } },
                \(setup.node)
            }
            """
    }

    private static func startNode(_ node: String, _ lab: Lab, _ setup: Setup) throws -> Running {
        let file = try lab.write("\(node).json", configuration(of: node, lab, setup, processors: setup.processors))
        return try lab.start(node, "\(Host.programs)/anabranch-node", "--config", file)
    }

    private static func balancer(_ lab: Lab, _ setup: Setup) -> String {
        let backends = setup.nodes.map { node in
            let number = node.dropFirst()
            return "\(node): { mark: 0x10\(number), address: [\"\(address(of: node))\", \"fd77:2::1\(number)\"] },"
        }
        return """
            {
                queues: { first: 0, count: 2, length: 16384 },
                pools: { servers: { backends: { \(backends.joined(separator: "\n")) } } },
                services: { jobs: {
                    protocols: ["udp"], destination_ports: [9000],
                    destinations: ["\(Lab.virtual4)", "\(Lab.virtual6)"], pool: "servers",
                } },
                splitting: {
                    key_file: "\(lab.directory)/link.key", node_port: \(setup.port), trace_jobs: 4096,
                    services: { jobs: { dscp: 46, \(setup.service) } },
                    \(setup.splitting)
                },
                control: { socket: "\(lab.socket())", group: "root" },
                metrics: { port: 9464 },
            }
            """
    }

    private func waitForNodes(_ names: [String]) throws {
        let end = Date(timeIntervalSinceNow: 10)
        while Date() < end {
            let ready = try nodes().filter { names.contains($0.key) && $0.value["reports"] as? Int ?? 0 > 0 }
            if ready.count == names.count { return }
            usleep(20_000)
        }
        throw LabError(what: "nodes are missing: \(daemon.error) \(running.mapValues(\.error))")
    }

    /// What the load balancer knows of each node.
    func nodes() throws -> [String: [String: Any]] {
        let list = try lab.shown("nodes", "nodes") as? [[String: Any]] ?? []
        return Dictionary(list.compactMap { node in (node["name"] as? String).map { ($0, node) } }) { first, _ in first
        }
    }

    /// What the load balancer counted.
    func counters() throws -> JobCounters { JobCounters(json: try lab.operate("show", "jobs", "--json").json) }

    /// Gives a running node other processors.
    func change(_ node: String, processors: String) throws {
        _ = try lab.write("\(node).json", Self.configuration(of: node, lab, setup, processors: processors))
        running[node]?.kill(SIGHUP)
        guard running[node]?.wait(for: "reloaded:", seconds: 2) == true else {
            throw LabError(what: "\(node) has not taken its new configuration: \(running[node]?.error ?? "")")
        }
    }

    func start(_ plan: JobPlan) throws -> JobTraffic { try JobTraffic(lab, plan) }
    func run(_ plan: JobPlan) throws -> JobRun { try start(plan).finish() }

    /// The load balancer runs, every packet has its outcome, and nothing is kept.
    @discardableResult
    func expectNothingKept(_ location: SourceLocation = #_sourceLocation) throws -> Counters {
        #expect(daemon.isRunning, "\(daemon.error)", sourceLocation: location)
        sleep(1)
        let counters = try lab.counters()
        counters.expectBalance(location)
        counters.expectNothingKept(location)
        return counters
    }

    /// Each job was answered, and by the nodes.
    func expectAnswers(_ run: JobRun, _ location: SourceLocation = #_sourceLocation) throws {
        let counted = try counters().text
        #expect(
            run.faults == "" && run.forwarded == 0, "\(run.faults); \(run.text); \(counted)",
            sourceLocation: location)
    }
}

/// What `show jobs` tells.
struct JobCounters {
    var json: [String: Any]

    var offered: Int { number("offered") }
    var outcomes: [String: Int] { numbers("outcomes") }
    var demands: [String: Int] { numbers("demands") }
    var refusals: [String: Int] { numbers("refusals") }
    var answered: Int { outcomes["answered"] ?? 0 }
    /// Jobs that a backend got, for any reason.
    var forwarded: Int { outcomes.filter { $0.key.hasPrefix("forwarded_") }.reduce(0) { $0 + $1.value } }

    func number(_ key: String) -> Int { (json[key] as? NSNumber)?.intValue ?? -1 }
    private func numbers(_ key: String) -> [String: Int] {
        (json[key] as? [String: Any] ?? [:]).compactMapValues { ($0 as? NSNumber)?.intValue }
    }

    /// Everything that is not zero, for messages.
    var text: String {
        let counts = json.compactMapValues { ($0 as? NSNumber)?.intValue }
        return [counts, outcomes, refusals, demands].map { part in
            part.filter { $0.value != 0 }.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
                .joined(separator: " ")
        }.joined(separator: " | ")
    }

    /// What was counted since.
    func since(_ before: JobCounters, _ key: String) -> Int { number(key) - before.number(key) }
    func outcome(_ name: String, since before: JobCounters) -> Int {
        (outcomes[name] ?? 0) - (before.outcomes[name] ?? 0)
    }
}
