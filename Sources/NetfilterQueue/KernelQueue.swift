import Glibc

/// What the kernel says of one queue: a line of /proc/net/netfilter/nfnetlink_queue.
public struct KernelQueue: Equatable, Sendable {
    /// The queue's number.
    public let number: UInt16
    /// Netlink port id of the socket that bound it.
    public let portID: UInt32
    /// Packets that wait for a verdict now.
    public let waiting: UInt64
    /// 0 nothing, 1 metadata, 2 packets.
    public let copyMode: UInt8
    /// Bytes copied of each packet.
    public let copyRange: UInt32
    /// Packets dropped because the queue was full.
    public let droppedFull: UInt64
    /// Packets dropped because the socket could not take them (its receive buffer was full).
    public let droppedBuffer: UInt64
    /// The id of the newest packet: packets queued since the bind, modulo 2^32.
    public let lastID: UInt64

    /// Reads a line; nil if it is none.
    public init?(line: Substring) {
        let fields = line.split(whereSeparator: { $0 == " " || $0 == "\t" })
        guard fields.count >= 8, let number = UInt16(fields[0]), let portID = UInt32(fields[1]),
            let waiting = UInt64(fields[2]), let copyMode = UInt8(fields[3]), let copyRange = UInt32(fields[4]),
            let droppedFull = UInt64(fields[5]), let droppedBuffer = UInt64(fields[6]), let lastID = UInt64(fields[7])
        else { return nil }
        self.number = number
        self.portID = portID
        self.waiting = waiting
        self.copyMode = copyMode
        self.copyRange = copyRange
        self.droppedFull = droppedFull
        self.droppedBuffer = droppedBuffer
        self.lastID = lastID
    }

    /// All bound queues of the network namespace; nil when the file cannot be read (systemd's `ProcSubset=pid` hides it).
    public static func all() -> [KernelQueue]? {
        read("/proc/net/netfilter/nfnetlink_queue")?.split(separator: "\n").compactMap { KernelQueue(line: $0) }
    }

    static func read(_ path: String) -> String? {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var text: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = unsafe Glibc.read(descriptor, &chunk, chunk.count)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return count == 0 ? String(decoding: text, as: UTF8.self) : nil }
            text += chunk[..<count]
        }
    }
}
