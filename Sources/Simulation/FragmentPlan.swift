import Tracking

/// Finds how large a fragment table must be for a rate and a ttl, by trying.
public struct FragmentPlan: Sendable {
    /// What is known.
    public struct Question: Equatable, Sendable {
        /// Fragmented packets per second.
        public var rate = 10_000.0
        /// The ttl in nanoseconds.
        public var ttl: Int64 = 200_000_000
        /// Most packets that may be lost, in percent.
        public var percentLoss = 0.1
        /// How packets arrive.
        public var arrivals = VirtualClock.Arrivals.constant
        /// Records for parked fragments, for the memory.
        public var parked = 2048
        /// Threads, for the memory.
        public var workers = 1
        /// The first of the seeds tried.
        public var seed: UInt64 = 1

        /// The defaults.
        public init() {}
    }

    /// The smallest table found.
    public struct Answer: Equatable, Sendable {
        /// ft_size.
        public var size: Int
        /// ft_buckets.
        public var buckets: Int
        /// The worst loss among the runs that confirmed it, in percent.
        public var percentLoss: Double
        /// Bytes of memory of the whole tracker.
        public var memory: Int
    }

    /// Ways to start that a size must stand.
    private static var seeds: UInt64 { 3 }

    private let question: Question

    /// A plan for a question.
    public init(_ question: Question) { self.question = question }

    /// Tries sizes until the answer is found.
    ///
    /// The fewer main buckets, the fewer of them stand empty, but the longer the chains. Half as many main buckets as
    /// packets are alive keep chains at two on average, and leave e^-2 = 14 % of the main buckets empty; the
    /// extra buckets are then the fewest that keep the loss. Their number is found by halving; a table found is
    /// confirmed by longer runs with other secrets, and enlarged by 0.5 % until they agree.
    public func find(progress: (Double) -> Void = { _ in }) throws(TrackingError) -> Answer {
        let alive = max(2, question.rate * Double(question.ttl) * 1e-9)
        let size = max(1, Int((alive / 2).rounded(.up)))
        var low = 0
        var high = Int(alive * 1.5) + 64
        let rounds = Double(high).exponent + 3
        var round = 0.0
        while high - low > max(1, Int(alive / 1000)) {
            let middle = (low + high) / 2
            if try loss(size, middle, turns: 20, seed: question.seed) <= question.percentLoss {
                high = middle
            } else {
                low = middle + 1
            }
            round += 1
            progress(min(0.8, round / Double(rounds)))
        }
        while true {
            var worst = 0.0
            for seed in 0..<Self.seeds where worst <= question.percentLoss {
                worst = max(worst, try loss(size, high, turns: 100, seed: question.seed &+ seed))
            }
            if worst <= question.percentLoss {
                progress(1)
                return Answer(
                    size: size, buckets: high, percentLoss: worst, memory: limits(size, high).memory)
            }
            high += max(1, high / 200)
        }
    }

    private func limits(_ size: Int, _ buckets: Int) -> FragmentLimits {
        FragmentLimits(
            size: size, buckets: buckets, ttl: question.ttl, parked: question.parked, workers: question.workers)
    }

    /// The loss of one run over so many times the ttl.
    private func loss(_ size: Int, _ buckets: Int, turns: Double, seed: UInt64) throws(TrackingError) -> Double {
        var options = FragmentSimulation.Options()
        options.limits = limits(size, buckets)
        options.limits.workers = 1
        options.rate = question.rate
        options.duration = turns * Double(question.ttl) * 1e-9
        options.arrivals = question.arrivals
        options.seed = seed
        return try FragmentSimulation(options).run().statistics.percentLoss
    }
}
