import Wire

extension RulePlan {
    /// Text for `nft -f -`: the table `inet anabranch`, replaced in one transaction whether it was there or not.
    public var nft: String {
        var text = "#!/usr/sbin/nft -f\n# Anabranch, IPv4 and IPv6\n"
        text += serviceComment("#")
        text += fullCopyComment("#")
        text += bypassComment("#")
        text += "table inet \(Self.table) {\n}\ndelete table inet \(Self.table)\n"
        text += "table inet \(Self.table) {\n    chain prerouting {\n"
        text += "        type filter hook prerouting priority mangle; policy accept;\n"
        for family in [IPFamily.ipv4, .ipv6] {
            for line in fullCopyNft(family) { text += "        \(line)\n" }
            for selector in RuleSelector.all(self, family: family) {
                for match in Self.nftMatches(selector, family: family) {
                    text += "        \(match) counter \(nftQueue)\n"
                }
            }
        }
        return text + "    }\n}\n"
    }

    /// Text that takes out what `nft` put in; good also when there is nothing.
    public static var nftRemoval: String { "table inet \(table) {\n}\ndelete table inet \(table)\n" }

    private var nftQueue: String {
        let numbers = queues.count == 1 ? "\(queues.lowerBound)" : "\(queues.lowerBound)-\(queues.upperBound)"
        return "queue\(bypass ? " flags bypass" : "") to \(numbers)"
    }

    private static func nftMatches(_ selector: RuleSelector, family: IPFamily) -> [String] {
        let keyword = family == .ipv4 ? "ip" : "ip6"
        let destination =
            selector.destination.map { "\(keyword) daddr \($0)" }
            ?? "meta nfproto \(family == .ipv4 ? "ipv4" : "ipv6")"
        guard let protocols = selector.protocols else { return [destination] }
        let numbers = protocols.map(String.init).joined(separator: ", ")
        var result = ["\(destination) meta l4proto { \(numbers) }"]
        // In IPv6 the protocol may stand behind further headers inside the fragments.
        if family == .ipv6 { result.append("\(destination) exthdr frag exists") }
        return result
    }
}
