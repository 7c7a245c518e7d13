/// How long a flow may be idle before it is forgotten, in nanoseconds.
public struct FlowIdleTimes: Equatable, Sendable {
    /// TCP, packets seen in the established connection.
    public var tcp: Int64 = 3600 * 1_000_000_000
    /// TCP, nothing but the opening SYN seen: short, so that a SYN flood does not fill the table.
    public var tcpOpening: Int64 = 30 * 1_000_000_000
    /// TCP, one side has ended (FIN); a balancer that sees one direction only sees no more than this.
    public var tcpClosing: Int64 = 120 * 1_000_000_000
    /// TCP, both sides have ended, or one has reset: late copies still find their backend.
    public var tcpClosed: Int64 = 10 * 1_000_000_000
    /// SCTP: heartbeats come every 30 s (RFC 9260 §8.3), so several may be lost.
    public var sctp: Int64 = 300 * 1_000_000_000
    /// UDP.
    public var udp: Int64 = 120 * 1_000_000_000
    /// Everything else.
    public var other: Int64 = 60 * 1_000_000_000

    /// The defaults.
    public init() {}

    /// The shortest of them.
    var shortest: Int64 {
        min(min(min(tcp, tcpOpening), min(tcpClosing, tcpClosed)), min(sctp, min(udp, other)))
    }
}

/// How large a table of pinned flows is.
public struct FlowLimits: Equatable, Sendable {
    /// Main buckets, 1 … 2^28. Any number.
    public var size: Int
    /// Extra buckets for collisions, 0 … 2^28.
    public var buckets: Int
    /// Backends that flows can be pinned to, numbered from 0: 1 … 65,536.
    public var backends: Int
    /// Threads that use the table, 1 … 64.
    public var workers: Int
    /// When a flow is forgotten.
    public var idle: FlowIdleTimes

    /// Limits; see the properties. The default has room for about 100,000 flows.
    public init(
        size: Int = 65_536, buckets: Int = 65_536, backends: Int = 1024, workers: Int = 1,
        idle: FlowIdleTimes = FlowIdleTimes()
    ) {
        self.size = size
        self.buckets = buckets
        self.backends = backends
        self.workers = workers
        self.idle = idle
    }

    /// Bytes of memory that a table with these limits takes, all of it at start: 64 for each bucket, 4 bytes of link
    /// for each extra one, and 4 bytes per backend and worker.
    public var memory: Int {
        var plan = RegionPlan()
        _ = FlowTable.reserve(self, in: &plan)
        return plan.byteCount
    }

    func validate() throws(TrackingError) {
        func check(_ name: String, _ value: Int64, _ range: ClosedRange<Int64>) throws(TrackingError) {
            guard range.contains(value) else {
                throw .limit("\(name) is \(value); it must be \(range.lowerBound) to \(range.upperBound)")
            }
        }
        try check("size", Int64(size), 1...(1 << 28))
        try check("buckets", Int64(buckets), 0...(1 << 28))
        try check("backends", Int64(backends), 1...65_536)
        try check("workers", Int64(workers), 1...64)
        try check("shortest idle time (in nanoseconds)", idle.shortest, 1_000_000...Int64.max / 4)
    }
}
