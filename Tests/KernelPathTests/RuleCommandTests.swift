import Glibc
import Testing
import Wire

@testable import KernelPath

/// Runs against the kernel in a network namespace of its own: the thread that calls `unshare` leaves the others where
/// they are, and the programs it starts inherit its namespace.
@Suite(.serialized, .enabled(if: geteuid() == 0 || getenvCI()))
struct RuleCommandTests {
    private let plan = RulePlan(
        traffic: [
            .init(
                service: "web", protocols: [6, 17],
                destinations: [IPPrefix("10.0.0.1/32")!, IPPrefix("fd00::1/128")!])
        ],
        routes: [.init(backend: "p/a", mark: 101, addresses: [IPAddress("10.1.0.1")!])], queues: 0...1)

    private func saved(_ program: String) throws -> String {
        try ChildProcess.run([program, "-t", "mangle"], input: "").output
    }

    @Test func applyingTwiceLeavesOneJumpAndRemovingLeavesTheRest() throws {
        try inNetworkNamespace {
            let foreign = "*mangle\n-A PREROUTING -p tcp -j MARK --set-mark 7\nCOMMIT\n"
            #expect(try ChildProcess.run(["iptables-restore", "--noflush"], input: foreign).status == 0)
            for _ in 0..<2 { try plan.apply(.iptables) }
            for program in ["iptables-save", "ip6tables-save"] {
                let text = try saved(program)
                #expect(RulePlan.countJumps(inSavedTable: text).jumps == 1)
                #expect(
                    text.split(separator: "\n").count { $0.contains("NFQUEUE") } == (program == "iptables-save" ? 3 : 4)
                )
            }
            for _ in 0..<2 { try RulePlan.remove(.iptables) }
            let text = try saved("iptables-save")
            #expect(!text.contains("ANABRANCH"))
            #expect(text.contains("-A PREROUTING -p tcp -j MARK"))
        }
    }

    @Test func printedTextIsFitForRestore() throws {
        try inNetworkNamespace {
            let result = try ChildProcess.run(["iptables-restore", "--noflush"], input: plan.iptables(.ipv4))
            #expect(result.status == 0, "\(result.errors)")
        }
    }

    /// The rules and routes of each family are there afterwards, and a second time changes nothing.
    @Test func printedRoutesAreFitForIp() throws {
        var routed = plan
        routed.routes[0].addresses.append(IPAddress("fd01::1")!)
        routed.traffic[0].fallback = routed.routes[0].addresses
        func ip(_ words: String, input: String = "") throws -> ChildProcess {
            try ChildProcess.run(["ip"] + words.split(separator: " ").map(String.init), input: input)
        }
        try inNetworkNamespace {
            for words in [
                "link add v0 type veth peer name v1", "link set v0 up", "link set v1 up", "addr add 10.1.0.2/24 dev v0",
                "addr add fd01::2/64 dev v0 nodad",
            ] {
                let result = try ip(words)
                #expect(result.status == 0, "\(words): \(result.errors)")
            }
            for (digit, family) in [("4", IPFamily.ipv4), ("6", .ipv6)] {
                let text = routed.ipBatch(family)
                let first = try ip("-\(digit) -force -batch -", input: text)
                #expect(first.status == 0, "\(first.errors)")
                _ = try ip("-\(digit) -force -batch -", input: text)
                let rules = try ip("-\(digit) rule").output.split(separator: "\n").filter { $0.contains("fwmark") }
                #expect(rules == ["1000:\tfrom all fwmark 0x65 lookup 101"])
                let hop = family == .ipv4 ? "10.1.0.1" : "fd01::1"
                #expect(try ip("-\(digit) route show table 101").output.hasPrefix("default via \(hop) dev v0"))
                let virtual = family == .ipv4 ? "10.0.0.1" : "fd00::1"
                #expect(try ip("-\(digit) route").output.contains("\(virtual) via \(hop) dev v0"))
            }
        }
    }

    @Test func nftIsAppliedWhereTheKernelCanAndExplainedWhereItCannot() throws {
        try inNetworkNamespace {
            do throws(RuleError) {
                try plan.apply(.nft)
                try plan.apply(.nft)
                let list = try ChildProcess.run(["nft", "list", "tables"], input: "").output
                #expect(list == "table inet anabranch\n")
            } catch {
                #expect(error.description.contains("use --format iptables"))
            }
            try RulePlan.remove(.nft)
            let list = try ChildProcess.run(["nft", "list", "tables"], input: "").output
            #expect(!list.contains("anabranch"))
        }
    }

    @Test func aProgramThatIsNotThereIsNamedWithItsPackage() {
        #expect(RuleError.notStarted(program: "nft", code: ENOENT).description.contains("package nftables"))
        do throws(RuleError) {
            _ = try ChildProcess.run(["ab-no-such-program"], input: "")
            Issue.record("it was started")
        } catch {
            #expect(error == .notStarted(program: "ab-no-such-program", code: ENOENT))
        }
    }

    @Test func aChildThatReadsNothingDoesNotHangItsParent() throws {
        signal(SIGPIPE, SIG_IGN)
        let result = try ChildProcess.run(["true"], input: String(repeating: "x", count: 1 << 20))
        #expect(result.status == 0)
        let echoed = try ChildProcess.run(["cat"], input: String(repeating: "x", count: 1 << 20))
        #expect(echoed.output.utf8.count == 1 << 20)
    }
}

/// In CI a privileged test that cannot run has to fail, not to be skipped.
func getenvCI() -> Bool { unsafe getenv("CI") != nil }

/// Runs the body in a namespace that only this thread and its children see.
func inNetworkNamespace(_ body: () throws -> Void) throws {
    let home = unsafe open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)
    try #require(home >= 0)
    defer { close(home) }
    try #require(unshare(namespaceOfNetwork) == 0)
    defer { _ = setns(home, namespaceOfNetwork) }
    try body()
}

private let namespaceOfNetwork: Int32 = 0x4000_0000

// Both stand behind _GNU_SOURCE, which the Glibc module does not set.
@_silgen_name("unshare") private func unshare(_ flags: Int32) -> Int32
@_silgen_name("setns") private func setns(_ descriptor: Int32, _ kind: Int32) -> Int32
