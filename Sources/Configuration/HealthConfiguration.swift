/// How it is found out whether a pool's backends live.
public struct HealthConfiguration: Equatable, Sendable {
    /// What a check does.
    public enum Kind: String, CaseIterable, Sendable {
        /// Opens a TCP connection.
        case tcp
    }

    /// What a check does.
    public var kind = Kind.tcp
    /// The port that is tried, 1…65535.
    public var port: UInt16 = 0
    /// The time from one check to the next.
    public var interval = Duration.seconds(1)
    /// How long an answer may take, at most `interval`.
    public var timeout = Duration.milliseconds(500)
    /// How many checks in a row must succeed before a backend counts as alive.
    public var rise = 2
    /// How many checks in a row must fail before a backend counts as dead.
    public var fall = 3

    /// A TCP check; its port must be set.
    public init() {}
}

extension HealthConfiguration: Block {
    static var blank: HealthConfiguration { HealthConfiguration() }

    static var keys: [Key<HealthConfiguration>] {
        [
            Key("type", \.kind, .choice, "What a check does: \"tcp\" opens a connection."),
            Key("port", \.port, .integer(1...65535), required: true, "Port that is tried."),
            Key("interval", \.interval, .duration(.milliseconds(100)...(.seconds(3600))), "Time between two checks."),
            Key("timeout", \.timeout, .duration(.milliseconds(10)...(.seconds(60))), "How long an answer may take."),
            Key("rise", \.rise, .integer(1...100), "Successes in a row that make a dead backend alive."),
            Key("fall", \.fall, .integer(1...100), "Failures in a row that make a live backend dead."),
        ]
    }

    static func check(_ block: HealthConfiguration, at cursor: Cursor, into decoder: inout Decoder) {
        if block.timeout > block.interval {
            decoder.report(
                "\(cursor.path): timeout \(Units.text(block.timeout)) is longer than interval "
                    + "\(Units.text(block.interval)); lower timeout or raise interval",
                at: cursor.position(of: ["timeout"]))
        }
    }
}
