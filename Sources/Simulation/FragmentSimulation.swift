import Tracking
import Wire

/// Lets fragmented packets arrive at a fragment tracker at a given rate, under a virtual clock.
///
/// In the plain run each packet is one first fragment whose successors never come, so that every packet stays for the
/// whole ttl: what the peer's simulator does, and the worst case for the table.
public struct FragmentSimulation: Sendable {
    /// What to simulate.
    public struct Options: Equatable, Sendable {
        /// The tracker's limits; one thread per worker in the plain run.
        public var limits = FragmentLimits()
        /// Packets per second.
        public var rate = 10_000.0
        /// Simulated seconds.
        public var duration = 60.0
        /// Whether packets come at equal distances or at random.
        public var arrivals = VirtualClock.Arrivals.constant
        /// Random keys instead of sequential ones.
        public var randomKeys = false
        /// Percent of packets whose fragments come out of order. Above 0 every packet has three fragments, one
        /// millisecond apart.
        public var reorder = 0.0
        /// Hostile packets per second, besides `rate`; then every honest packet has three fragments.
        public var flood = 0.0
        /// Hosts the hostile packets come from; 0 means a random one for each.
        public var floodSources = 10
        /// Makes keys, secret and times; the same seed gives the same run.
        public var seed: UInt64 = 1

        /// The defaults.
        public init() {}

        /// Whether packets have several fragments; such a run uses one thread.
        public var hasWholePackets: Bool { reorder > 0 || flood > 0 }
    }

    /// What came out.
    public struct Result: Equatable, Sendable {
        /// The table's statistics at the end.
        public var statistics = FragmentStatistics()
        /// Real nanoseconds from start to end of the run, without setting up the table.
        public var elapsed: Int64 = 0
        /// Processor time of all threads of the process meanwhile, in nanoseconds: what a busy machine does not falsify,
        /// unless tables are simulated in parallel.
        public var processorTime: Int64 = 0
        /// Honest packets sent whole; 0 in the plain run.
        public var honestSent: UInt64 = 0
        /// How many of them came through whole.
        public var honestWhole: UInt64 = 0

        /// Percent of honest packets that did not come through whole.
        public var honestPercentLoss: Double {
            honestSent == 0 ? 0 : Double(honestSent - honestWhole) * 100 / Double(honestSent)
        }

        /// Real time for one packet, in nanoseconds, making its key and moving the clock included.
        public var nanosecondsPerInsert: Double { Double(elapsed) / Double(max(1, statistics.inserts)) }

        /// Processor time for one packet, in nanoseconds.
        public var processorNanosecondsPerInsert: Double {
            Double(processorTime) / Double(max(1, statistics.inserts))
        }
    }

    /// Keys asked for ahead, as a worker does with the packets of one batch.
    private static var batch: Int { 32 }

    /// What is simulated.
    public let options: Options

    /// A simulation of `options`.
    public init(_ options: Options) { self.options = options }

    /// Runs to the end of the simulated time.
    ///
    /// - Parameter progress: Told now and then which part of the time has passed, 0 … 1.
    public func run(progress: @Sendable (Double) -> Void = { _ in }) throws(TrackingError) -> Result {
        let shared = SharedTracker(try FragmentTracker(options.limits, hashing: KeyedHash(seed: options.seed)))
        var result = Result()
        let end: Int64
        let begin = monotonicNanoseconds()
        let beginBusy = processorNanoseconds()
        if options.hasWholePackets {
            var traffic = WholePackets(options)
            (result.honestSent, result.honestWhole) = traffic.run(shared.tracker, progress: progress)
            end = traffic.now
        } else {
            end = insertAll(shared, progress: progress)
        }
        result.elapsed = monotonicNanoseconds() - begin
        result.processorTime = processorNanoseconds() - beginBusy
        result.statistics = shared.tracker.statistics(now: end)
        return result
    }

    /// The plain run on all threads; gives the time at its end.
    private func insertAll(_ shared: SharedTracker, progress: @Sendable (Double) -> Void) -> Int64 {
        let threads = options.limits.workers
        let total = Int(options.rate * options.duration)
        let alive = options.rate * Double(options.limits.ttl) * 1e-9
        let keys = PacketSource(
            order: options.randomKeys ? .random : .sequential(hosts: PacketSource.hosts(distance: 4 * alive)),
            seed: options.seed)
        let times = ThreadTimes(threads)
        onThreads(threads) { worker in
            var run = Arrivals(shared.tracker, options, keys, worker)
            var reported = 0
            var done = 0
            let share = total / threads + (worker < total % threads ? 1 : 0)
            while done < share {
                let count = min(Self.batch, share - done)
                run.insert(count, shared.tracker)
                done += count
                // Half a ttl apart, packets are still alive for every thread.
                if threads > 1 { times.keepStep(worker, run.now, within: options.limits.ttl / 2) }
                if worker == 0, done - reported > share / 100 {
                    reported = done
                    progress(Double(done) / Double(share))
                }
            }
            times.finish(worker, run.now)
        }
        return times.latest
    }

    /// One thread's part of the plain run: every nth packet, at its time.
    private struct Arrivals {
        private let keys: PacketSource
        private let worker: Int
        private let threads: Int
        private var next: UInt64
        private var clock: VirtualClock
        private var batchKeys: InlineArray<32, FragmentKey>
        private var batchHashes = InlineArray<32, UInt64>(repeating: 0)

        var now: Int64 { clock.now }

        init(_ tracker: borrowing FragmentTracker, _ options: Options, _ keys: PacketSource, _ worker: Int) {
            self.keys = keys
            self.worker = worker
            threads = options.limits.workers
            next = UInt64(worker)
            clock = VirtualClock(rate: options.rate, arrivals: options.arrivals, seed: options.seed)
            clock.advance(by: worker)
            batchKeys = InlineArray(repeating: keys.key(0))
        }

        /// Lets `count` packets arrive; starts to load what they need before the first is tracked.
        mutating func insert(_ count: Int, _ tracker: borrowing FragmentTracker) {
            for index in 0..<count {
                let key = keys.key(next)
                batchKeys[index] = key
                batchHashes[index] = tracker.hash(key)
                next &+= UInt64(threads)
            }
            if tracker.prefetches {
                let hashes = batchHashes.span.extracting(0..<count)
                tracker.prefetch(hashes)
                tracker.prefetchChains(hashes)
                tracker.prefetchTails(hashes)
            }
            let arrival = FragmentArrival(
                FragmentInfo(identification: 0, offset: 0, length: 1480, more: true),
                transport: TransportProtocol.udp, decision: 1)
            for index in 0..<count {
                _ = tracker.track(
                    arrival, key: batchKeys[index], hash: batchHashes[index], now: clock.now, worker: worker)
                clock.advance(by: threads)
            }
        }
    }
}
