import Dataplane
import Glibc
import Logging
import Wire

/// The kernel's answer to a request that its owner sent through a queue's socket.
struct RequestAnswer: Equatable {
    /// The request's sequence number.
    let sequence: UInt32
    /// 0, or why the kernel refused the request (errno value).
    let code: Int32
}

/// What one turn around a queue met, for its owner to act on.
struct QueueTurn: Equatable {
    /// The kernel's answer to a request of the owner, if one came.
    var answer: RequestAnswer?
    /// The socket is of no use any more.
    var fatal: SystemError?
}

/// From the packets of a batch to its verdicts, with everything that is counted on the way.
struct BatchAnswers: ~Copyable {
    /// Decides and counts.
    var path: PacketPath
    /// The verdicts that are not sent yet.
    var verdicts: VerdictBuffer
    private let queue: UInt16
    private var desk: ParkingDesk?
    private var packets = 0
    private var fragments = false
    private var began: Int64 = 0
    private var limit = LogLimit()
    private var devices = DeviceLimits()
    private var joined = JoinedNotice()

    init(_ settings: QueueSettings, path: consuming PacketPath, desk: consuming ParkingDesk? = nil) {
        queue = settings.number
        self.path = path
        self.desk = desk
        verdicts = VerdictBuffer(queue: settings.number, parking: settings.parking, capacity: settings.batch)
    }

    /// Receives what has come and answers it; if nothing has, sees to what is parked. A call that fails is counted and
    /// told, and tried again with the next turn; only the loss of the socket itself is fatal.
    ///
    /// - Parameters:
    ///   - waits: Whether to wait for packets.
    ///   - pause: Microseconds to sleep if nothing has come.
    ///   - add: Decides one packet of a datagram and keeps its verdict.
    @inline(__always)
    mutating func turn<Socket: QueueSocket & ~Copyable>(
        through socket: inout Socket, into batch: inout MessageBatch, waits: Bool, pause: UInt32 = 0,
        _ add: (PacketMessage, RawSpan, inout BatchAnswers) -> Void
    ) -> QueueTurn {
        switch socket.receive(into: &batch, waits: waits) {
        case .messages(let count):
            return QueueTurn(answer: answer(count, of: batch, through: &socket, add))
        case .quiet:
            if pause > 0 { usleep(pause) }
            begin()
            settle()
        case .interrupted:
            break
        case .overrun:
            count(.overruns, "the receive buffer ran over, the kernel dropped packets: raise queues.receive_buffer")
        case .failed(let error):
            count(.receiveFailures, error.description)
            if error.code == EBADF || error.code == ENOTSOCK { return QueueTurn(fatal: error) }
        }
        return QueueTurn()
    }

    /// Begins a batch: takes up a newer snapshot and the time.
    mutating func begin() {
        began = monotonicNanoseconds()
        path.refresh(now: began)
        packets = 0
        fragments = false
    }

    /// Answers the messages of a batch: decides its packets, sends their verdicts, sees to what was parked.
    ///
    /// - Parameter add: Decides one packet of a datagram and keeps its verdict.
    /// - Returns: The kernel's answer to a request of the owner, if one was among them.
    @inline(__always)
    mutating func answer<Socket: QueueSocket & ~Copyable>(
        _ count: Int, of batch: borrowing MessageBatch, through socket: inout Socket,
        _ add: (PacketMessage, RawSpan, inout BatchAnswers) -> Void
    ) -> RequestAnswer? {
        var answer: RequestAnswer?
        begin()
        for slot in 0..<count {
            guard let datagram = batch.message(slot) else {
                self.count(.messagesSkipped)
                continue
            }
            var offset = 0
            while offset < datagram.byteCount {
                switch QueueMessage.read(datagram, at: &offset) {
                case .packet(let packet):
                    if verdicts.isFull { send(through: &socket) }
                    add(packet, datagram, &self)
                case .answer(let sequence, let code) where sequence >= NetlinkQueueSocket.bindSequence:
                    answer = RequestAnswer(sequence: sequence, code: code)
                case .answer(_, let code): noteRefusal(code)
                case .other, .broken: self.count(.messagesSkipped)
                }
            }
        }
        finish()
        send(through: &socket)
        settle()
        return answer
    }

    /// Decides a packet and keeps its verdict.
    @inline(__always)
    mutating func add(_ packet: PacketMessage, in datagram: RawSpan) {
        let bytes = datagram.extracting(packet.payloadOffset..<(packet.payloadOffset + packet.payloadLength))
        let decision = path.process(bytes, wireLength: packet.wireLength, sender: packet.sender)
        if packet.aggregate {
            path.count(.aggregates)
        } else if packet.wireLength > DeviceLimits.ordinary {
            noteLong(packet)
        }
        if decision.concernsFragments { fragments = true }
        verdicts.append(packet.id, decision.verdict)
        packets += 1
    }

    /// Keeps the verdict of a packet that was decided elsewhere and is counted there.
    mutating func add(_ packet: PacketMessage, decided verdict: Verdict) {
        verdicts.append(packet.id, verdict)
        packets += 1
    }

    /// Sends a packet to a parking queue that is not the worker's own.
    mutating func add(_ packet: PacketMessage, parkedAs name: UInt32, in queue: UInt16) {
        verdicts.appendParked(packet.id, name: name, in: queue)
        packets += 1
    }

    /// Ends a batch: its verdicts are encoded, its time is counted.
    mutating func finish() {
        verdicts.finish()
        path.countBatch(packets: packets, nanoseconds: UInt64(monotonicNanoseconds() &- began))
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

    /// After the verdicts have been sent: sees to what they parked.
    mutating func settle() { desk?.settle(&path, fragments: fragments, now: began) }

    /// Whether parked packets are to be seen to before more packets are waited for.
    var isImpatient: Bool { desk != nil && path.awaitsParking }

    /// The kernel refused a verdict message.
    mutating func noteRefusal(_ code: Int32) {
        path.note(refusal: code)
        guard code != 0, code != ENOENT, let held = limit.admit() else { return }
        Log.warning(
            "queue \(queue): \(SystemError("a verdict was refused", code: code))" + (held > 0 ? " (\(held) more)" : ""))
    }

    /// Counts an event.
    mutating func count(_ event: WorkerEvent) { path.count(event) }

    /// Counts an event and tells it, at most once a second.
    mutating func count(_ event: WorkerEvent, _ message: @autoclosure () -> String) {
        path.count(event)
        guard let held = limit.admit() else { return }
        Log.warning("queue \(queue): \(message())" + (held > 0 ? " (and \(held) more like it)" : ""))
    }

    @inline(never)
    private mutating func noteLong(_ packet: PacketMessage) {
        guard devices.isJoined(packet, now: began) else { return }
        path.count(.defragmented)
        joined.tell(queue: queue, now: began)
    }
}

/// Tells that packets come put together from fragments: when it begins, and again after a minute without any.
struct JoinedNotice {
    private var last: Int64?

    private static let pause: Int64 = 60_000_000_000

    mutating func tell(queue: UInt16, now: Int64) {
        let before = last
        last = now
        if let before, now &- before < Self.pause { return }
        Log.notice(
            "queue \(queue): packets arrive defragmented (connection tracking is in force): "
                + "they are placed as whole ones")
    }
}

extension PacketPath {
    /// Counts the kernel's refusal of a verdict message.
    func note(refusal code: Int32) {
        switch code {
        case 0: break
        case ENOENT: count(.verdictsLate)
        default: count(.verdictsRefused)
        }
    }
}

extension Decision {
    /// Whether a fragment was decided: parked ones of its packet may have to follow.
    var concernsFragments: Bool {
        switch outcome {
        case .forwarded, .forwardedError, .noService, .noBackend, .unreadable: verdict.action == .park
        default: true
        }
    }
}

/// CLOCK_MONOTONIC in nanoseconds.
func monotonicNanoseconds() -> Int64 {
    var now = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &now)
    return Int64(now.tv_sec) &* 1_000_000_000 &+ Int64(now.tv_nsec)
}
