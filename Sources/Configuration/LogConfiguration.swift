/// What is logged.
public struct LogConfiguration: Equatable, Sendable {
    /// How much is logged; each level includes those before it.
    public enum Level: String, CaseIterable, Sendable {
        /// What keeps the daemon from its work.
        case error
        /// What an operator should look at.
        case warning
        /// What happened.
        case info
        /// What helps to find a fault.
        case debug
    }

    /// How much is logged.
    public var level = Level.info

    /// The log of a configuration that says nothing about it.
    public init() {}
}

extension LogConfiguration: Block {
    static var blank: LogConfiguration { LogConfiguration() }

    static var keys: [Key<LogConfiguration>] {
        [Key("level", \.level, .choice, "How much is logged; each level includes those before it.")]
    }
}
