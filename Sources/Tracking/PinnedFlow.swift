import Wire

/// Where a flow is pinned.
@frozen
public struct FlowBinding: BitwiseCopyable, Hashable, Sendable {
    /// The backend's number, below the table's `backends`.
    public var backend: UInt16
    /// The firewall mark that goes with it.
    public var mark: UInt32

    /// A binding.
    @inlinable
    public init(backend: UInt16, mark: UInt32) {
        self.backend = backend
        self.mark = mark
    }
}

/// What became of a flow's packet.
@frozen
public enum FlowOutcome: Equatable, Sendable {
    /// The flow was pinned before: this is where it goes, whatever the table of shards says now.
    case pinned(FlowBinding)
    /// The flow is new, and now pinned to the caller's choice.
    case began
    /// The table is full: the packet goes by the caller's choice, and the flow is not pinned.
    case noRoom
}

/// A flow's key in the table: 38 bytes.
struct PinnedKey: TableKey {
    private let source0, source1, destination0, destination1: UInt64
    private let ports: UInt32
    private let kind: UInt16

    @inline(__always)
    init(_ key: FlowKey) {
        source0 = UInt64(key.source.word0) | UInt64(key.source.word1) << 32
        source1 = UInt64(key.source.word2) | UInt64(key.source.word3) << 32
        destination0 = UInt64(key.destination.word0) | UInt64(key.destination.word1) << 32
        destination1 = UInt64(key.destination.word2) | UInt64(key.destination.word3) << 32
        ports = UInt32(key.sourcePort) | UInt32(key.destinationPort) << 16
        kind = UInt16(key.transport) | UInt16(key.source.family.rawValue) << 8
    }

    /// A key that no flow has.
    init() {
        source0 = 0
        source1 = 0
        destination0 = 0
        destination1 = 0
        ports = 0
        kind = 0
    }

    @inline(__always)
    func digest(_ hash: borrowing KeyedHash) -> UInt64 {
        hash.hash(source0, source1, destination0, destination1, UInt64(ports) | UInt64(kind) << 32)
    }
}

/// What is known of one flow: it fits a bucket's note.
struct PinnedState: BitwiseCopyable {
    var mark: UInt32 = 0
    var backend: UInt16 = 0
    private var transport: UInt8 = 0
    private var flags: UInt8 = 0

    private static var opened: UInt8 { 1 }
    private static var ended: UInt8 { 2 }
    private static var replyEnded: UInt8 { 4 }
    private static var wasReset: UInt8 { 8 }

    // Bits of the TCP header's flags (RFC 9293 §3.1).
    private static var fin: UInt8 { 0x01 }
    private static var syn: UInt8 { 0x02 }
    private static var rst: UInt8 { 0x04 }
    private static var ack: UInt8 { 0x10 }

    /// A new flow.
    init(_ binding: FlowBinding, transport: UInt8) {
        mark = binding.mark
        backend = binding.backend
        self.transport = transport
    }

    /// What a note says.
    @inline(__always)
    init(_ note: Note) {
        mark = UInt32(truncatingIfNeeded: note.word)
        backend = UInt16(truncatingIfNeeded: note.word >> 32)
        transport = UInt8(truncatingIfNeeded: note.word >> 48)
        flags = UInt8(truncatingIfNeeded: note.word >> 56)
    }

    /// The note that says it.
    var note: Note {
        @inline(__always) get {
            Note(word: UInt64(mark) | UInt64(backend) << 32 | UInt64(transport) << 48 | UInt64(flags) << 56)
        }
    }

    var binding: FlowBinding { FlowBinding(backend: backend, mark: mark) }

    /// Whether the flow is at its end and this packet opens another with the same addresses and ports.
    func isSucceeded(by tcpFlags: UInt8) -> Bool {
        transport == TransportProtocol.tcp && flags & (Self.ended | Self.replyEnded | Self.wasReset) != 0
            && tcpFlags & (Self.syn | Self.ack | Self.rst) == Self.syn
    }

    /// Learns from a packet's flags; `isReply` if it comes from the backend.
    mutating func learn(_ tcpFlags: UInt8, isReply: Bool) {
        guard transport == TransportProtocol.tcp else { return }
        if tcpFlags & Self.syn == 0 { flags |= Self.opened }
        if tcpFlags & Self.fin != 0 { flags |= isReply ? Self.replyEnded : Self.ended }
        if tcpFlags & Self.rst != 0 { flags |= Self.wasReset }
    }

    /// How long the flow may be idle from now on.
    func patience(_ idle: FlowIdleTimes) -> Int64 {
        switch transport {
        case TransportProtocol.tcp:
            let bothEnded = flags & (Self.ended | Self.replyEnded) == Self.ended | Self.replyEnded
            if flags & Self.wasReset != 0 || bothEnded { return idle.tcpClosed }
            if flags & (Self.ended | Self.replyEnded) != 0 { return idle.tcpClosing }
            return flags & Self.opened != 0 ? idle.tcp : idle.tcpOpening
        case TransportProtocol.udp: return idle.udp
        case TransportProtocol.sctp: return idle.sctp
        default: return idle.other
        }
    }
}
