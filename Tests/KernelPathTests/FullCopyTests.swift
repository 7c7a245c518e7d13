import Glibc
import Testing
import Wire

@testable import KernelPath

private let plan = RulePlan(
    traffic: [
        .init(service: "big", protocols: [17], destinations: [IPPrefix("127.0.0.1/32")!, IPPrefix("::1/128")!])
    ],
    fullCopy: [
        .init(
            service: "big", destinations: [IPPrefix("127.0.0.1/32")!, IPPrefix("::1/128")!], dscp: 46,
            minimumPayload: 1401, queue: 100)
    ],
    routes: [], queues: 4...5)

struct FullCopyTextTests {
    private func rules(_ text: String) -> [String] {
        text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map(String.init)
    }

    @Test func flaggedPayloadsAndAllFragmentsComeBeforeTheOrdinaryRules() {
        #expect(
            rules(plan.iptables(.ipv4)).dropFirst(2).prefix(4) == [
                "-A ANABRANCH -d 127.0.0.1/32 -p udp -m dscp --dscp 0x2e -m length --length 1429:65535 "
                    + "-j NFQUEUE --queue-num 100 --queue-bypass",
                "-A ANABRANCH -d 127.0.0.1/32 -p udp -m dscp --dscp 0x2e -m u32 --u32 \"4&0x3FFF=0x1:0x3FFF\" "
                    + "-j NFQUEUE --queue-num 100 --queue-bypass",
                "-A ANABRANCH -d 127.0.0.1/32 -p icmp -j NFQUEUE --queue-balance 4:5 --queue-bypass",
                "-A ANABRANCH -d 127.0.0.1/32 -p udp -j NFQUEUE --queue-balance 4:5 --queue-bypass",
            ])
        #expect(
            rules(plan.iptables(.ipv6)).dropFirst(2).prefix(2) == [
                "-A ANABRANCH -d ::1/128 -p udp -m dscp --dscp 0x2e -m length ! --length 0:1448 "
                    + "-j NFQUEUE --queue-num 100 --queue-bypass",
                "-A ANABRANCH -d ::1/128 -m dscp --dscp 0x2e -m frag -j NFQUEUE --queue-num 100 --queue-bypass",
            ])
    }

    @Test func nftSaysTheSame() {
        let lines = rules(plan.nft).map { String($0.drop { $0 == " " }) }
        #expect(
            lines.filter { $0.hasSuffix("to 100") } == [
                "ip daddr 127.0.0.1/32 ip dscp 0x2e meta l4proto 17 ip length >= 1429 counter queue flags bypass to 100",
                "ip daddr 127.0.0.1/32 ip dscp 0x2e meta l4proto 17 ip frag-off & 0x3fff != 0 "
                    + "counter queue flags bypass to 100",
                "ip6 daddr ::1/128 ip6 dscp 0x2e meta l4proto 17 ip6 length >= 1409 counter queue flags bypass to 100",
                "ip6 daddr ::1/128 ip6 dscp 0x2e exthdr frag exists counter queue flags bypass to 100",
            ])
        let first = lines.firstIndex { $0.hasPrefix("ip daddr") }!
        #expect(lines[first].hasSuffix("to 100"))
    }

    @Test func aServiceWithoutFlagOrAddressTakesEveryPacketOfTheLength() {
        var open = plan
        open.bypass = false
        open.fullCopy = [
            .init(service: "all", destinations: [], dscp: nil, minimumPayload: 9, queue: 7),
            .init(service: "more", destinations: [], dscp: nil, minimumPayload: 9, queue: 7),
        ]
        let lines = rules(open.iptables(.ipv4)).filter { $0.contains("--queue-num 7") }
        #expect(
            lines == [
                "-A ANABRANCH -p udp -m length --length 37:65535 -j NFQUEUE --queue-num 7",
                "-A ANABRANCH -p udp -m u32 --u32 \"4&0x3FFF=0x1:0x3FFF\" -j NFQUEUE --queue-num 7",
            ])
        #expect(open.nft.contains("meta nfproto ipv6 exthdr frag exists counter queue to 7\n"))
        #expect(open.nft.contains("meta nfproto ipv4 meta l4proto 17 ip length >= 37 counter queue to 7\n"))
    }

    @Test func theCommentsNameServiceFlagAndLength() {
        for text in [plan.iptables(.ipv4), plan.nft] {
            #expect(text.contains("splitting big: 127.0.0.1/32 ::1/128, DSCP 46, UDP payload of 1401 bytes or more"))
        }
    }

    @Test func withoutSplittingNothingChanges() {
        var none = plan
        none.fullCopy = []
        for text in [none.iptables(.ipv4), none.iptables(.ipv6), none.nft] {
            #expect(!text.contains("dscp") && !text.contains("splitting"))
        }
    }
}

/// Against the kernel, in a network namespace of its own.
@Suite(.serialized, .enabled(if: geteuid() == 0 || getenvCI()))
struct FullCopyKernelTests {
    @Test func bothProgramsTakeTheText() throws {
        try inNetworkNamespace {
            for (program, family) in [("iptables-restore", IPFamily.ipv4), ("ip6tables-restore", .ipv6)] {
                let result = try ChildProcess.run([program, "--noflush", "--test"], input: plan.iptables(family))
                #expect(result.status == 0, "\(result.errors)")
            }
            // This kernel may have no queue statement for nft: what is matched is checked all the same.
            let text = plan.nft.replacing("queue flags bypass to 100", with: "accept").replacing(
                "queue flags bypass to 4-5", with: "accept")
            let result = try ChildProcess.run(["nft", "-f", "-"], input: text)
            #expect(result.status == 0, "\(result.errors)")
            for _ in 0..<2 { try plan.apply(.iptables) }
            let saved = try ChildProcess.run(["iptables-save", "-t", "mangle"], input: "").output
            #expect(saved.split(separator: "\n").count { $0.contains("--queue-num 100") } == 2)
            try RulePlan.remove(.iptables)
            #expect(try !ChildProcess.run(["iptables-save", "-t", "mangle"], input: "").output.contains("100"))
        }
    }

    /// Each datagram is counted by the rule for whole packets, by that for fragments, or by neither.
    @Test(arguments: [IPFamily.ipv4, .ipv6])
    func theKernelCountsExactlyThePayloadsThatWereMeant(family: IPFamily) throws {
        try inNetworkNamespace {
            #expect(try ChildProcess.run(["ip", "link", "set", "lo", "up"], input: "").status == 0)
            try plan.apply(.iptables)
            try expect(family, payload: 1400, dscp: 46, hits: [0, 0])
            try expect(family, payload: 1401, dscp: 46, hits: [1, 0])
            try expect(family, payload: 1401, dscp: 45, hits: [0, 0])
            try expect(family, payload: 60_000, dscp: 46, hits: [1, 0])
            // The longest that a loopback packet of 65,536 bytes carries.
            try expect(family, payload: family == .ipv4 ? 65_507 : 65_488, dscp: 46, hits: [1, 0])
            let link = try ChildProcess.run(["ip", "link", "set", "lo", "mtu", "1400"], input: "")
            #expect(link.status == 0, "\(link.errors)")
            // First fragments are also counted by the first rule where they are long enough themselves; here they
            // are not, and each of three fragments is counted as one.
            try expect(family, payload: 3000, dscp: 46, hits: [0, 3])
            try expect(family, payload: 3000, dscp: 0, hits: [0, 0])
        }
    }

    private func expect(_ family: IPFamily, payload: Int, dscp: Int32, hits: [Int]) throws {
        let before = try counts(family)
        try send(family, payload, dscp)
        let after = try counts(family)
        #expect(zip(after, before).map { $0 - $1 } == hits, "\(family), \(payload) bytes, DSCP \(dscp)")
    }

    private func counts(_ family: IPFamily) throws -> [Int] {
        let program = family == .ipv4 ? "iptables-save" : "ip6tables-save"
        let text = try ChildProcess.run([program, "-t", "mangle", "-c"], input: "").output
        return text.split(separator: "\n").filter { $0.contains("--queue-num 100") }.map { line in
            Int(line.dropFirst().prefix { $0.isNumber }) ?? -1
        }
    }

    private func send(_ family: IPFamily, _ payload: Int, _ dscp: Int32) throws {
        let descriptor = socket(family == .ipv4 ? AF_INET : AF_INET6, Int32(SOCK_DGRAM.rawValue), 0)
        defer { close(descriptor) }
        var mark = dscp << 2
        let (level, option) = family == .ipv4 ? (Int32(IPPROTO_IP), IP_TOS) : (Int32(IPPROTO_IPV6), IPV6_TCLASS)
        #expect(unsafe setsockopt(descriptor, level, option, &mark, socklen_t(MemoryLayout<Int32>.size)) == 0)
        var address = [UInt8](repeating: 0, count: family == .ipv4 ? 16 : 28)
        address[0] = UInt8(family == .ipv4 ? AF_INET : AF_INET6)
        address[3] = 9
        if family == .ipv4 { address.replaceSubrange(4..<8, with: [127, 0, 0, 1]) } else { address[23] = 1 }
        let bytes = [UInt8](repeating: 1, count: payload)
        let count = unsafe address.withUnsafeBytes {
            unsafe sendto(
                descriptor, bytes, bytes.count, 0, $0.assumingMemoryBound(to: sockaddr.self).baseAddress!,
                socklen_t($0.count))
        }
        #expect(count == payload, "errno \(errno)")
    }
}
