/// What the network between load balancer and node is like (`TCP_INFO` of the link gives both figures).
public struct LinkConditions: Equatable, Sendable {
    /// The smoothed round trip, in nanoseconds.
    public var roundTrip: UInt64
    /// What the link carries, in bytes a second; above 0.
    public var bytesPerSecond: Double

    /// By default a quick network: 100 µs, 1 Gbit/s.
    public init(roundTrip: UInt64 = 100_000, bytesPerSecond: Double = 125_000_000) {
        self.roundTrip = roundTrip
        self.bytesPerSecond = max(bytesPerSecond, 1)
    }

    /// How long so many bytes are under way and their answer comes back, in nanoseconds.
    public func time(forBytes bytes: Int) -> Double {
        Double(roundTrip) + Double(bytes) * 1_000_000_000 / bytesPerSecond
    }
}

/// A live node as the shard manager sees it.
public struct NodeCondition: Equatable, Sendable {
    /// Its predicted load, 0 … 1: forecast, or what the load table knows.
    public var load: Double
    /// Chunks that it may be sent now.
    public var credit: Int
    /// Its workers, 1 or more.
    public var workers: Int
    /// Chunks that are there before ours: those under way from here, and those of others that wait.
    public var ahead: Double
    /// Its chunk time against that of its type; 1: as usual.
    public var slowness: Double
    /// The network to it.
    public var link: LinkConditions
    /// Whether it is passed over: too slow of late.
    public var isPassedOver: Bool
    /// Whether it has a chunk that takes much longer than usual: it is used where the credit of the others is not enough.
    public var isLate: Bool
    /// Whether it left a job unanswered of late: it is asked last to reassemble.
    public var isSuspect: Bool

    /// All fields.
    public init(
        load: Double = 0, credit: Int = 16, workers: Int = 1, ahead: Double = 0, slowness: Double = 1,
        link: LinkConditions = LinkConditions(), isPassedOver: Bool = false, isLate: Bool = false,
        isSuspect: Bool = false
    ) {
        self.load = load
        self.credit = credit
        self.workers = max(workers, 1)
        self.ahead = ahead
        self.slowness = slowness
        self.link = link
        self.isPassedOver = isPassedOver
        self.isLate = isLate
        self.isSuspect = isSuspect
    }

    /// Chunks that may still be sent so that no worker has more than `depth` of them. A job's own chunks keep nobody
    /// waiting where nothing else is: an idle node may have any number.
    func room(depth: Double) -> Int {
        ahead < 1 ? .max : Int(min(max(depth * Double(workers) - ahead, 0), Double(Int32.max)))
    }

    /// When a chunk sent now would be back, in nanoseconds.
    ///
    /// Network, and work times what is there before it; the predicted load takes its share of the node as a queue does
    /// that is that busy: 1 ÷ (1 − load).
    ///
    /// - Parameters:
    ///   - bytes: of the chunk.
    ///   - work: what a processor needs for it on an idle node.
    public func expectedTime(bytes: Int, work: Double) -> Double {
        let busy = 1 / (1 - min(max(load, 0), 0.95))
        let queue = 1 + ahead / Double(workers)
        return link.time(forBytes: bytes) + work * max(slowness, 0.1) * queue * busy
    }
}
