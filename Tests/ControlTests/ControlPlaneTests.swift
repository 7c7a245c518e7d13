import Configuration
import Dataplane
import Glibc
import Hosting
import JSONText
import Testing
import Tracking
import Wire

@testable import Control

/// A control plane over a file of its own, without queues.
private final class Bench {
    let path = "/tmp/ab-test-\(UInt32.random(in: 0...(.max))).json"
    let plane: ControlPlane

    init(_ text: String) throws {
        write(path, text)
        let configuration = try Configuration.load(path: path)
        let settings = configuration.queueSettings(cores: [0, 1])
        let director = try Director(configuration, ledger: CounterLedger(workers: settings.count))
        plane = ControlPlane(
            configuration, file: path, queues: settings, director: director,
            fragments: try FragmentTracking(FragmentLimits(workers: settings.count))
        ) { nil }
    }

    deinit { unsafe unlink(path) }

    func rewrite(_ text: String) { write(path, text) }

    func ask(_ words: [String], _ arguments: JSONObject = [:]) -> ControlAnswer {
        plane.answer(ControlRequest(words, arguments))
    }

    func data(_ words: [String], _ arguments: JSONObject = [:]) -> JSONValue? {
        if case .data(let data) = ask(words, arguments) { return data }
        return nil
    }

    func error(_ words: [String], _ arguments: JSONObject = [:]) -> ControlError? {
        if case .error(let error) = ask(words, arguments) { return error }
        return nil
    }
}

private func write(_ path: String, _ text: String) {
    let descriptor = unsafe creat(path, 0o600)
    _ = unsafe Array(text.utf8).withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
    close(descriptor)
}

private let text = """
    { queues: { first: 3, count: 2 },
      pools: { web: { shards: 251, backends: { a: { mark: 101 }, b: { mark: 102 }, c: { mark: 103 } } } },
      services: { dns: { pool: "web", protocols: ["udp"], destinations: ["10.0.0.1", "fd00::1"] } } }
    """

struct ControlPlaneTests {
    @Test func aBadFileChangesNothingAndShows() throws {
        let bench = try Bench(text)
        let before = bench.data(["show", "tables"])
        bench.rewrite(text.replacing("mark: 102", with: "mrak: 102"))
        let refusal = try #require(bench.error(["reload"]))
        #expect(refusal.code == "bad_configuration")
        #expect(refusal.message.hasPrefix("\(bench.path):2:"))
        #expect(bench.data(["show", "tables"]) == before)
        let status = bench.data(["show", "status"])
        #expect(status?["last_reload"]?["ok"]?.bool == false)
        #expect(status?["reloads"]?["bad"]?.int == 1)
        #expect(bench.plane.metrics.contains("anabranch_last_reload_success 0\n"))
        bench.rewrite(text)
        #expect(bench.data(["reload"])?["changed_pools"] == [])
        #expect(bench.plane.metrics.contains("anabranch_last_reload_success 1\n"))
    }

    @Test func settingsThatNeedARestartAreNamed() throws {
        let bench = try Bench(text)
        bench.rewrite(text.replacing("first: 3", with: "first: 4, length: 99"))
        #expect(bench.data(["reload"])?["restart_needed"] == ["queues.first", "queues.length"])
        #expect(bench.data(["show", "status"])?["queues"]?["first"]?.int == 3)
    }

    @Test func explainNamesWhatThePacketPathDecides() throws {
        let bench = try Bench(text)
        let snapshot = bench.plane.director.publisher.snapshot
        for port in UInt16(1000)...1200 {
            let answer = bench.data(
                ["explain"],
                ["protocol": "udp", "source": JSONValue("192.0.2.9:\(port)"), "destination": "10.0.0.1:53"])
            let packet = PacketBuilder(from: IPAddress("192.0.2.9")!, to: IPAddress("10.0.0.1")!).udp(
                from: port, to: 53)
            let decision = unsafe snapshot.decide(packet.span.bytes, wireLength: packet.count)
            #expect(answer?["backend"]?.string == snapshot.backendName(decision.backend))
            #expect(answer?["shard"]?.integer() == decision.shard)
            let hash = try #require(answer?["hash"]?.integer(as: UInt32.self))
            #expect(UInt32((UInt64(hash) * 251) >> 32) == decision.shard, "the hash that is shown leads to the shard")
        }
    }

    @Test func whereFragmentsGoIsExplainedToo() throws {
        let bench = try Bench(text)
        let answer = bench.data(
            ["explain"], ["protocol": "udp", "source": "[2001:db8::1]:1000", "destination": "[fd00::1]:53"])
        #expect(answer?["fragments"]?["handled_by"] == "here")
        #expect(answer?["fragments"]?["why"]?.array?.last?.string?.contains("at most 200 ms") == true)
    }

    @Test func wrongQuestionsGetHelp() throws {
        let bench = try Bench(text)
        let good: JSONObject = ["protocol": "udp", "source": "192.0.2.9:1", "destination": "10.0.0.1:53"]
        var wrong = good
        wrong["protocol"] = "upd"
        #expect(bench.error(["explain"], wrong)?.message == "there is no protocol 'upd': did you mean 'udp'?")
        wrong = good
        wrong["source"] = "192.0.2.9"
        #expect(bench.error(["explain"], wrong)?.message.contains("ADDRESS:PORT") == true)
        wrong["source"] = "[fd00::1]:1"
        #expect(bench.error(["explain"], wrong)?.message.contains("families") == true)
        #expect(bench.error(["log-level"], ["level": "debgu"])?.message.contains("did you mean 'debug'") == true)
        #expect(bench.error(["dance"])?.code == "unknown_command")
        #expect(bench.error(["show", "status2"])?.code == "unknown_command")
        #expect(bench.error(["backend", "weight"], ["backend": "a", "weight": "5"])?.code == "bad_request")
        #expect(bench.error(["backend", "drain"], ["backend": "zebra"])?.code == "unknown_backend")
    }

    @Test func readinessNeedsAServiceWithABackend() throws {
        let bench = try Bench(text)
        #expect(bench.plane.page("/readyz")?.status == 200)
        for name in ["a", "b", "c"] { _ = bench.ask(["backend", "deactivate"], ["backend": JSONValue(name)]) }
        #expect(bench.plane.page("/readyz")?.status == 503)
        #expect(bench.plane.page("/healthz")?.status == 200)
        #expect(bench.plane.page("/nothing") == nil)
    }

    @Test func countersOfASlotBeginAnewForANewName() throws {
        let ledger = CounterLedger(workers: 1, capacity: CounterCapacity(services: 1, backends: 2))
        func file(_ names: [String]) throws -> Configuration {
            try configuration(pools: ["web": names])
        }
        let director = try Director(try file(["a", "b"]), ledger: ledger)
        let path = PacketPath(
            publisher: director.publisher, counters: ledger.workers[0],
            fragments: try FragmentTracking(FragmentLimits()))
        let packet = PacketBuilder(from: IPAddress("192.0.2.9")!, to: IPAddress("10.0.0.1")!).udp(from: 5, to: 53)
        for _ in 0..<10 { _ = unsafe path.process(packet.span.bytes, wireLength: packet.count) }
        let counted = director.view.pools[0].backends.map { ledger.traffic(backend: $0.counterSlot).packets }
        #expect(counted.reduce(0, +) == 10)
        _ = try director.take(try file(["x", "y"]))
        let after = director.view.pools[0].backends.map { ledger.traffic(backend: $0.counterSlot) }
        #expect(after.allSatisfy { $0.packets == 0 && $0.bytes == 0 })
    }
}
