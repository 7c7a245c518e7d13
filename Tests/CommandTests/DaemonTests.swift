import Glibc
import JSONText
import Testing

/// The daemon as it is started and stopped, in a network namespace of its own. Privileged: in CI it has to run.
@Suite(.enabled(if: geteuid() == 0 || inCI))
struct DaemonTests {
    @Test func itStartsAnswersReloadsAndStopsCleanly() throws {
        let daemon = try DaemonUnderTest()
        #expect(daemon.waitUntilReady())
        let status = try daemon.json("show", "status")
        #expect(status["ready"]?.bool == true)
        #expect(try daemon.json("show", "queues")["queues"]?.array?.map { $0["waiting"]?.int } == [0, 0])
        #expect(daemon.ask("backend", "drain", "a").status == 0)
        #expect(daemon.ask("backend", "drain", "nobody").status == 1)

        try daemon.configuration.rewrite(daemon.text.replacing("mark: 102", with: "mark: 0"))
        kill(daemon.process, SIGHUP)
        #expect(daemon.waits { try daemon.json("show", "status")["last_reload"]?["ok"]?.bool == false })
        #expect(try daemon.json("show", "backends")["backends"]?.array?.first?["state"] == "draining")
        #expect(daemon.ask("reload").status == 1)
        try daemon.configuration.rewrite(daemon.text)
        #expect(daemon.ask("reload").status == 0)

        #expect(daemon.stop() == 0)
        unsafe #expect(access(daemon.socket, F_OK) != 0)
        #expect(daemon.ask("show", "status").status == 3)
        #expect(daemon.log.text.hasSuffix("notice: SIGTERM: stopping\nnotice: stopped\n"))
    }

    @Test func aQueueThatIsTakenIsSaidWithItsOwner() throws {
        let first = try DaemonUnderTest()
        #expect(first.waitUntilReady())
        let second = try DaemonUnderTest(namespace: first.namespace, port: first.port + 1)
        #expect(second.waitForEnd() == 1)
        #expect(second.log.text.contains(" is taken by netlink port "), "\(second.log.text)")
        #expect(try first.json("show", "status")["ready"]?.bool == true)
        let third = try DaemonUnderTest(namespace: first.namespace, port: first.port, first: 8)
        #expect(third.waitForEnd() == 1)
        #expect(third.log.text.contains("cannot listen on 127.0.0.1:\(first.port)"), "\(third.log.text)")
        #expect(first.stop() == 0)
    }

    @Test func aSecondDaemonOnTheSameSocketIsRefused() throws {
        let first = try DaemonUnderTest()
        #expect(first.waitUntilReady())
        let second = try DaemonUnderTest(
            namespace: first.namespace, port: first.port + 1, first: 8, socket: first.socket)
        #expect(second.waitForEnd() == 1)
        #expect(second.log.text.contains("another daemon listens on \(first.socket)"))
        #expect(try first.json("show", "status")["ready"]?.bool == true)
        #expect(first.stop() == 0)
    }
}

private let inCI = unsafe getenv("CI") != nil

/// A namespace that goes with the last daemon in it.
private final class Namespace {
    let name = "ab-\(UInt32.random(in: 0...(.max)))"

    init() throws {
        try #require(run("ip", ["netns", "add", name]).status == 0)
        _ = run("ip", ["-n", name, "link", "set", "lo", "up"])
    }

    deinit { _ = run("ip", ["netns", "del", name]) }
}

private final class DaemonUnderTest {
    let namespace: Namespace
    let port: Int
    let socket: String
    let text: String
    let configuration: Scratch
    let log: Scratch
    private(set) var process: pid_t = 0
    private var status: Int32?

    init(namespace: Namespace? = nil, port: Int? = nil, first: Int = 0, socket: String? = nil) throws {
        let namespace = try namespace ?? Namespace()
        self.namespace = namespace
        self.port = port ?? Int.random(in: 20_000...60_000)
        self.socket = socket ?? "/tmp/ab-test-\(UInt32.random(in: 0...(.max))).sock"
        text = """
            { queues: { first: \(first), count: 2 }, control: { socket: "\(self.socket)" }, metrics: { port: \(self.port) },
              pools: { web: { shards: 251, backends: { a: { mark: 101 }, b: { mark: 102 } } } },
              services: { dns: { pool: "web", protocols: ["udp"], destinations: ["10.0.0.1"] } } }
            """
        configuration = try Scratch(text)
        log = try Scratch("", suffix: ".log")
        try start()
    }

    deinit { _ = stop() }

    /// `exec` all the way, so that the process we know is the daemon itself.
    private func start() throws {
        let command =
            "exec ip netns exec \(namespace.name) \(built("anabranchd")) --config \(configuration.path) 2> \(log.path)"
        let words = ["sh", "-c", command]
        var pointers: [UnsafeMutablePointer<CChar>?] = unsafe words.map { unsafe strdup($0) } + [nil]
        defer { unsafe pointers.forEach { unsafe free($0) } }
        try #require(unsafe posix_spawn(&process, "/bin/sh", nil, nil, &pointers, environ) == 0)
    }

    func ask(_ words: String...) -> (status: Int32, output: String, errors: String) {
        run("anabranch", words + ["--socket", socket, "--json"])
    }

    func json(_ words: String...) throws -> JSONValue {
        try JSONValue(parsing: run("anabranch", words + ["--socket", socket, "--json"]).output)
    }

    func waits(_ condition: () throws -> Bool) -> Bool {
        for _ in 0..<200 {
            if (try? condition()) == true { return true }
            usleep(25_000)
        }
        return false
    }

    func waitUntilReady() -> Bool { waits { ask("show", "status").status == 0 } }

    /// The exit status, -1 for an end by signal or no end at all.
    func waitForEnd() -> Int32 {
        if let status { return status }
        var raw: Int32 = 0
        guard waits({ unsafe waitpid(process, &raw, WNOHANG) == process }) else { return -1 }
        let code = raw & 0x7F == 0 ? raw >> 8 & 0xFF : -1
        status = code
        return code
    }

    func stop() -> Int32 {
        if status == nil { kill(process, SIGTERM) }
        return waitForEnd()
    }
}
