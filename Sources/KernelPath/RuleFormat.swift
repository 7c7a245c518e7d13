import Wire

/// The languages that rules can be written in.
public enum RuleFormat: String, CaseIterable, Sendable {
    /// For `iptables-restore --noflush` and `ip6tables-restore --noflush`.
    case iptables
    /// For `nft -f`.
    case nft
}

extension RulePlan {
    /// The chain in table `mangle`, or with nft the table, that is ours alone.
    public static var chain: String { "ANABRANCH" }
    /// The nft table that is ours alone.
    public static var table: String { "anabranch" }

    /// What a reader of the rules must know about packets that pass them unmarked.
    func bypassComment(_ prefix: String) -> String {
        let lines =
            bypass
            ? [
                "While no anabranchd serves the queues, --queue-bypass lets packets go on without a mark, past the",
                "rest of this hook. They need a fallback route, or they are lost: see",
                "`anabranch rules print --format routes`.",
            ]
            : ["While no anabranchd serves the queues, these packets are dropped (bypass is off)."]
        return lines.map { "\(prefix) \($0)\n" }.joined()
    }

    func serviceComment(_ prefix: String) -> String {
        traffic.map { entry in
            let destinations = entry.destinations.map(\.description).joined(separator: " ")
            return "\(prefix)   service \(entry.service): \(destinations.isEmpty ? "every address" : destinations)\n"
        }.joined()
    }
}
