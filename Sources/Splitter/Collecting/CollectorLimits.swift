/// How much of unfinished packets a ``PayloadCollector`` keeps, and for how long.
public struct CollectorLimits: Equatable, Sendable {
    /// Unfinished packets at once, those included that are only remembered so that their last fragments fare as the first
    /// ones did; 1 … 1,048,576.
    public var packets: Int
    /// Bytes of memory for all of them, bookkeeping included; 1 MiB … 16 GiB, so that one packet always fits.
    public var bytes: Int
    /// What one source may hold of both while there is still room, in percent; 1 … 100. It may always hold one packet.
    public var share: Int
    /// Fragments of one packet; 2 … 8,192. A packet of 65,535 bytes has 46 over Ethernet, and 1,366 over the smallest
    /// link that IPv4 allows (68 bytes, RFC 791).
    public var fragments: Int
    /// The longest time between two fragments of a packet, in nanoseconds; 1 ms … 1 h.
    public var ttl: Int64

    /// Limits; see the properties.
    public init(
        packets: Int = 4096, bytes: Int = 64 << 20, share: Int = 100, fragments: Int = 1500, ttl: Int64 = 200_000_000
    ) {
        self.packets = packets
        self.bytes = bytes
        self.share = share
        self.fragments = fragments
        self.ttl = ttl
    }

    /// The first limit that is out of its range, as a sentence; nil if all are good.
    public var fault: String? {
        func check(_ name: String, _ value: Int64, _ range: ClosedRange<Int64>) -> String? {
            range.contains(value)
                ? nil : "\(name) is \(value); it must be \(range.lowerBound) to \(range.upperBound)"
        }
        return check("packets", Int64(packets), 1...1_048_576)
            ?? check("bytes", Int64(bytes), (1 << 20)...(16 << 30))
            ?? check("share (in percent)", Int64(share), 1...100)
            ?? check("fragments", Int64(fragments), 2...8192)
            ?? check("ttl (in nanoseconds)", ttl, 1_000_000...3_600_000_000_000)
    }
}
