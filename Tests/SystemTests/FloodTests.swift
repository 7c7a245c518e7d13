import Foundation
import Testing

/// Fragments that never make a packet, 50,000 a second for a minute.
@Suite("Flood", .serialized, .exclusive, .enabled(if: Host.obstacle == nil))
struct FloodTests {
    private static let addresses = [Lab.virtual4, Lab.virtual6]

    /// Resident memory of a process in KiB.
    private static func resident(_ pid: Int32) throws -> Int {
        let status = try String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") })
        return try #require(line.split(separator: " ").dropFirst().first.flatMap { Int($0) })
    }

    /// Memory through a flood, and the honest traffic meanwhile.
    private struct Result {
        var warm: Int
        var memory: [Int]
        var flood: Int
        var honest: DatagramRun
        var loss: Double { 100 * Double(honest.lost) / Double(honest.sent) }
    }

    /// Floods both families at 25,000 a second each; 320 honest datagrams a second of each family go on meanwhile.
    ///
    /// - Parameter kinds: The fragments of the flood; all if there are none.
    private func flood(
        _ lab: Lab, _ daemon: Running, sources: Int, seconds: Int, kinds: [String] = []
    ) throws -> Result {
        let honest = try DatagramTraffic(
            lab,
            Self.addresses.enumerated().map { index, address in
                DatagramPlan(to: address, datagrams: 320 * seconds, rate: 320, network: 1 + index)
            })
        let hostile = try Self.addresses.map { address in
            try lab.traffic(
                "client",
                [
                    "hostile", "--to", address, "--rate", "25000", "--seconds", "\(seconds)", "--sources",
                    "\(sources / 2)",
                ]
                    + (kinds.isEmpty ? [] : ["--kinds", kinds.joined(separator: ",")]))
        }
        // By then every page of every table that will ever be used should be.
        sleep(5)
        let warm = try Self.resident(daemon.pid)
        var memory: [Int] = []
        while hostile.contains(where: { $0.isRunning }) {
            sleep(1)
            memory.append(try Self.resident(daemon.pid))
        }
        let sent = hostile.map { $0.finish() }
        #expect(sent.allSatisfy { $0.status == 0 }, "\(sent.map(\.error))")
        return Result(
            warm: warm, memory: memory, flood: sent.reduce(0) { $0 + $1.number("sent") }, honest: try honest.finish())
    }

    /// A lab whose backends let only honest fragments near their own reassembly.
    private func lab() throws -> Lab {
        let lab = try Lab("star")
        for backend in Lab.backends {
            try lab.run(
                backend, "iptables", "-t", "raw", "-A", "PREROUTING", "!", "-s", "10.78.0.0/16", "-d", Lab.virtual4,
                "-j", "DROP")
            try lab.run(
                backend, "ip6tables", "-t", "raw", "-A", "PREROUTING", "!", "-s", "fd78::/16", "-d", Lab.virtual6,
                "-j", "DROP")
        }
        return lab
    }

    private func expectRecovery(_ lab: Lab) throws {
        sleep(1)
        let after = try lab.counters()
        after.expectBalance()
        after.expectNothingKept()
        for (index, address) in Self.addresses.enumerated() {
            let plan = DatagramPlan(to: address, datagrams: 1_000, network: 11 + index)
            try lab.expectArrival(plan, "after the flood: ")
        }
        let last = try lab.counters()
        last.expectBalance()
        last.expectNothingKept()
    }

    @Test(arguments: [10, 0]) func aFragmentFloodStarvesOnlyItself(sources: Int) throws {
        let lab = try lab()
        let daemon = try lab.startBalancer("lb", lab.balancer(protocols: "\"udp\", \"tcp\"")).daemon
        let result = try flood(lab, daemon, sources: sources, seconds: 60)
        let counters = try lab.counters()
        let loss = String(format: "%.3f", result.loss)
        print(
            "\(sources == 0 ? "random" : "\(sources)") sources: \(result.flood) hostile fragments, \(loss) % of "
                + "\(result.honest.sent) honest datagrams lost, memory \(result.warm) KiB, then "
                + "\(result.memory.min() ?? 0) to \(result.memory.max() ?? 0) KiB; \(counters.text)")
        #expect(result.flood >= 60 * 48_000)
        #expect(counters.received >= result.flood * 19 / 20, "the flood went by: \(counters.text)")
        #expect(result.honest.sent >= 60 * 500)
        #expect(result.honest.total("corrupt") == 0 && result.honest.torn.isEmpty)
        for memory in result.memory {
            #expect(abs(memory - result.warm) * 20 <= result.warm, "\(memory) KiB, not \(result.warm) within 5 %")
        }
        if sources > 0 { #expect(result.loss <= 1, "\(counters.text)") }
        try expectRecovery(lab)
        #expect(daemon.isRunning)
    }
    @Test func aFloodThatFillsTheTableStarvesOnlyItself() throws {
        let lab = try lab()
        let file = lab.balancer(protocols: "\"udp\", \"tcp\"", buckets: 2_003, parked: 1_024)
        let daemon = try lab.startBalancer("lb", file).daemon
        let result = try flood(lab, daemon, sources: 10, seconds: 15, kinds: ["unfinished"])
        let counters = try lab.counters()
        #expect((counters.table["evicted"] ?? 0) > 100_000, "the table was never full: \(counters.text)")
        #expect(result.loss <= 1, "\(result.loss) % lost: \(counters.text)")
        #expect(result.honest.total("corrupt") == 0 && result.honest.torn.isEmpty)
        try expectRecovery(lab)
        #expect(daemon.isRunning)
    }
}
