import Wire

extension RulePlan {
    /// Text for `iptables-restore --noflush` (IPv4) or `ip6tables-restore --noflush` (IPv6).
    ///
    /// Only the chain `ANABRANCH` of table `mangle` and the jump to it from PREROUTING are touched. Naming the chain
    /// empties it, so the chain is idempotent by itself; the jump is not (the language has no "unless it is there"), so
    /// as many jumps as there are now are taken out in the same transaction.
    ///
    /// - Parameters:
    ///   - family: whose rules.
    ///   - jumps: how many jumps to the chain PREROUTING has now; see ``countJumps(inSavedTable:)``.
    public func iptables(_ family: IPFamily, replacingJumps jumps: Int = 0) -> String {
        let program = family == .ipv4 ? "iptables" : "ip6tables"
        var text = "# Anabranch, \(family == .ipv4 ? "IPv4" : "IPv6"): for \(program)-restore --noflush\n"
        text += serviceComment("#")
        text += fullCopyComment("#")
        text += bypassComment("#")
        if jumps == 0 {
            text +=
                "# Once: a second time adds a second jump, which does nothing. `anabranch rules apply` keeps to one.\n"
        }
        text += "*mangle\n:\(Self.chain) - [0:0]\n"
        for line in fullCopyIptables(family) { text += "-A \(Self.chain)\(line)\n" }
        for selector in RuleSelector.all(self, family: family) {
            for match in Self.matches(selector, family: family) {
                text += "-A \(Self.chain)\(match) -j \(queueTarget)\n"
            }
        }
        for _ in 0..<jumps { text += "-D PREROUTING -j \(Self.chain)\n" }
        text += "-A PREROUTING -j \(Self.chain)\nCOMMIT\n"
        return text
    }

    /// Text that takes out what `iptables` put in, for the same program.
    ///
    /// - Parameter jumps: how many jumps to the chain PREROUTING has now.
    public static func iptablesRemoval(jumps: Int) -> String {
        var text = "*mangle\n:\(chain) - [0:0]\n"
        for _ in 0..<jumps { text += "-D PREROUTING -j \(chain)\n" }
        text += "-X \(chain)\nCOMMIT\n"
        return text
    }

    /// How many jumps to our chain the output of `iptables-save -t mangle` shows, and whether the chain is there.
    public static func countJumps(inSavedTable text: String) -> (jumps: Int, chainExists: Bool) {
        let lines = text.split(separator: "\n")
        let jumps = lines.count { $0 == "-A PREROUTING -j \(chain)" }
        return (jumps, lines.contains { $0.hasPrefix(":\(chain) ") })
    }

    private var queueTarget: String {
        let numbers =
            queues.count == 1
            ? "--queue-num \(queues.lowerBound)" : "--queue-balance \(queues.lowerBound):\(queues.upperBound)"
        return "NFQUEUE \(numbers)\(bypass ? " --queue-bypass" : "")"
    }

    private static func matches(_ selector: RuleSelector, family: IPFamily) -> [String] {
        let destination = selector.destination.map { " -d \($0)" } ?? ""
        guard let protocols = selector.protocols else { return [destination] }
        var result = protocols.map { "\(destination) -p \(name(of: $0))" }
        // In IPv6 -p does not find a protocol that stands behind further headers inside the fragments.
        if family == .ipv6 { result.append("\(destination) -m frag") }
        return result
    }

    private static func name(of number: UInt8) -> String {
        switch number {
        case TransportProtocol.icmp: "icmp"
        case TransportProtocol.tcp: "tcp"
        case TransportProtocol.udp: "udp"
        case TransportProtocol.icmpv6: "ipv6-icmp"
        case TransportProtocol.sctp: "sctp"
        default: String(number)
        }
    }
}
