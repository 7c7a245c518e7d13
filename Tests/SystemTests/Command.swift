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
final class Running {
    private let process = Process()
    private let files: [URL]

    var pid: Int32 { process.processIdentifier }
    var isRunning: Bool { process.isRunning }
    var output: String { (try? String(contentsOf: files[0], encoding: .utf8)) ?? "" }
    var error: String { (try? String(contentsOf: files[1], encoding: .utf8)) ?? "" }

    init(_ command: [String], environment: [String: String] = [:]) throws {
        files = try ["out", "err"].map { ending in
            let url = URL(fileURLWithPath: NSTemporaryDirectory() + "ab-test-\(UUID().uuidString).\(ending)")
            try Data().write(to: url)
            return url
        }
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = command
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = try FileHandle(forWritingTo: files[0])
        process.standardError = try FileHandle(forWritingTo: files[1])
        try process.run()
    }

    deinit {
        if process.isRunning { kill(SIGKILL) }
        process.waitUntilExit()
        for file in files { try? FileManager.default.removeItem(at: file) }
    }

    func kill(_ signal: Int32) { _ = Foundation.kill(pid, signal) }

    /// Waits for the end.
    @discardableResult
    func finish() -> Finished {
        process.waitUntilExit()
        return Finished(status: process.terminationStatus, output: output, error: error)
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
