import Wire

extension RulePlan {
    /// The text that `anabranch rules print` shows.
    public func text(_ format: RuleFormat) -> String {
        switch format {
        case .iptables: iptables(.ipv4) + "\n" + iptables(.ipv6)
        case .nft: nft
        }
    }

    /// Puts the rules in place; what was ours before is replaced, each family in one transaction.
    ///
    /// - Throws: `RuleError`. With iptables the IPv4 rules are in place already when IPv6 fails.
    public func apply(_ format: RuleFormat) throws(RuleError) {
        switch format {
        case .iptables:
            for family in [IPFamily.ipv4, .ipv6] {
                let now = try Self.saved(family)
                try Self.run(
                    [Self.restore(family), "--noflush"], input: iptables(family, replacingJumps: now.jumps))
            }
        case .nft:
            try Self.run(["nft", "-f", "-"], input: nft)
        }
    }

    /// Takes out what `apply` put in and nothing else. There being nothing is no error.
    public static func remove(_ format: RuleFormat) throws(RuleError) {
        switch format {
        case .iptables:
            for family in [IPFamily.ipv4, .ipv6] {
                let now = try saved(family)
                guard now.chainExists else { continue }
                try run([restore(family), "--noflush"], input: iptablesRemoval(jumps: now.jumps))
            }
        case .nft:
            try run(["nft", "-f", "-"], input: nftRemoval)
        }
    }

    private static func restore(_ family: IPFamily) -> String {
        family == .ipv4 ? "iptables-restore" : "ip6tables-restore"
    }

    private static func saved(_ family: IPFamily) throws(RuleError) -> (jumps: Int, chainExists: Bool) {
        let program = family == .ipv4 ? "iptables-save" : "ip6tables-save"
        return countJumps(inSavedTable: try run([program, "-t", "mangle"], input: ""))
    }

    @discardableResult
    private static func run(_ arguments: [String], input: String) throws(RuleError) -> String {
        let child = try ChildProcess.run(arguments, input: input)
        guard child.status == 0 else { throw RuleError(arguments[0], child) }
        return child.output
    }
}
