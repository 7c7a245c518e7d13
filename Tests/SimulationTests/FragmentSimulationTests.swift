import Simulation
import Testing
import Tracking

@Suite struct FragmentSimulationTests {
    #if DEBUG
        static let duration = 2.0
    #else
        static let duration = 300.0
    #endif

    private func options(_ size: Int, _ buckets: Int) -> FragmentSimulation.Options {
        var options = FragmentSimulation.Options()
        options.limits = FragmentLimits(size: size, buckets: buckets)
        options.duration = Self.duration
        return options
    }

    @Test(arguments: [(2000, 2000), (1999, 1999), (1499, 1499), (1259, 1260), (997, 1300), (503, 1800)])
    func nothingIsLostWhereThePeerLosesUpToFortyFourPercent(size: Int, buckets: Int) throws {
        for randomKeys in [false, true] {
            var options = options(size, buckets)
            options.randomKeys = randomKeys
            let sum = try FragmentSimulation(options).run().statistics
            #expect(sum.percentLoss == 0)
            #expect(sum.inserts == UInt64(10_000 * Self.duration))
            #expect(sum.active == 2000)
            #expect(sum.inserts == sum.rejected + UInt64(sum.active) + sum.objGC + sum.reassembled + sum.evicted)
        }
    }

    #if !DEBUG
        @Test func aMillionPacketsASecondForAMinuteLoseNothing() throws {
            var options = options(400_009, 400_009)
            (options.rate, options.duration) = (1_000_000, 60)
            let sum = try FragmentSimulation(options).run().statistics
            #expect(sum.percentLoss == 0)
            #expect(sum.inserts == 60_000_000)
        }
    #endif

    @Test func aTableThatJustHoldsAllLosesAtMostOnePercent() throws {
        #expect(try FragmentSimulation(options(1103, 1100)).run().statistics.percentLoss <= 1)
    }

    @Test func aTableThatIsTooSmallSaysSo() throws {
        let sum = try FragmentSimulation(options(500, 500)).run().statistics
        // Half of the packets find no room, or are given up for others.
        #expect(sum.percentLoss > 45 && sum.percentLoss < 101)
        #expect(sum.inserts == sum.rejected + UInt64(sum.active) + sum.objGC + sum.reassembled + sum.evicted)
    }

    @Test func theSameSeedGivesTheSameRun() throws {
        var options = options(1103, 1100)
        options.arrivals = .poisson
        let first = try FragmentSimulation(options).run().statistics
        #expect(try FragmentSimulation(options).run().statistics == first)
        options.seed = 2
        #expect(try FragmentSimulation(options).run().statistics != first)
    }

    @Test func threadsOnOneTableCountEveryPacket() throws {
        var options = options(2000, 2000)
        options.limits.workers = 2
        let sum = try FragmentSimulation(options).run().statistics
        #expect(sum.inserts == UInt64(10_000 * Self.duration))
        #expect(sum.inserts == sum.rejected + UInt64(sum.active) + sum.objGC + sum.reassembled + sum.evicted)
    }

    @Test func reorderedPacketsAllArriveWhole() throws {
        var options = options(1000, 1000)
        options.rate = 2000
        options.reorder = 60
        let result = try FragmentSimulation(options).run()
        #expect(result.honestSent == UInt64(2000 * Self.duration))
        #expect(result.honestWhole == result.honestSent)
        #expect(result.statistics.stored > 0)
        #expect(result.statistics.stored == result.statistics.released)
    }

    @Test func aFloodFromTenHostsCostsOthersAtMostOnePercent() throws {
        var options = options(2000, 2000)
        options.rate = 1000
        options.reorder = 30
        options.flood = 50_000
        options.duration = 3
        let result = try FragmentSimulation(options).run()
        #expect(result.honestPercentLoss <= 1)
        #expect(result.statistics.evicted > 0)
    }

    @Test(arguments: [false, true])
    func aFloodFromRandomHostsCostsOthersAtMostOnePercent(honestOnesAreRandomToo: Bool) throws {
        var options = options(2000, 2000)
        options.rate = 1000
        options.reorder = 30
        options.flood = 50_000
        options.floodSources = 0
        options.randomKeys = honestOnesAreRandomToo
        options.duration = 3
        let result = try FragmentSimulation(options).run()
        #expect(result.honestPercentLoss <= 1)
        #expect(result.statistics.evicted > 0)
        #expect(result.statistics.rejected == 0)
    }

    @Test func aPlanFindsATableOfAtMostTenPercentMoreThanIsAlive() throws {
        let answer = try FragmentPlan(FragmentPlan.Question()).find()
        #expect(answer.size + answer.buckets <= 2200)
        #expect(answer.percentLoss <= 0.1)
        var options = options(answer.size, answer.buckets)
        options.seed = 1234
        #expect(try FragmentSimulation(options).run().statistics.percentLoss <= 0.2)
        #expect(answer.memory == FragmentLimits(size: answer.size, buckets: answer.buckets).memory)
    }
}
