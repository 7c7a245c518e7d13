import Foundation
import Testing
import Wire

/// The program `anabranch-node` with a configuration of its own; ended when the value goes away.
final class NodeProcess {
    let address: Endpoint
    let file: String
    private let log: String
    private let key: KeyFile
    private var process = pid_t()
    private var status: Int32?

    /// Starts a node `n1` with these keys and waits until it listens.
    init(_ keys: String) throws {
        key = try KeyFile()
        address = Endpoint("127.0.0.1:\(try Self.freePort())")!
        let base = NSTemporaryDirectory() + "ab-\(UUID().uuidString)"
        (file, log) = (base + ".json", base + ".log")
        try write(keys)
        try Data().write(to: URL(fileURLWithPath: log))
        try start()
        try #require(waits { errors.contains("node n1 on") }, "\(errors)")
    }

    deinit {
        if isRunning { kill(SIGKILL) }
        if status == nil { _ = waitpid(process, nil, 0) }
        for path in [file, log] { try? FileManager.default.removeItem(atPath: path) }
    }

    /// Gives the file other keys.
    func write(_ keys: String) throws {
        let text = """
            {
                name: "n1", links: {address: "127.0.0.1", port: \(address.port), key_file: "\(key.path)"},
                workers: 1, metrics: {enabled: false},
                \(keys)
            }
            """
        try text.write(toFile: file, atomically: false, encoding: .utf8)
    }

    /// The tests' threads may have signals blocked; the program must hear them.
    private func start() throws {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        unsafe posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0)
        unsafe posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, log, O_WRONLY | O_APPEND, 0)
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        unsafe sigemptyset(&signals)
        unsafe posix_spawnattr_setsigmask(&attributes, &signals)
        unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        let words = [Self.program, "--config", file]
        var arguments: [UnsafeMutablePointer<CChar>?] = unsafe words.map { unsafe strdup($0) } + [nil]
        defer { unsafe arguments.forEach { unsafe free($0) } }
        let code = unsafe posix_spawn(&process, Self.program, &actions, &attributes, &arguments, environ)
        try #require(code == 0, "\(Self.program): errno \(code)")
    }

    /// Programs lie beside the test bundle.
    private static let program: String = {
        let test = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        return test.deletingLastPathComponent().appendingPathComponent("anabranch-node").path
    }()

    /// A port that nobody listens on now.
    private static func freePort() throws -> UInt16 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { name in
                unsafe bind(descriptor, name, length) == 0 && getsockname(descriptor, name, &length) == 0
            }
        }
        try #require(bound)
        return UInt16(bigEndian: address.sin_port)
    }

    // MARK: While it runs

    /// What it has logged.
    var errors: String { (try? String(contentsOfFile: log, encoding: .utf8)) ?? "" }

    var isRunning: Bool {
        guard status == nil else { return false }
        var raw: Int32 = 0
        guard unsafe waitpid(process, &raw, WNOHANG) == process else { return true }
        status = raw & 0x7F == 0 ? raw >> 8 & 0xFF : 128 + (raw & 0x7F)
        return false
    }

    func kill(_ signal: Int32) {
        if isRunning { _ = Foundation.kill(process, signal) }
    }

    /// The exit status, 128 and the signal after an end by one; nil if the program goes on for longer than that.
    func exitStatus(within seconds: Double) -> Int32? {
        _ = waits(seconds) { !isRunning }
        return status
    }

    /// Waits until something is so.
    func waits(_ seconds: Double = 10, _ isSo: () -> Bool) -> Bool {
        let end = Date(timeIntervalSinceNow: seconds)
        while !isSo() {
            if Date() >= end { return false }
            usleep(2_000)
        }
        return true
    }
}
