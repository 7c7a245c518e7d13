import Foundation
import Testing

@Suite("The daemon", .serialized, .exclusive, .enabled(if: Host.obstacle == nil))
struct DaemonTests {
    @Test func theOutcomesTheKernelAndTheSenderCountTheSamePackets() throws {
        let lab = try Lab()
        let file = try lab.write("anabranch.json", lab.configuration())
        let daemon = try lab.startDaemon(file)
        try lab.rules("apply", file)
        // Half of what comes is of no service: the rule takes UDP to the address, the service only some ports.
        let sent = try lab.traffic("sender", "send", "--to", "10.77.100.1", "--rate", "50000", "--count", "100000")
            .finish()
        #expect(sent.number("sent") == 100_000)
        usleep(300_000)
        let shown = try lab.operate("show", "counters", "--json").json
        #expect((shown["packets_received"] as? NSNumber)?.intValue == 100_000, "\(shown)")
        let queued = try lab.run("lb", "cat", "/proc/net/netfilter/nfnetlink_queue").output.split(separator: "\n")
            .compactMap { Int($0.split(separator: " ")[7]) }.reduce(0, +)
        let page = try lab.run("lb", "curl", "-s", "http://127.0.0.1:9464/metrics").output
        let counted = page.split(separator: "\n").filter { $0.hasPrefix("anabranch_packets_total{") }
            .compactMap { Double($0.split(separator: " ").last ?? "") }.reduce(0, +)
        #expect(queued == 100_000 && counted == 100_000)
        #expect(daemon.isRunning)
    }

    @Test func anIdleDaemonTakesLittleMemory() throws {
        let lab = try Lab()
        let daemon = try lab.startDaemon(try lab.write("anabranch.json", lab.configuration()))
        let status = try lab.operate("show", "status", "--json").json
        #expect((status["resident_bytes"] as? NSNumber)?.intValue ?? .max < 20_000_000)
        #expect(daemon.isRunning)
    }

    @Test func aSecondDaemonIsToldWhoHasTheQueue() throws {
        let lab = try Lab()
        let file = try lab.write("anabranch.json", lab.configuration())
        let daemon = try lab.startDaemon(file)
        let other = try lab.write(
            "other.json",
            lab.configuration().replacingOccurrences(of: "control.sock", with: "other.sock")
                .replacingOccurrences(of: "9464", with: "9465"))
        let second = try lab.run("lb", "\(Host.programs)/anabranchd", "--config", other)
        #expect(second.status == 1)
        #expect(second.error.contains("is taken by netlink port"), "\(second.error)")
        #expect(daemon.isRunning)
    }

    @Test func capNetAdminAloneIsEnough() throws {
        let lab = try Lab()
        let file = try lab.write(
            "anabranch.json", lab.configuration().replacingOccurrences(of: "\"root\"", with: "\"nogroup\""))
        try FileManager.default.setAttributes([.posixPermissions: 0o777], ofItemAtPath: lab.directory)
        let daemon = try lab.start(
            "lb", "setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--inh-caps", "-all,+net_admin",
            "--ambient-caps", "-all,+net_admin", "--bounding-set", "-all,+net_admin", "\(Host.programs)/anabranchd",
            "--config", file)
        let deadline = Date(timeIntervalSinceNow: 5)
        while try lab.operate("show", "status").status != 0, Date() < deadline { usleep(10_000) }
        try lab.rules("apply", file)
        let sink = try lab.traffic("sink", "sink", "--idle", "1")
        usleep(200_000)
        try lab.traffic("sender", "send", "--to", "10.77.100.1", "--rate", "20000", "--count", "20000").finish()
        #expect(sink.finish().number("received") == 20_000)
        #expect(daemon.isRunning, "\(daemon.error)")
        let queued = try lab.run("lb", "cat", "/proc/net/netfilter/nfnetlink_queue").output.split(separator: "\n")
            .compactMap { Int($0.split(separator: " ")[7]) }.reduce(0, +)
        #expect(queued == 20_000, "the packets did not come through the queue")
    }

    @Test func rulesStandOnceHoweverOftenTheyAreApplied() throws {
        let lab = try Lab()
        let file = try lab.write("anabranch.json", lab.configuration())
        let before = try lab.run("lb", "iptables-save", "-t", "mangle").output.split(separator: "\n").filter {
            $0.hasPrefix("-")
        }
        for _ in 0..<3 { #expect(try lab.rules("apply", file).status == 0) }
        let rules = try lab.run("lb", "iptables-save", "-t", "mangle").output.split(separator: "\n")
        #expect(rules.filter { $0.contains("-A PREROUTING") && $0.contains("ANABRANCH") }.count == 1)
        #expect(rules.filter { $0.contains("NFQUEUE") }.count == 2, "one for UDP and one for ICMP errors about it")
        #expect(try lab.rules("remove", file).status == 0)
        #expect(try lab.rules("remove", file).status == 0)
        let after = try lab.run("lb", "iptables-save", "-t", "mangle").output.split(separator: "\n").filter {
            $0.hasPrefix("-")
        }
        #expect(after == before)
        #expect(try !lab.run("lb", "iptables-save", "-t", "mangle").output.contains("ANABRANCH"))
    }

    @Test func aDeadBackendLeavesTheTableByItselfAndComesBack() throws {
        let lab = try Lab()
        let file = try lab.write(
            "anabranch.json",
            lab.configuration(
                health:
                    "health: { type: \"tcp\", port: 5999, interval: \"100ms\", timeout: \"100ms\", rise: 2, fall: 2 },")
        )
        var listeners = try (2...4).map { try lab.start("lb", "iperf3", "-s", "-p", "5999", "-B", "127.0.0.\($0)") }
        usleep(300_000)
        let daemon = try lab.startDaemon(file)
        func serving() throws -> Set<String> {
            let page = try lab.run("lb", "curl", "-s", "http://127.0.0.1:9464/metrics").output
            var names: Set<String> = []
            for line in page.split(separator: "\n") where line.hasPrefix("anabranch_backend_up{") {
                guard line.hasSuffix(" 1"), let name = line.split(separator: "\"").first(where: { $0.hasPrefix("b") })
                else { continue }
                names.insert(String(name))
            }
            return names
        }
        func wait(for names: Set<String>) throws -> Bool {
            let deadline = Date(timeIntervalSinceNow: 5)
            while Date() < deadline {
                if try serving() == names { return true }
                usleep(20_000)
            }
            return false
        }
        #expect(try wait(for: ["b1", "b2", "b3"]))
        listeners.remove(at: 1).kill(SIGKILL)
        #expect(try wait(for: ["b1", "b3"]))
        listeners.append(try lab.start("lb", "iperf3", "-s", "-p", "5999", "-B", "127.0.0.3"))
        #expect(try wait(for: ["b1", "b2", "b3"]))
        #expect(daemon.isRunning)
    }
}
