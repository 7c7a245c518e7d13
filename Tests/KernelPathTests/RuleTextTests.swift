import Testing
import Wire

@testable import KernelPath

private func prefix(_ text: String) -> IPPrefix { IPPrefix(text)! }

private let plan = RulePlan(
    traffic: [
        .init(
            service: "web", protocols: [6], destinations: [prefix("10.0.0.1/32"), prefix("fd00::1/128")],
            fallback: [IPAddress("10.1.0.1")!, IPAddress("fd01::1")!]),
        .init(
            service: "dns", protocols: [17, 6], destinations: [prefix("10.0.0.1/32")],
            fallback: [IPAddress("10.1.0.2")!]),
        .init(
            service: "any", protocols: [], destinations: [prefix("192.0.2.0/24")], fallback: [IPAddress("10.1.0.2")!]),
    ],
    routes: [
        .init(backend: "p/a", mark: 101, addresses: [IPAddress("10.1.0.1")!, IPAddress("fd01::1")!]),
        .init(backend: "p/b", mark: 254, addresses: [IPAddress("10.1.0.2")!]),
        .init(backend: "p/c", mark: 103, addresses: []),
    ],
    queues: 4...5)

struct RuleTextTests {
    private func rules(_ text: String) -> [String] {
        text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map(String.init)
    }

    @Test func servicesOfOneAddressShareTheirRulesAndErrorsFollow() {
        #expect(
            rules(plan.iptables(.ipv4)) == [
                "*mangle", ":ANABRANCH - [0:0]",
                "-A ANABRANCH -d 10.0.0.1/32 -p icmp -j NFQUEUE --queue-balance 4:5 --queue-bypass",
                "-A ANABRANCH -d 10.0.0.1/32 -p tcp -j NFQUEUE --queue-balance 4:5 --queue-bypass",
                "-A ANABRANCH -d 10.0.0.1/32 -p udp -j NFQUEUE --queue-balance 4:5 --queue-bypass",
                "-A ANABRANCH -d 192.0.2.0/24 -j NFQUEUE --queue-balance 4:5 --queue-bypass",
                "-A PREROUTING -j ANABRANCH", "COMMIT",
            ])
    }

    @Test func ipv6FragmentsAreCaughtWhateverTheyCarry() {
        #expect(
            rules(plan.iptables(.ipv6)) == [
                "*mangle", ":ANABRANCH - [0:0]",
                "-A ANABRANCH -d fd00::1/128 -p tcp -j NFQUEUE --queue-balance 4:5 --queue-bypass",
                "-A ANABRANCH -d fd00::1/128 -p ipv6-icmp -j NFQUEUE --queue-balance 4:5 --queue-bypass",
                "-A ANABRANCH -d fd00::1/128 -m frag -j NFQUEUE --queue-balance 4:5 --queue-bypass",
                "-A PREROUTING -j ANABRANCH", "COMMIT",
            ])
    }

    @Test func aSingleQueueIsNamedAndBypassCanBeOff() {
        var single = plan
        single.queues = 7...7
        single.bypass = false
        #expect(single.iptables(.ipv4).contains("-j NFQUEUE --queue-num 7\n"))
        #expect(single.nft.contains(" counter queue to 7\n"))
        #expect(single.nft.contains("are dropped (bypass is off)"))
    }

    @Test func noRuleLooksAtPortsBecauseLaterFragmentsHaveNone() {
        for text in [plan.iptables(.ipv4), plan.iptables(.ipv6), plan.nft] {
            #expect(!text.contains("port"))
        }
    }

    @Test func jumpsThatAreThereAreReplacedInTheSameTransaction() {
        let saved = """
            *mangle
            :PREROUTING ACCEPT [0:0]
            :ANABRANCH - [0:0]
            -A PREROUTING -i eth0 -j ACCEPT
            -A PREROUTING -j ANABRANCH
            -A PREROUTING -j ANABRANCH
            COMMIT
            """
        let count = RulePlan.countJumps(inSavedTable: saved)
        #expect(count.jumps == 2)
        #expect(count.chainExists)
        let lines = rules(plan.iptables(.ipv4, replacingJumps: count.jumps))
        #expect(lines.count { $0 == "-D PREROUTING -j ANABRANCH" } == 2)
        #expect(lines.count { $0 == "-A PREROUTING -j ANABRANCH" } == 1)
    }

    @Test func nftReplacesItsTableInOneTransaction() {
        #expect(
            rules(plan.nft) == [
                "table inet anabranch {", "}", "delete table inet anabranch", "table inet anabranch {",
                "    chain prerouting {",
                "        type filter hook prerouting priority mangle; policy accept;",
                "        ip daddr 10.0.0.1/32 meta l4proto { 1, 6, 17 } counter queue flags bypass to 4-5",
                "        ip daddr 192.0.2.0/24 counter queue flags bypass to 4-5",
                "        ip6 daddr fd00::1/128 meta l4proto { 6, 58 } counter queue flags bypass to 4-5",
                "        ip6 daddr fd00::1/128 exthdr frag exists counter queue flags bypass to 4-5",
                "    }", "}",
            ])
    }

    @Test func routesNameEachMarkOnceAndSayWhatIsMissing() {
        let text = plan.ipBatch(.ipv4)
        #expect(
            rules(text) == [
                "rule add priority 1000 fwmark 101 lookup 101",
                "route replace default via 10.1.0.1 table 101",
                "route replace 10.0.0.1/32 via 10.1.0.1",
                "route replace 192.0.2.0/24 via 10.1.0.2",
            ])
        #expect(
            rules(plan.ipBatch(.ipv6)) == [
                "rule add priority 1000 fwmark 101 lookup 101",
                "route replace default via fd01::1 table 101",
                "route replace fd00::1/128 via fd01::1",
            ])
        #expect(text.contains("mark 254 cannot name a routing table"))
        #expect(text.contains("mark 103: no address is configured"))
    }

    @Test func theFallbackIsABackendOfTheServiceAndNeverALoadBalancer() {
        var tier = plan
        tier.traffic.append(.init(service: "six", protocols: [], destinations: [prefix("fd00::6/128")]))
        tier.traffic.append(
            .init(service: "all", protocols: [17], destinations: [], fallback: [IPAddress("10.1.0.1")!]))
        tier.routes.insert(
            .init(backend: "t/lb2", mark: 99, addresses: [IPAddress("10.1.0.9")!], isLoadBalancer: true), at: 0)
        let text = tier.ipBatch(.ipv4)
        #expect(text.contains("# load balancer t/lb2\nrule add priority 1000 fwmark 99 lookup 99\n"))
        let fallback = text.split(separator: "# Fallback")[1]
        #expect(!fallback.contains("10.1.0.9") && fallback.contains("10.0.0.1/32 via 10.1.0.1\n"))
        #expect(tier.ipBatch(.ipv6).contains("#   fd00::6/128: no backend has an address of this family\n"))
        #expect(fallback.contains("#   service all has no destinations: add the route by hand\n"))
    }

    @Test func theCommentsExplainTheFallbackRoute() {
        for text in [plan.iptables(.ipv4), plan.nft] { #expect(text.contains("fallback route")) }
    }
}
