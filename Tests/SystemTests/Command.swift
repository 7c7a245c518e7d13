import Foundation

/// A program that was run to its end.
struct Finished {
    var status: Int32
    var output: String
    var error: String

    /// The JSON object on the standard output; of several, one a line, the last.
    var json: [String: Any] {
        for text in [output, output.split(separator: "\n").last.map(String.init) ?? ""] {
            if let object = try? JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any] { return object }
        }
        return [:]
    }

    /// A number of `json`, or -1.
    func number(_ key: String) -> Int { (json[key] as? NSNumber)?.intValue ?? -1 }
}

/// A program that runs beside the test; ended when the value goes away.
///
/// Started and waited for by the system's own calls: Foundation's `Process` takes a program for running as long as
/// anything that it started, or that was started beside it, still runs.
final class Running {
    let pid: Int32
    private var status: Int32?
    private let files: [URL]

    var isRunning: Bool {
        reap(WNOHANG)
        return status == nil
    }
    var output: String { (try? String(contentsOf: files[0], encoding: .utf8)) ?? "" }
    var error: String { (try? String(contentsOf: files[1], encoding: .utf8)) ?? "" }

    init(_ command: [String]) throws {
        files = try ["out", "err"].map { ending in
            let url = URL(fileURLWithPath: NSTemporaryDirectory() + "ab-test-\(UUID().uuidString).\(ending)")
            try Data().write(to: url)
            return url
        }
        pid = try Self.spawn(command, files.map(\.path))
    }

    private static func spawn(_ command: [String], _ files: [String]) throws -> Int32 {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        unsafe posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, files[0], O_WRONLY, 0)
        unsafe posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, files[1], O_WRONLY, 0)
        // The threads that tests run on have signals blocked; what they start must hear them.
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        unsafe sigemptyset(&signals)
        unsafe posix_spawnattr_setsigmask(&attributes, &signals)
        unsafe sigaddset(&signals, SIGPIPE)
        unsafe posix_spawnattr_setsigdefault(&attributes, &signals)
        unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        var arguments: [UnsafeMutablePointer<CChar>?] = unsafe command.map { unsafe strdup($0) } + [nil]
        defer { unsafe arguments.forEach { unsafe free($0) } }
        var child = pid_t()
        let code = unsafe posix_spawnp(&child, command[0], &actions, &attributes, &arguments, environ)
        guard code == 0 else { throw POSIXError(POSIXErrorCode(rawValue: code) ?? .EINVAL) }
        return child
    }

    deinit {
        if isRunning { kill(SIGKILL) }
        reap(0)
        for file in files { try? FileManager.default.removeItem(at: file) }
    }

    /// Takes the status of a program that has ended: 0 … 255, or 128 + the signal, as a shell counts.
    private func reap(_ options: Int32) {
        guard status == nil else { return }
        var raw: Int32 = 0
        var answer: pid_t
        repeat { answer = unsafe waitpid(pid, &raw, options) } while answer < 0 && errno == EINTR
        guard answer == pid else { return }
        status = raw & 0x7F == 0 ? (raw >> 8) & 0xFF : 128 + (raw & 0x7F)
    }

    /// Sends a signal, unless the program has ended: its number may be another's by now.
    func kill(_ signal: Int32) {
        if isRunning { _ = Foundation.kill(pid, signal) }
    }

    /// Waits for the end.
    @discardableResult
    func finish() -> Finished {
        reap(0)
        return Finished(status: status ?? -1, output: output, error: error)
    }

    /// Waits until the program's output or error output holds the text.
    func wait(for text: String, seconds: Double = 5) -> Bool {
        let end = Date(timeIntervalSinceNow: seconds)
        while Date() < end {
            if output.contains(text) || error.contains(text) { return true }
            if !isRunning { return output.contains(text) || error.contains(text) }
            usleep(1_000)
        }
        return false
    }
}

/// Runs a command to its end.
@discardableResult
func finish(_ command: [String]) throws -> Finished { try Running(command).finish() }
