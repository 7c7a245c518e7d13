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
        let deal = PacketDeal(total)
        onThreads(threads) { worker in
            var run = Arrivals(shared.tracker, options, keys, deal, worker)
            var reported = 0
            var horizon: Int64 = 0
            while run.insert(shared.tracker) {
                // Half a ttl apart, packets are still alive for every thread.
                if threads > 1 { times.keepStep(worker, run.now, within: options.limits.ttl / 2, horizon: &horizon) }
                if worker == 0, run.number - reported > total / 100 {
                    reported = run.number
                    progress(Double(reported) / Double(total))
                }
            }
            times.finish(worker, run.end)
        }
        return times.latest
    }

    /// One thread's part of the plain run: packets by the handful, each at its time.
    ///
    /// What a packet will need is asked for while those before it are tracked, as a worker can do with the packets of one
    /// batch: its main bucket first, then what that leads to.
    private struct Arrivals {
        /// Packets made ready, asked for and tracked at once: enough for a line to come from another processor's cache
        /// meanwhile.
        private static var handful: Int { 16 }

        private let keys: PacketSource
        private let deal: PacketDeal
        private let worker: Int
        /// The next packet of the thread, and the end of what it was dealt.
        private(set) var number = 0
        private var dealtEnd = 0
        /// Stands at packet `clockNumber`.
        private var clock: VirtualClock
        private var clockNumber = 0
        /// Packets prepared, and tracked, so far.
        private var prepared = 0
        private var tracked = 0
        // The last four handfuls prepared, each packet at its count modulo 64.
        private var packetKeys: InlineArray<64, FragmentKey>
        private var packetHashes = InlineArray<64, UInt64>(repeating: 0)
        private var packetTimes = InlineArray<64, Int64>(repeating: 0)
        /// The time of the packet tracked last.
        private(set) var now: Int64 = 0

        /// The time after the last packet prepared.
        var end: Int64 { clock.now }

        init(
            _ tracker: borrowing FragmentTracker, _ options: Options, _ keys: PacketSource, _ deal: PacketDeal,
            _ worker: Int
        ) {
            self.keys = keys
            self.deal = deal
            self.worker = worker
            clock = VirtualClock(rate: options.rate, arrivals: options.arrivals, seed: options.seed)
            packetKeys = InlineArray(repeating: keys.key(0))
            for _ in 0..<3 * Self.handful { prepare(tracker) }
        }

        /// Makes the next packet, if there is one.
        @inline(__always)
        private mutating func prepare(_ tracker: borrowing FragmentTracker) {
            if number == dealtEnd {
                (number, dealtEnd) = deal.take()
                if number == dealtEnd { return }
                clock.advance(by: number - clockNumber)
                clockNumber = number
            }
            let place = prepared & 63
            let key = keys.key(UInt64(number))
            packetKeys[place] = key
            packetHashes[place] = tracker.hash(key)
            packetTimes[place] = clock.now
            number += 1
            prepared += 1
            clock.advance()
            clockNumber += 1
        }

        /// Lets a handful of packets arrive; false after the last.
        mutating func insert(_ tracker: borrowing FragmentTracker) -> Bool {
            let arrival = FragmentArrival(
                FragmentInfo(identification: 0, offset: 0, length: 1480, more: true),
                transport: TransportProtocol.udp, decision: 1)
            for _ in 0..<Self.handful { prepare(tracker) }
            if tracker.prefetches {
                tracker.prefetch(packetHashes.span.extracting(handful(3)))
                tracker.prefetchChains(packetHashes.span.extracting(handful(2)))
                tracker.prefetchTails(packetHashes.span.extracting(handful(1)))
            }
            for place in handful(0) {
                if tracked == prepared { return false }
                now = packetTimes[place]
                _ = tracker.track(arrival, key: packetKeys[place], hash: packetHashes[place], now: now, worker: worker)
                tracked += 1
            }
            return true
        }

        /// Where the handful lies that is so many behind the one to be tracked next.
        private func handful(_ behind: Int) -> Range<Int> {
            let begin = (tracked + behind * Self.handful) & 63
            return begin..<begin + Self.handful
        }
    }
}
