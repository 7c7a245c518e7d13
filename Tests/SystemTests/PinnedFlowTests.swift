import Foundation
import Testing

/// Connections stay where they are when the backends of new ones change.
@Suite("Pinned flows", .serialized, .exclusive, .enabled(if: Host.obstacle == nil))
struct PinnedFlowTests {
    private static let hosts = [Lab.virtual4, "[\(Lab.virtual6)]"]

    /// What `show backends --json` says of one.
    private func backend(_ name: String, _ lab: Lab) throws -> [String: Any] {
        let rows = try lab.shown("backends", "backends") as? [[String: Any]] ?? []
        return try #require(rows.first { $0["name"] as? String == name })
    }

    private func flows(_ name: String, _ lab: Lab) throws -> Int {
        (try backend(name, lab)["flows"] as? NSNumber)?.intValue ?? -1
    }

    @Test func drainingBreaksNoConnection() throws {
        let lab = try Lab("star")
        let servers = try WebServers(lab, rate: 36_000)
        let daemon = try lab.startBalancer("lb", lab.balancer(affinity: "flow")).daemon
        let downloads = try Self.hosts.map { try Downloads(lab, from: $0, count: 250) }
        let stream = try lab.start(
            "client", "iperf3", "--client", Lab.virtual4, "--time", "22", "--bitrate", "100M", "--json")
        sleep(3)
        let pinned = try Lab.backends.reduce(0) { $0 + (try flows($1, lab)) }
        #expect(pinned >= 500, "500 downloads, and \(pinned) flows")

        for name in Lab.backends {
            let before = try flows(name, lab)
            #expect(before > 50, "\(name) has no part in it")
            #expect(try lab.operate("backend", "drain", name).status == 0)
            usleep(300_000)
            for host in Self.hosts {
                let answers = try lab.newConnections(150, to: host)
                #expect(answers[name] == nil && answers["failed"] == nil, "\(name) is drained: \(answers)")
            }
            sleep(2)
            let drained = try backend(name, lab)
            #expect(drained["drained"] as? Bool == false, "\(name) still serves: \(drained)")
            #expect(try flows(name, lab) > 50, "\(name) lost its flows: \(drained)")
            #expect(try lab.operate("backend", "activate", name).status == 0)
            usleep(300_000)
            for host in Self.hosts {
                let answers = try lab.newConnections(60, to: host)
                #expect((answers[name] ?? 0) > 0 && answers["failed"] == nil, "\(name) is back: \(answers)")
            }
        }
        for download in downloads { #expect(download.isRunning, "the downloads ended before the last drain") }
        #expect(stream.isRunning)
        for (host, download) in zip(Self.hosts, downloads) { #expect(download.failures() == 0, "\(host)") }
        let streamed = stream.finish()
        let ends = streamed.json["end"] as? [String: Any] ?? [:]
        let bits = ((ends["sum_received"] as? [String: Any])?["bits_per_second"] as? NSNumber)?.doubleValue ?? 0
        #expect(streamed.status == 0 && bits > 50e6, "\(streamed.json["error"] ?? bits)")

        try expectDrained("b2", lab)
        let counters = try lab.counters()
        counters.expectBalance()
        #expect(daemon.isRunning)
        withExtendedLifetime(servers) {}
    }

    /// Drains a backend whose connections have ended: soon it says that it has none left.
    private func expectDrained(_ name: String, _ lab: Lab) throws {
        #expect(try backend(name, lab)["drained"] as? Bool == false, "\(name) takes new flows")
        #expect(try lab.operate("backend", "drain", name).status == 0)
        let deadline = Date(timeIntervalSinceNow: 10)
        while Date() < deadline {
            if try backend(name, lab)["drained"] as? Bool == true { break }
            usleep(50_000)
        }
        let row = try backend(name, lab)
        #expect(row["drained"] as? Bool == true && (row["flows"] as? NSNumber)?.intValue == 0, "\(row)")
    }
}
