import Glibc
import Synchronization

/// How urgent a line in the log is, most urgent first. The raw value is the syslog severity (RFC 5424 §6.2.1).
public enum LogLevel: UInt8, CaseIterable, Comparable, Sendable {
    case error = 3
    case warning = 4
    case notice = 5
    case info = 6
    case debug = 7

    /// The level's name as the configuration and `anabranch log-level` spell it.
    public var name: String {
        switch self {
        case .error: "error"
        case .warning: "warning"
        case .notice: "notice"
        case .info: "info"
        case .debug: "debug"
        }
    }

    /// The level of that name, or nil.
    public init?(name: String) {
        guard let level = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = level
    }

    /// More urgent levels come first.
    public static func < (left: LogLevel, right: LogLevel) -> Bool { left.rawValue < right.rawValue }
}

/// The process's log: one line a message on standard error, for a person or for journald.
///
/// Under systemd (`JOURNAL_STREAM` is set) a line begins with the severity as `<N>` (sd-daemon(3)) and journald adds
/// time and name; elsewhere the line begins with the level's name. Never called for a single packet: what happens
/// per packet is counted, and told here at most once a second (see `LogLimit`).
public enum Log {
    private static let threshold = Atomic<UInt8>(LogLevel.info.rawValue)
    private static let underJournal = unsafe getenv("JOURNAL_STREAM") != nil

    /// Lines less urgent than this are not written. May be changed at any time from any thread.
    public static var level: LogLevel {
        get { LogLevel(rawValue: threshold.load(ordering: .relaxed)) ?? .info }
        set { threshold.store(newValue.rawValue, ordering: .relaxed) }
    }

    /// Something failed and needs a person.
    public static func error(_ message: @autoclosure () -> String) { write(.error, message) }
    /// Something is not as it should be; work goes on.
    public static func warning(_ message: @autoclosure () -> String) { write(.warning, message) }
    /// A normal but significant event: start, stop, reload, a backend that changed.
    public static func notice(_ message: @autoclosure () -> String) { write(.notice, message) }
    /// What an operator may want to follow.
    public static func info(_ message: @autoclosure () -> String) { write(.info, message) }
    /// What only someone looking for a fault wants.
    public static func debug(_ message: @autoclosure () -> String) { write(.debug, message) }

    /// Writes the message with the given urgency, if the level lets it pass.
    public static func write(_ level: LogLevel, _ message: () -> String) {
        guard level.rawValue <= threshold.load(ordering: .relaxed) else { return }
        let prefix = underJournal ? "<\(level.rawValue)>" : "\(level.name): "
        var line = prefix + message().replacingControlCharacters() + "\n"
        // One write a line, so that lines of several threads do not mix.
        line.withUTF8 { bytes in
            _ = unsafe Glibc.write(STDERR_FILENO, bytes.baseAddress, bytes.count)
        }
    }
}

extension String {
    /// The text on one line: what a peer sent must not forge a second log line or steer a terminal.
    fileprivate func replacingControlCharacters() -> String {
        guard unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F }) else { return self }
        var result = ""
        for scalar in unicodeScalars {
            if scalar.value < 0x20 || scalar.value == 0x7F {
                result += "\\x" + String(scalar.value, radix: 16)
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
