import Foundation
import Testing

/// Too much work, and peers that mean no good.
@Suite("Job overload", .serialized, .exclusive, .enabled(if: Host.obstacle == nil))
struct JobOverloadTests {
    /// Places in each node's queue; a chunk of 10,000 bytes takes 20 ms.
    private static let places = 8
    private static let bound = 8.0 * 20

    @Test func threeTimesTheWorkIsRefusedEarlyAndHarmsNoAcceptedJob() throws {
        let lab = try JobLab(
            .init(
                processors: "slow: { kind: \"delay\", per_byte: \"2us\" }", processor: "slow",
                node: "priority_queue_size: \(Self.places),"))
        // 80 ms of work each: four nodes do 50 a second.
        let unloaded = try lab.run(JobPlan(to: Lab.virtual4, jobs: 60, size: "40000", rate: 10, first: 10_000))
        #expect(unloaded.faults == "" && unloaded.forwarded == 0, "\(unloaded.faults); \(unloaded.text)")
        let before = try lab.counters()
        let traffic = try lab.start(JobPlan(to: Lab.virtual4, jobs: 1_500, size: "40000", rate: 150, first: 20_000))
        var (waiting, memory) = (0, [String: [Int]]())
        while traffic.isRunning {
            for (name, node) in try lab.nodes() {
                waiting = max(waiting, node["waiting"] as? Int ?? 0)
                if let pid = lab.running[name]?.pid { memory[name, default: []].append(try JobLab.resident(pid)) }
            }
            memory["lb", default: []].append(try JobLab.resident(lab.daemon.pid))
            usleep(200_000)
        }
        let run = traffic.finish()
        let after = try lab.counters()
        let text = "\(run.text); unloaded p99 \(unloaded.time("p99")) ms; \(waiting) waited at most; \(after.text)"
        print(text)
        print(memory.mapValues { [$0.first ?? 0, $0[$0.count / 2], $0.last ?? 0] })
        #expect(run.faults == "", "\(run.faults); \(text)")
        #expect(waiting > 0 && waiting <= Self.places, "\(text)")
        #expect(run.answered >= 300, "most of what the nodes can do was refused: \(text)")
        #expect(run.forwarded >= 500, "\(text)")
        // Refused before anything was sent, so forwarded as fast as an echo is.
        #expect(after.outcome("forwarded_refused", since: before) == run.forwarded, "\(text)")
        #expect(run.time("p99", of: "forwarded") <= 20, "\(text)")
        #expect(run.time("p99") <= 2 * unloaded.time("p99") + Self.bound, "\(text)")
        for (name, samples) in memory {
            let half = samples[samples.count / 2]
            #expect((samples.last ?? 0) <= half + 8_192, "\(name) grows: \(samples)")
        }
    }

    @Test func peersThatMeanNoGoodAreCutAndHarmNobody() throws {
        let lab = try JobLab()
        let target = JobLab.address(of: "b1")
        var hostile: [Running] = []
        // A node with another key, which tries again and again.
        let key = try lab.lab.write("other.key", String(repeating: "5a", count: 32))
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: key)
        let file = try lab.lab.write(
            "stranger.json",
            "{ name: \"b9\", links: { key_file: \"\(key)\" }, nodes: { b1: { address: \"\(target):9470\" } } }")
        hostile.append(try lab.lab.start("client", "\(Host.programs)/anabranch-node", "--config", file))
        // Frames: another version, and a body of 4 GB; each ten times a second. Then one byte, and silence.
        let headers = ["ABLK\\x09\\x40\\x00\\x00\\x00\\x00\\x00\\x10", "ABLK\\x01\\x02\\x00\\x00\\xff\\xff\\xff\\xff"]
        for header in headers {
            let script = """
                for i in {1..80}; do
                    exec 3<>/dev/tcp/\(target)/9470; printf '\(header)' >&3; timeout 1 cat <&3 >/dev/null; exec 3>&-
                    sleep 0.1
                done
                """
            hostile.append(try lab.lab.start("client", "bash", "-c", script))
        }
        let slow = "exec 3<>/dev/tcp/\(target)/9470; printf A >&3; cat <&3 >/dev/null; echo cut"
        let silent = try lab.lab.start("client", "bash", "-c", slow)
        let begin = Date()
        let run = try lab.run(JobPlan(to: Lab.virtual4, rate: 125, first: 10_000))
        try lab.expectAnswers(run)
        print(run.text)
        #expect(silent.wait(for: "cut", seconds: 20), "one byte a minute keeps a connection")
        hostile.forEach { $0.kill(SIGTERM) }
        let seconds = Date().timeIntervalSince(begin)
        let log = lab.running["b1"]?.error ?? ""
        let lines = log.split(separator: "\n").filter { $0.hasPrefix("warning") || $0.hasPrefix("error") }
        print(log)
        #expect(!lines.isEmpty, "\(log)")
        #expect(Double(lines.count) <= seconds + 2, "\(lines.count) lines in \(seconds) s: \(log)")
        #expect(try lab.nodes()["b1"]?["linked"] as? Bool == true)
        #expect(try JobLab.resident(try #require(lab.running["b1"]).pid) < 65_536)
    }
}
