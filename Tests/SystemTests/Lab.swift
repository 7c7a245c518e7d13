import Foundation
import Testing

/// A small network of namespaces, made by `Scripts/lab` and taken down with the value.
final class Lab {
    let id: String
    let directory: String

    /// Shape `chain` (sender – lb – sink, the virtual address 10.77.100.1 has a route without a mark), `star` (client,
    /// router, lb, b1…b3) or `tier` (the same with lb1 and lb2).
    init(_ shape: String = "chain", backends: Int = 3) throws {
        let made = try finish([Host.root + "/Scripts/lab", "up", "--shape", shape, "--backends", "\(backends)"])
        try #require(made.status == 0, "\(made.error)")
        id = made.output.trimmingCharacters(in: .whitespacesAndNewlines)
        directory = NSTemporaryDirectory() + "ab-test-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    }

    deinit {
        _ = try? finish([Host.root + "/Scripts/lab", "down", id])
        try? FileManager.default.removeItem(atPath: directory)
    }

    private func command(_ node: String, _ arguments: [String]) -> [String] {
        ["ip", "netns", "exec", "ab-\(id)-\(node)"] + arguments
    }

    /// Runs a command inside a node to its end.
    @discardableResult
    func run(_ node: String, _ arguments: String...) throws -> Finished {
        try SystemTests.finish(command(node, arguments))
    }

    /// Runs a command inside a node beside the test.
    func start(_ node: String, _ arguments: String...) throws -> Running { try Running(command(node, arguments)) }

    /// Writes a file that goes with the lab.
    func write(_ name: String, _ text: String) throws -> String {
        let path = "\(directory)/\(name)"
        try text.write(toFile: path, atomically: false, encoding: .utf8)
        return path
    }

    /// A daemon's configuration: UDP to 10.77.100.1 over three backends, all of whose marks lead to the sink.
    func configuration(weight: Int = 100, first: Int = 0, extra: String = "", health: String = "") -> String {
        """
        {
            queues: { first: \(first), count: 2 },
            \(extra)
            pools: { sink: { \(health) backends: {
                b1: { mark: 0x101, weight: \(weight), address: "127.0.0.2" }, b2: { mark: 0x102, address: "127.0.0.3" },
                b3: { mark: 0x103, address: "127.0.0.4" } } } },
            services: { all: { protocols: ["udp"], destinations: ["10.77.100.1"], pool: "sink" } },
            control: { socket: "\(directory)/control.sock", group: "root" },
            metrics: { port: 9464 },
        }
        """
    }

    /// The control socket of the daemon in that load balancer.
    func socket(of node: String = "lb") -> String {
        "\(directory)/\(node == "lb" ? "control" : "\(node)-control").sock"
    }

    /// Starts the daemon inside a load balancer and waits until it serves its queues.
    func startDaemon(_ file: String, in node: String = "lb") throws -> Running {
        let daemon = try start(node, "\(Host.programs)/anabranchd", "--config", file)
        let deadline = Date(timeIntervalSinceNow: 5)
        while Date() < deadline, daemon.isRunning {
            if try operate("show", "status", of: node).status == 0 { return daemon }
            usleep(5_000)
        }
        Issue.record("anabranchd does not answer: \(daemon.error)")
        return daemon
    }

    /// The operator's tool with its socket, for a shell.
    var `operator`: String { "\(Host.programs)/anabranch --socket \(socket())" }

    /// Runs the operator's tool.
    @discardableResult
    func operate(_ arguments: String..., of node: String = "lb") throws -> Finished {
        try SystemTests.finish(["\(Host.programs)/anabranch", "--socket", socket(of: node)] + arguments)
    }

    /// Applies or removes the firewall rules of a configuration inside a load balancer.
    @discardableResult
    func rules(_ action: String, _ file: String, in node: String = "lb") throws -> Finished {
        let configuration = action == "remove" ? [] : ["--config", file]
        return try finish(
            command(node, ["\(Host.programs)/anabranch", "rules", action, "--format", "iptables"] + configuration))
    }

    /// The traffic generator inside a node.
    func traffic(_ node: String, _ arguments: String...) throws -> Running { try traffic(node, arguments) }

    func traffic(_ node: String, _ arguments: [String]) throws -> Running {
        try Running(command(node, ["\(Host.programs)/traffic"] + arguments))
    }
}
