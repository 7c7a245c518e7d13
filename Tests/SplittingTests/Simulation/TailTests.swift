import Splitting
import Testing

/// One slow node of four, and more work than the nodes can do.
@Suite("Tail and overload")
struct TailTests {
    private static let second: UInt64 = 1_000_000_000

    /// Runs steady load; from 3 s on node b is 50 times slower.
    private func run(
        _ mode: ReplicationMode, factor: Int, seed: UInt64, retryTimeout: Duration = .milliseconds(100)
    ) throws -> SimulatedWorld {
        var settings = SplittingSettings()
        settings.replicationFactor = factor
        settings.replication = mode
        settings.retryTimeout = retryTimeout
        let world = try SimulatedWorld(nodes: ["a", "b", "c", "d"], settings: settings, seed: seed)
        for node in world.nodes.values { node.fixed = 2_000_000 }
        world.offer(1800, every: 7_000_000)
        world.at(3 * Self.second) { $0.nodes["b"]?.slowdown = 50 }
        world.run(until: 18 * Self.second)
        #expect(world.outcomes.count == 1800)
        #expect(world.outcomes.values.allSatisfy { $0 == .answered })
        #expect(world.wrongAnswers == 0)
        return world
    }

    private func p99(_ world: SimulatedWorld, _ range: Range<UInt64>) -> UInt64 {
        world.times.filter { range.contains($0.ended) }.map(\.took).percentile(0.99)
    }

    @Test func hedgingKeepsWithinItsBudgetAndTheSlowNodeIsPassedOver() throws {
        let world = try run(.hedged, factor: 2, seed: 11)
        let healthy = p99(world, Self.second..<3 * Self.second)
        #expect(p99(world, 8 * Self.second..<13 * Self.second) <= healthy * 3 / 2)
        let hedges = world.nodes.values.reduce(0) { $0 + $1.desk.budget.spent }
        #expect(hedges > 0)
        #expect(hedges * 20 <= world.desk.counters.chunks)
        let total = UInt64(world.chunksWorked)
        #expect(total <= world.desk.counters.chunks * 105 / 100 + world.desk.counters.retries)
    }

    @Test func withoutABudgetNothingIsHedged() throws {
        var settings = SplittingSettings()
        settings.replicationFactor = 2
        settings.replication = .hedged
        settings.hedgeBudget = 0
        let world = try SimulatedWorld(nodes: ["a", "b", "c", "d"], settings: settings, seed: 12)
        world.network.delay = 50_000...5_000_000
        world.offer(300, every: 5_000_000)
        world.run(until: 6 * Self.second)
        #expect(world.outcomes.values.count { $0 == .answered } == 300)
        #expect(world.nodes.values.allSatisfy { $0.desk.budget.spent == 0 })
        #expect(world.nodes.values.contains { $0.desk.budget.denied > 0 })
    }

    @Test func standbyCopiesCostAtMostTheRetryTimeout() throws {
        let world = try run(.standby, factor: 2, seed: 13)
        let healthy = p99(world, Self.second..<3 * Self.second)
        #expect(p99(world, 3 * Self.second..<8 * Self.second) <= healthy + 110_000_000)
        #expect(p99(world, 8 * Self.second..<13 * Self.second) <= healthy * 3 / 2)
    }

    @Test func parallelCopiesHideASlowNode() throws {
        let world = try run(.parallel, factor: 2, seed: 14)
        let healthy = p99(world, Self.second..<3 * Self.second)
        #expect(p99(world, 3 * Self.second..<13 * Self.second) <= healthy * 3 / 2)
    }

    @Test func aFullSystemRefusesEarlyAndStaysQuick() throws {
        func run(every interval: UInt64) throws -> SimulatedWorld {
            // Chunks of about 3 ms: with a target above three times as much, more of them would wait.
            var settings = SplittingSettings()
            settings.minimumTarget = .milliseconds(5)
            let world = try SimulatedWorld(nodes: ["a", "b", "c", "d"], settings: settings, seed: 15)
            for node in world.nodes.values {
                node.workers = 1
                node.fixed = 100_000
                node.perByte = 2600
            }
            world.payloadSize = 4_000...8_000
            world.offer(1500, every: interval)
            world.run(until: 20 * Self.second)
            #expect(world.outcomes.count + world.refused == 1500)
            #expect(world.outcomes.values.allSatisfy { $0 == .answered })
            return world
        }
        let calm = try run(every: 12_000_000)
        // Four nodes do about 250 such jobs a second; these are 700.
        let flooded = try run(every: 1_430_000)
        #expect(calm.refused == 0)
        #expect(flooded.refused > 600)
        #expect(flooded.desk.counters.outcomes[.forwardedRefused] == UInt64(flooded.refused))
        #expect(flooded.mostJobs < 200)
        let calmTail = calm.times.map(\.took).percentile(0.99)
        let tail = flooded.times.dropFirst(200).map(\.took).percentile(0.99)
        #expect(tail <= 2 * calmTail + 60_000_000)
    }
}
