import CNetfilterQueue
import Dataplane

/// Packets in memory in place of a kernel queue: what `anabranch replay --time` and the tests drive the very loop with
/// that serves a queue.
public struct RecordedQueue: Sendable {
    /// What a run measured.
    public struct Measurement: Sendable {
        /// Packets decided.
        public let packets: UInt64
        /// Nanoseconds from a batch received to its verdicts encoded, summed.
        public let nanoseconds: UInt64
        /// Netlink messages that the verdicts took.
        public let verdictMessages: UInt64
    }

    private let datagrams: [[UInt8]]
    private let settings: QueueSettings

    /// Takes layer-3 packets and wraps each as the kernel would.
    ///
    /// - Parameters:
    ///   - packets: each packet's bytes from its layer-3 header on.
    ///   - settings: the queue to imitate: packets are cut at its copy range and come in batches of its size.
    public init(packets: [[UInt8]], settings: QueueSettings) {
        self.settings = settings
        datagrams = packets.enumerated().map { index, packet in
            PacketDatagram(id: UInt32(truncatingIfNeeded: index + 1), queue: settings.number, packet: packet)
                .encoded(copyRange: Int(settings.copyRange))
        }
    }

    /// Runs all packets `rounds` times through the loop.
    public func run(
        rounds: Int, publisher: SnapshotPublisher, counters: WorkerCounters, fragments: FragmentTracking
    ) -> Measurement {
        guard !datagrams.isEmpty, rounds > 0 else {
            return Measurement(packets: 0, nanoseconds: 0, verdictMessages: 0)
        }
        let events: [WorkerEvent] = [.packetsReceived, .decisionNanoseconds, .verdictMessages]
        let before = events.map { counters.count($0) }
        var loop = QueueLoop(
            settings, socket: RecordedSocket(datagrams),
            path: PacketPath(
                publisher: publisher, counters: counters, fragments: fragments, now: monotonicNanoseconds()))
        let turns = rounds * ((datagrams.count + settings.batch - 1) / settings.batch)
        for _ in 0..<turns { _ = loop.turn() }
        return Measurement(
            packets: counters.count(.packetsReceived) - before[0],
            nanoseconds: counters.count(.decisionNanoseconds) - before[1],
            verdictMessages: counters.count(.verdictMessages) - before[2])
    }
}

/// Hands out recorded datagrams round after round and keeps what is sent, if asked to.
struct RecordedSocket: QueueSocket, ~Copyable {
    /// Every datagram sent, while `keepsSent`.
    private(set) var sent: [[UInt8]] = []
    private let datagrams: [[UInt8]]
    private let keepsSent: Bool
    private var next = 0

    init(_ datagrams: [[UInt8]], keepsSent: Bool = false) {
        self.datagrams = datagrams
        self.keepsSent = keepsSent
    }

    mutating func receive(into batch: inout MessageBatch, waits: Bool) -> ReceiveResult {
        guard !datagrams.isEmpty else { return .quiet }
        let count = min(batch.slots, datagrams.count - next)
        for slot in 0..<count { batch.fill(slot, with: datagrams[next + slot]) }
        next = (next + count) % datagrams.count
        return .messages(count)
    }

    mutating func send(_ bytes: RawSpan) -> SendResult {
        guard keepsSent else { return .sent }
        sent.append(unsafe bytes.withUnsafeBytes { unsafe [UInt8]($0) })
        return .sent
    }
}

/// A packet as one netlink datagram of the kernel's: header, nfgenmsg and the attributes that it sends.
struct PacketDatagram {
    var id: UInt32
    var queue: UInt16
    var packet: [UInt8]
    var aggregate = false

    func encoded(copyRange: Int) -> [UInt8] {
        let copied = min(packet.count, copyRange)
        var body: [UInt8] = [packet.first.map { $0 >> 4 == 6 ? 10 : 2 } ?? 0, 0] + Self.big(queue)
        let ethertype: UInt16 = packet.first.map { $0 >> 4 == 6 ? 0x86DD : 0x0800 } ?? 0
        Self.attribute(NFQA_PACKET_HDR.rawValue, Self.big(id) + Self.big(ethertype) + [0], into: &body)
        Self.attribute(NFQA_IFINDEX_INDEV.rawValue, Self.big(UInt32(2)), into: &body)
        if aggregate { Self.attribute(NFQA_SKB_INFO.rawValue, Self.big(UInt32(NFQA_SKB_GSO)), into: &body) }
        if copied < packet.count {
            Self.attribute(NFQA_CAP_LEN.rawValue, Self.big(UInt32(packet.count)), into: &body)
        }
        Self.attribute(NFQA_PAYLOAD.rawValue, Array(packet.prefix(copied)), into: &body)
        let length = UInt32(NetlinkFormat.headerLength + body.count)
        return Self.native(length) + Self.native(NetlinkFormat.typePacket) + [0, 0]
            + Self.native(UInt32(0)) + Self.native(UInt32(0)) + body
    }

    private static func attribute(_ type: UInt32, _ value: [UInt8], into body: inout [UInt8]) {
        body += native(UInt16(4 + value.count)) + native(UInt16(type)) + value
        while body.count % 4 != 0 { body.append(0) }
    }

    private static func big<Value: FixedWidthInteger>(_ value: Value) -> [UInt8] { native(value.bigEndian) }

    private static func native<Value: FixedWidthInteger>(_ value: Value) -> [UInt8] {
        unsafe withUnsafeBytes(of: value) { unsafe [UInt8]($0) }
    }
}
