import Configuration
import Dataplane
import Glibc
import Hosting
import Testing
import Tracking
import Wire

@testable import Control

struct MetricsTests {
    private func plane() throws -> ControlPlane {
        let configuration = try configuration(pools: ["web": ["a", "b"], "dns": ["d"]], health: true)
        let settings = configuration.queueSettings(cores: [0])
        let director = try Director(configuration, ledger: CounterLedger(workers: settings.count))
        return ControlPlane(
            configuration, file: "test.json", queues: settings, director: director,
            fragments: try FragmentTracking(FragmentLimits(workers: settings.count))
        ) { nil }
    }

    /// In CI promtool has to be there: without it the format is not proven.
    @Test(.enabled(if: promtool != nil || inCI))
    func promtoolFindsNoFault() throws {
        let path = "/tmp/ab-test-\(UInt32.random(in: 0...(.max))).prom"
        defer { unsafe unlink(path) }
        let descriptor = unsafe creat(path, 0o600)
        let text = Array(try plane().metrics.utf8)
        #expect(unsafe write(descriptor, text, text.count) == text.count)
        close(descriptor)
        let tool = try #require(promtool)
        unsafe #expect(system("\(tool) check metrics < \(path) > /dev/null") == 0)
    }

    @Test func everyOutcomeAndReasonOfEveryQueueIsThere() throws {
        let text = try plane().metrics
        for queue in ["0", "1"] {
            for outcome in Outcome.allCases {
                #expect(text.contains("anabranch_packets_total{queue=\"\(queue)\",outcome=\"\(outcome.name)\"} 0\n"))
            }
            for reason in WireError.allCases {
                #expect(text.contains("anabranch_malformed_total{queue=\"\(queue)\",reason=\"\(reason.name)\"} 0\n"))
            }
        }
    }

    @Test func histogramsAddUp() throws {
        let plane = try plane()
        let counters = plane.director.ledger.workers[0]
        let path = PacketPath(
            publisher: plane.director.publisher, counters: counters,
            fragments: try FragmentTracking(FragmentLimits()))
        let packet = PacketBuilder(from: IPAddress("192.0.2.9")!, to: IPAddress("10.0.0.1")!).udp(from: 5, to: 53)
        for size in [1, 3, 64, 64] {
            for _ in 0..<size { _ = unsafe path.process(packet.span.bytes, wireLength: packet.count) }
            path.countBatch(packets: size, nanoseconds: UInt64(size) * 100)
        }
        let lines = Set(plane.metrics.split(separator: "\n"))
        #expect(lines.contains("anabranch_batch_packets_bucket{queue=\"0\",le=\"1\"} 1"))
        #expect(lines.contains("anabranch_batch_packets_bucket{queue=\"0\",le=\"3\"} 2"))
        #expect(lines.contains("anabranch_batch_packets_bucket{queue=\"0\",le=\"127\"} 4"))
        #expect(lines.contains("anabranch_batch_packets_bucket{queue=\"0\",le=\"+Inf\"} 4"))
        #expect(lines.contains("anabranch_batch_packets_count{queue=\"0\"} 4"))
        #expect(lines.contains("anabranch_batch_packets_sum{queue=\"0\"} 132"))
        #expect(lines.contains("anabranch_decision_seconds_count{queue=\"0\"} 132"))
    }

    @Test func labelsAreEscaped() {
        var text = MetricsText()
        text.begin("x", .gauge, "help")
        text.sample(["a": "q\"b\\c\nd"], 1)
        #expect(text.text.hasSuffix("anabranch_x{a=\"q\\\"b\\\\c\\nd\"} 1\n"))
    }

    @Test func pagesAreServedAndOtherThingsRefused() throws {
        let plane = try plane()
        let port = UInt16.random(in: 20_000...60_000)
        let endpoint = Endpoint(address: IPAddress("127.0.0.1")!, port: port)
        let server = try HTTPServer(endpoint) { plane.page($0) }
        #expect(try request("GET /metrics", port).hasPrefix("HTTP/1.1 200"))
        #expect(try request("GET /metrics", port).contains("text/plain; version=0.0.4"))
        #expect(try request("GET /healthz", port).hasPrefix("HTTP/1.1 200"))
        #expect(try request("GET /readyz", port).hasPrefix("HTTP/1.1 200"))
        #expect(try request("GET /etc/passwd", port).hasPrefix("HTTP/1.1 404"))
        #expect(try request("POST /metrics", port).hasPrefix("HTTP/1.1 405"))
        #expect(try request("DELETE /metrics", port).contains("Allow: GET, HEAD"))
        #expect(throws: HTTPServerError.self) { try HTTPServer(endpoint) { _ in nil } }
        withExtendedLifetime(server) {}
    }

    private func request(_ line: String, _ port: UInt16) throws -> String {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = IPAddress("127.0.0.1")!.word0
        let connected = unsafe withUnsafeBytes(of: &address) {
            unsafe connect(descriptor, $0.assumingMemoryBound(to: sockaddr.self).baseAddress!, socklen_t($0.count))
        }
        try #require(connected == 0)
        let text = Array("\(line) HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n".utf8)
        #expect(unsafe send(descriptor, text, text.count, Int32(MSG_NOSIGNAL)) == text.count)
        var all: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = unsafe recv(descriptor, &chunk, chunk.count, 0)
            guard count > 0 else { return String(decoding: all, as: UTF8.self) }
            all += chunk[..<count]
        }
    }
}

private let inCI = unsafe getenv("CI") != nil
private let promtool: String? = ["/usr/bin/promtool", "/usr/local/bin/promtool"].first { unsafe access($0, X_OK) == 0 }
