import Splitting
import Testing

/// Thousands of jobs under every fault: each ends exactly once, right, and leaves nothing behind.
@Suite("Simulated load balancer and nodes")
struct SimulationTests {
    private static let names = ["a", "b", "c", "d"]
    private static let second: UInt64 = 1_000_000_000

    /// What must hold after any run in which all jobs could end.
    private func checkInvariants(_ world: SimulatedWorld, offered: Int, settings: SplittingSettings) {
        #expect(world.doubleEnds == 0)
        #expect(world.unsendable == 0)
        #expect(world.wrongAnswers == 0)
        #expect(world.outcomes.count + world.refused == offered)
        #expect(world.desk.jobCount == 0)
        #expect(world.desk.jobBytes == 0)
        let counters = world.desk.counters
        #expect(counters.offered == UInt64(offered))
        #expect(counters.outcomes.values.reduce(0, +) == UInt64(offered))
        for outcome in JobOutcome.allCases where outcome != .forwardedRefused {
            #expect(counters.outcomes[outcome] ?? 0 == UInt64(world.outcomes.values.count { $0 == outcome }))
        }
        for name in world.desk.book.names { #expect(world.desk.book.window(of: name)?.inFlight == 0) }
        let mostRetries = UInt64(settings.maximumRetries + 1)
        #expect(counters.retriesPerChunk.enumerated().allSatisfy { $0.offset <= mostRetries || $0.element == 0 })
        for node in world.nodes.values {
            #expect(node.desk.jobCount == 0)
            #expect(node.desk.bytes == 0)
            #expect(node.desk.demands.outstanding == 0)
        }
    }

    private func answered(_ world: SimulatedWorld) -> Int { world.outcomes.values.count { $0 == .answered } }

    @Test func onAQuietNetworkEveryJobIsAnsweredAndNothingIsAskedForTwice() throws {
        let settings = SplittingSettings()
        let world = try SimulatedWorld(nodes: Self.names, seed: 1)
        world.offer(1000, every: 2_000_000)
        world.run(until: 8 * Self.second)
        checkInvariants(world, offered: 1000, settings: settings)
        #expect(answered(world) == 1000, "\(world.desk.counters.outcomes) \(world.desk.counters.refusals)")
        #expect(world.desk.counters.retries == 0)
        #expect(world.desk.counters.resent == 0)
        #expect(world.desk.counters.takeovers == 0)
        #expect(UInt64(world.chunksWorked) == world.desk.counters.chunks)
    }

    @Test(arguments: [ReplicationMode.standby, .hedged, .parallel], [UInt64(2), 3])
    func lossDamageAndReorderingChangeNoAnswer(mode: ReplicationMode, seed: UInt64) throws {
        var settings = SplittingSettings()
        settings.replicationFactor = 2
        settings.replication = mode
        settings.retryTimeout = .milliseconds(50)
        let world = try SimulatedWorld(nodes: Self.names, settings: settings, seed: seed)
        world.network = .init(loss: 0.02, damage: 0.01, delay: 20_000...2_000_000)
        world.offer(600, every: 4_000_000)
        world.run(until: 9 * Self.second)
        checkInvariants(world, offered: 600, settings: settings)
        #expect(
            answered(world) >= 570, "\(world.desk.counters.outcomes) \(world.desk.counters.refusals)")
        #expect(world.desk.counters.takeovers > 0)
        let damaged = world.nodes.values.reduce(0) { $0 + $1.desk.counters.damaged }
        #expect(damaged > 0)
    }

    @Test func aNodeThatDiesTakesNoJobWithIt() throws {
        var settings = SplittingSettings()
        settings.retryTimeout = .milliseconds(50)
        let world = try SimulatedWorld(nodes: Self.names, settings: settings, seed: 4)
        for node in world.nodes.values { node.fixed = 2_000_000 }
        // Four jobs at a time, so that some are under way whenever a node dies.
        for _ in 0..<4 { world.offer(250, every: 12_000_000) }
        for (number, name) in Self.names.enumerated() {
            let time = UInt64(number) * 600_000_000 + 504_000_000
            world.at(time) { $0.kill(name) }
            world.at(time + 300_000_000) { $0.revive(name) }
        }
        world.run(until: 8 * Self.second)
        checkInvariants(world, offered: 1000, settings: settings)
        #expect(answered(world) == 1000, "\(world.desk.counters.outcomes) \(world.desk.counters.refusals)")
        #expect(world.desk.counters.takeovers > 0)
        #expect(world.desk.counters.resent > 0)
    }

    @Test func aFrozenNodeIsPassedOverAndItsJobsAreTakenOver() throws {
        var settings = SplittingSettings()
        settings.retryTimeout = .milliseconds(50)
        let world = try SimulatedWorld(nodes: Self.names, settings: settings, seed: 5)
        world.offer(1000, every: 4_000_000)
        world.at(1_000_000_000) { $0.freeze("c", for: 2 * Self.second) }
        world.run(until: 12 * Self.second)
        checkInvariants(world, offered: 1000, settings: settings)
        #expect(answered(world) == 1000, "\(world.desk.counters.outcomes) \(world.desk.counters.refusals)")
        #expect(world.desk.counters.takeovers > 0)
        #expect(world.times.allSatisfy { $0.took < 2 * Self.second })
    }

    @Test func aCutLinkSendsWorkElsewhere() throws {
        var settings = SplittingSettings()
        settings.retryTimeout = .milliseconds(50)
        let world = try SimulatedWorld(nodes: Self.names, settings: settings, seed: 6)
        world.offer(1000, every: 3_000_000)
        world.at(1_000_000_000) { $0.cutLink("d") }
        world.at(2_000_000_000) { $0.mendLink("d") }
        world.run(until: 9 * Self.second)
        checkInvariants(world, offered: 1000, settings: settings)
        #expect(answered(world) == 1000, "\(world.desk.counters.outcomes) \(world.desk.counters.refusals)")
    }

    @Test func withAllNodesGoneEveryJobIsForwarded() throws {
        let world = try SimulatedWorld(nodes: Self.names, seed: 7)
        world.offer(300, every: 2_000_000)
        world.at(300_000_000) { world in for name in Self.names { world.kill(name) } }
        world.run(until: 6 * Self.second)
        checkInvariants(world, offered: 300, settings: SplittingSettings())
        #expect(world.refused > 100)
        #expect(world.outcomes.values.allSatisfy { $0 == .answered || $0 == .forwardedFailed })
    }

    @Test func aLiarIsOutvotedWhenTwoMustAgree() throws {
        var settings = SplittingSettings()
        settings.replicationFactor = 2
        settings.reconciliation = .agree
        let world = try SimulatedWorld(nodes: Self.names, settings: settings, seed: 8)
        world.nodes["b"]?.lies = true
        world.offer(400, every: 5_000_000)
        world.run(until: 8 * Self.second)
        checkInvariants(world, offered: 400, settings: settings)
        #expect(answered(world) == 400)
        let disagreements = world.nodes.values.reduce(0) { $0 + $1.desk.counters.disagreements }
        #expect(disagreements > 100)
    }

    @Test func fourNodesAnswerALongJobInAThirdOfTheTimeOfOne() throws {
        func median(nodes: [String]) throws -> UInt64 {
            let world = try SimulatedWorld(nodes: nodes, seed: 9)
            for node in world.nodes.values {
                node.workers = 1
                node.fixed = 0
                // 20 ms for 16 KiB.
                node.perByte = 1220
            }
            world.payloadSize = 60_000...60_000
            world.offer(30, every: 200_000_000)
            world.run(until: 10 * Self.second)
            #expect(answered(world) == 30)
            return world.times.map(\.took).percentile(0.5)
        }
        let one = try median(nodes: ["a"])
        let four = try median(nodes: Self.names)
        #expect(3 * four <= one)
    }
}
