import CNetfilterQueue
import Dataplane

/// The verdicts of one batch as netlink messages, ready to be sent in one call.
///
/// Packets are answered in the order they came. A run of equal verdicts becomes one batch verdict, which the kernel
/// carries out on all waiting packets up to the run's last id; the ones before have been answered by the messages
/// before it in the same send.
@safe
struct VerdictBuffer: ~Copyable {
    /// Bytes of a verdict with a mark, the longest message.
    static let messageLength = 40

    /// Messages encoded since the last `removeAll`.
    private(set) var messages = 0
    private let queue: UInt16
    private let parking: UInt16
    private let capacity: Int
    private let memory: UnsafeMutableRawPointer
    private var count = 0
    private var sequence: UInt32 = 0
    private var runLength = 0
    private var runLast: UInt32 = 0
    private var runVerdict = Verdict.drop

    /// Room for the verdicts of `capacity` packets of the queue.
    ///
    /// - Parameter parking: The queue that packets to be parked are sent to.
    init(queue: UInt16, parking: UInt16? = nil, capacity: Int) {
        self.queue = queue
        self.parking = parking ?? queue
        self.capacity = capacity
        unsafe memory = .allocate(byteCount: capacity * Self.messageLength, alignment: 64)
    }

    deinit { unsafe memory.deallocate() }

    /// Whether another verdict might not find room: what is here has to be sent first.
    var isFull: Bool { messages + (runLength > 0 ? 1 : 0) >= capacity }

    /// Adds a packet's verdict. Ids must come in the kernel's order.
    @inline(__always)
    mutating func append(_ id: UInt32, _ verdict: Verdict) {
        if runLength > 0 && verdict == runVerdict {
            runLength += 1
        } else {
            closeRun()
            runLength = 1
            runVerdict = verdict
        }
        runLast = id
    }

    /// The messages so far, whole. Empty if there are none.
    mutating func finish() {
        closeRun()
    }

    /// What `finish` completed, for one send.
    var bytes: RawSpan {
        @_lifetime(borrow self)
        get {
            let span = unsafe RawSpan(_unsafeStart: memory, byteCount: count)
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }

    /// Forgets the messages, after they were sent.
    mutating func removeAll() {
        count = 0
        messages = 0
    }

    @inline(__always)
    private mutating func closeRun() {
        guard runLength > 0 else { return }
        let type = runLength > 1 ? NetlinkFormat.typeBatchVerdict : NetlinkFormat.typeVerdict
        encode(type, queue: queue, runLast, runVerdict)
        runLength = 0
    }

    /// Adds a verdict that sends a packet to another queue, under a name.
    mutating func appendParked(_ id: UInt32, name: UInt32, in other: UInt16) {
        closeRun()
        encode(NetlinkFormat.typeVerdict, queue: queue, id, .park(name), to: other)
    }

    /// Adds a verdict on one packet of a queue whose other packets wait on, whatever their ids.
    mutating func appendAlone(_ id: UInt32, _ verdict: Verdict, queue: UInt16) {
        encode(NetlinkFormat.typeVerdict, queue: queue, id, verdict)
    }

    @inline(__always)
    private mutating func encode(
        _ type: UInt16, queue: UInt16, _ id: UInt32, _ answer: Verdict, to other: UInt16? = nil
    ) {
        precondition(messages < capacity, "the caller looks at isFull before it adds a verdict")
        let marked = answer.action == .acceptMarked || answer.action == .park
        let length = marked ? Self.messageLength : Self.messageLength - 8
        let verdict =
            switch answer.action {
            case .accept, .acceptMarked: NetlinkFormat.verdictAccept
            case .drop: NetlinkFormat.verdictDrop
            case .park: NetlinkFormat.verdictQueue | UInt32(other ?? parking) << 16
            }
        sequence &+= 1
        // struct nlmsghdr: length, type, flags, sequence, port (0: the kernel)
        store(0, UInt32(length))
        store(4, type)
        store(6, NetlinkFormat.flagRequest)
        store(8, sequence)
        store(12, UInt32(0))
        // struct nfgenmsg: family, version, resource id = queue
        store(16, UInt16(0))
        store(18, queue.bigEndian)
        // NFQA_VERDICT_HDR: verdict, id
        store(20, UInt16(12))
        store(22, UInt16(NFQA_VERDICT_HDR.rawValue))
        store(24, verdict.bigEndian)
        store(28, id.bigEndian)
        if marked {
            store(32, UInt16(8))
            store(34, UInt16(NFQA_MARK.rawValue))
            store(36, answer.mark.bigEndian)
        }
        count += length
        messages += 1
    }

    @inline(__always)
    private func store<Value: FixedWidthInteger & BitwiseCopyable>(_ offset: Int, _ value: Value) {
        // SAFETY: closeRun has checked that a message fits behind `count`.
        unsafe memory.storeBytes(of: value, toByteOffset: count + offset, as: Value.self)
    }
}
