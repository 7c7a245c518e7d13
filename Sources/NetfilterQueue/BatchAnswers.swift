import Dataplane
import Glibc
import Logging
import Wire

/// From the packets of a batch to its verdicts, with everything that is counted on the way.
struct BatchAnswers: ~Copyable {
    /// Decides and counts.
    var path: PacketPath
    /// The verdicts that are not sent yet.
    var verdicts: VerdictBuffer
    private let queue: UInt16
    private var packets = 0
    private var began: UInt64 = 0
    private var limit = LogLimit()

    init(queue: UInt16, capacity: Int, path: consuming PacketPath) {
        self.queue = queue
        self.path = path
        verdicts = VerdictBuffer(queue: queue, capacity: capacity)
    }

    /// Begins a batch: takes up a newer snapshot and the time.
    mutating func begin() {
        path.refresh()
        began = monotonicNanoseconds()
        packets = 0
    }

    /// Decides a packet and keeps its verdict.
    @inline(__always)
    mutating func add(_ packet: PacketMessage, in datagram: RawSpan) {
        let bytes = datagram.extracting(packet.payloadOffset..<(packet.payloadOffset + packet.payloadLength))
        let decision = path.process(bytes, wireLength: packet.wireLength)
        if packet.aggregate { path.count(.aggregates) }
        verdicts.append(packet.id, decision.verdict)
        packets += 1
    }

    /// Ends a batch: its verdicts are encoded, its time is counted.
    mutating func finish() {
        verdicts.finish()
        path.countBatch(packets: packets, nanoseconds: monotonicNanoseconds() &- began)
    }

    /// Sends the verdicts, if there are any.
    mutating func send<Socket: QueueSocket & ~Copyable>(through socket: inout Socket) {
        verdicts.finish()
        guard verdicts.messages > 0 else { return }
        path.count(.verdictMessages, UInt64(verdicts.messages))
        let result = socket.send(verdicts.bytes)
        verdicts.removeAll()
        if case .failed(let error) = result { count(.sendFailures, error.description) }
    }

    /// The kernel refused a verdict message.
    mutating func noteRefusal(_ code: Int32) {
        switch code {
        case 0: break
        case ENOENT: path.count(.verdictsLate)
        default: count(.verdictsRefused, SystemError("a verdict was refused", code: code).description)
        }
    }

    /// Counts an event.
    mutating func count(_ event: WorkerEvent) { path.count(event) }

    /// Counts an event and tells it, at most once a second.
    mutating func count(_ event: WorkerEvent, _ message: @autoclosure () -> String) {
        path.count(event)
        guard let held = limit.admit() else { return }
        Log.warning("queue \(queue): \(message())" + (held > 0 ? " (and \(held) more like it)" : ""))
    }
}

/// CLOCK_MONOTONIC in nanoseconds.
func monotonicNanoseconds() -> UInt64 {
    var now = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &now)
    return UInt64(now.tv_sec) &* 1_000_000_000 &+ UInt64(now.tv_nsec)
}
