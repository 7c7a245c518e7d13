/// How large a fragment tracker is, and how patient.
public struct FragmentLimits: Equatable, Sendable {
    /// ft_size: main buckets, 1 … 2^28. Any number; it need not be prime.
    public var size: Int
    /// ft_buckets: extra buckets for collisions, 0 … 2^28.
    public var buckets: Int
    /// ft_ttl in nanoseconds: the longest time between two fragments of one packet, 1 ms … 1 h.
    public var ttl: Int64
    /// Records for parked fragments, and for packets with more than 19 gaps (one for six gaps), 0 … 1,047,064.
    public var parked: Int
    /// Threads that use the tracker, 1 … 64.
    public var workers: Int
    /// References that may be held at once by those who look at entries for longer than one call, 1 … 32,768.
    public var holders: Int

    /// Limits; see the properties. The default has room for 10,000 fragmented packets/s at a ttl of 200 ms.
    public init(
        size: Int = 2000, buckets: Int = 2000, ttl: Int64 = 200_000_000, parked: Int = 2048, workers: Int = 1,
        holders: Int = 64
    ) {
        self.size = size
        self.buckets = buckets
        self.ttl = ttl
        self.parked = parked
        self.workers = workers
        self.holders = holders
    }

    /// Bytes of memory that a tracker with these limits takes, all of it at start: see ``BucketTable`` for the parts
    /// of a place; add 16 bytes per place and worker for the quota's ring (rounded up to a power of two), 16 KiB per
    /// worker for its counts, twice, 32 KiB for known sources, and 68 bytes per record for parked fragments. The kernel
    /// rounds the whole up to 2 MiB.
    public var memory: Int {
        var plan = RegionPlan()
        _ = FragmentTracker.reserve(self, in: &plan)
        return plan.byteCount
    }

    /// Checks each range.
    func validate() throws(TrackingError) {
        func check(_ name: String, _ value: Int64, _ range: ClosedRange<Int64>) throws(TrackingError) {
            guard range.contains(value) else {
                throw .limit("\(name) is \(value); it must be \(range.lowerBound) to \(range.upperBound)")
            }
        }
        try check("size", Int64(size), 1...(1 << 28))
        try check("buckets", Int64(buckets), 0...(1 << 28))
        try check("ttl (in nanoseconds)", ttl, 1_000_000...3_600_000_000_000)
        try check("parked", Int64(parked), 0...Int64(ParkedFragment.recordLimit - IndexPool.inHands(64)))
        try check("workers", Int64(workers), 1...64)
        try check("holders", Int64(holders), 1...32_768)
    }
}
