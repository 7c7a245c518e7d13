/// What came of reading the configuration.
public struct ReloadReport: Equatable, Sendable {
    /// Seconds since 1970.
    public var time: Int64
    /// Why nothing was changed, one `file:line:column: message` each; empty when it was taken over.
    public var errors: [String] = []
    /// Pools whose table changed.
    public var changedPools: [String] = []
    /// Run-time changes that ended because the file's entry for the backend changed.
    public var endedOverrides: [String] = []
    /// Keys whose new values wait for a restart.
    public var restartNeeded: [String] = []

    /// Whether the file was taken over.
    public var isGood: Bool { errors.isEmpty }

    /// One line for the log.
    public var summary: String {
        guard isGood else { return "configuration refused, nothing changed: " + errors.joined(separator: "; ") }
        var parts: [String] = []
        if !changedPools.isEmpty { parts.append("tables changed: \(changedPools.joined(separator: ", "))") }
        if !endedOverrides.isEmpty {
            parts.append("run-time changes ended by the file: \(endedOverrides.joined(separator: ", "))")
        }
        if !restartNeeded.isEmpty { parts.append("after a restart only: \(restartNeeded.joined(separator: ", "))") }
        return "configuration taken over"
            + (parts.isEmpty ? ", no table changed" : "; " + parts.joined(separator: "; "))
    }
}
