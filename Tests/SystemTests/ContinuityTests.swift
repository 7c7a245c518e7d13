import Foundation
import Testing

/// What a table change, a reload, a stop and a crash cost the traffic that runs meanwhile.
@Suite("Traffic goes on", .serialized, .exclusive, .enabled(if: Host.obstacle == nil))
struct ContinuityTests {
    /// 20,000 packets a second for that many seconds, and what arrived of them.
    private func underTraffic(
        _ lab: Lab, seconds: Int, _ work: () throws -> Void
    ) throws -> (sent: Int, lost: Int, duplicated: Int) {
        let sink = try lab.traffic("sink", "sink", "--idle", "2")
        usleep(200_000)
        let sender = try lab.traffic(
            "sender", "send", "--to", "10.77.100.1", "--rate", "20000", "--duration", "\(seconds)")
        usleep(300_000)
        try work()
        #expect(sender.isRunning, "the work took longer than the traffic: it was not all under load")
        let sent = sender.finish()
        let arrived = sink.finish()
        try #require(sent.status == 0 && arrived.status == 0, "\(sent.error) \(arrived.error)")
        #expect(arrived.number("overrun") <= 0, "the sink was too slow: \(arrived.output)")
        return (sent.number("sent"), sent.number("sent") - arrived.number("received"), arrived.number("duplicated"))
    }

    @Test func aThousandWeightChangesLoseNoPacket() throws {
        let lab = try Lab()
        let file = try lab.write("anabranch.json", lab.configuration())
        let daemon = try lab.startDaemon(file)
        try lab.rules("apply", file)
        // One shell for all commands: the harness takes longer to start a process than the tool takes to run.
        let script = try lab.write(
            "change", "for i in $(seq 1000); do \(lab.operator) backend weight b1 $((i % 200)) || exit 1; done")
        let result = try underTraffic(lab, seconds: 30) {
            let changes = try finish(["sh", script])
            #expect(changes.status == 0, "\(changes.error)")
        }
        let tables = try lab.operate("show", "tables", "--json").json
        #expect("\(tables)".contains("1001"), "the epoch does not show 1,000 changes: \(tables)")
        #expect(result.sent >= 400_000 && result.lost == 0 && result.duplicated == 0)
        #expect(daemon.isRunning)
    }

    @Test func aThousandReloadsEveryTenthOfThemBrokenLoseNoPacket() throws {
        let lab = try Lab()
        let file = try lab.write("anabranch.json", lab.configuration())
        let daemon = try lab.startDaemon(file)
        try lab.rules("apply", file)
        let good = try [50, 150].map { try lab.write("good\($0).json", lab.configuration(weight: $0)) }
        let broken = try lab.write("broken.json", "{ pools: 7")
        let script = try lab.write(
            "reload",
            """
            refused=0
            for i in $(seq 1000); do
                if [ $((i % 10)) = 0 ]; then cp \(broken) \(file); elif [ $((i % 2)) = 0 ]; then cp \(good[0]) \(file)
                else cp \(good[1]) \(file); fi
                \(lab.operator) reload >/dev/null 2>&1 || refused=$((refused + 1))
            done
            echo $refused
            """)
        var refused = ""
        let result = try underTraffic(lab, seconds: 30) { refused = try finish(["sh", script]).output }
        #expect(refused == "100\n")
        #expect(result.sent >= 400_000 && result.lost == 0 && result.duplicated == 0)
        #expect(daemon.isRunning)
    }

    @Test func aKilledDaemonCostsAtMostThreePacketsInAThousand() throws {
        let lab = try Lab()
        let file = try lab.write("anabranch.json", lab.configuration())
        var daemon = try lab.startDaemon(file)
        try lab.rules("apply", file)
        let result = try underTraffic(lab, seconds: 4) {
            daemon.kill(SIGKILL)
            usleep(500_000)
            daemon = try lab.startDaemon(file)
        }
        #expect(result.sent >= 79_000 && result.duplicated == 0)
        #expect(Double(result.lost) <= 0.003 * Double(result.sent), "\(result.lost) of \(result.sent) lost")
    }

    @Test func stopAndStartBySignalLeaveNoPacketInLimbo() throws {
        let lab = try Lab()
        let file = try lab.write("anabranch.json", lab.configuration())
        var daemon = try lab.startDaemon(file)
        try lab.rules("apply", file)
        let result = try underTraffic(lab, seconds: 6) {
            for _ in 0..<5 {
                daemon.kill(SIGTERM)
                #expect(daemon.finish().status == 0)
                usleep(100_000)
                daemon = try lab.startDaemon(file)
            }
        }
        #expect(result.sent >= 119_000 && result.lost == 0 && result.duplicated == 0)
    }
}
