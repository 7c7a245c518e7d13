import CNetfilterQueue
import Dataplane
import Glibc

/// The parking queues of all threads that share a table of fragments, each at the place of its thread's number in that
/// table; none if nothing is parked.
///
/// Any of the threads may have to let a fragment go that another one parked: whoever sees the first of a packet releases
/// the rest. So a token's place means the same queue to all of them.
public struct ParkingPlaces: Sendable {
    let queues: [ParkingQueue]

    init(_ queues: [ParkingQueue]) { self.queues = queues }

    /// None: nothing is parked.
    public init() { queues = [] }
}

/// A queue of the kernel's that nobody gives verdicts on until what waits there is decided: one for each thread that
/// parks fragments.
///
/// Never fail-open: packets would leave it at once and overtake those that wait. If it is full, the kernel drops what
/// comes; the name of such a packet never comes back, which is noticed.
final class ParkingQueue: Sendable {
    /// The queue's number.
    let number: UInt16
    private let socket: NetlinkQueueSocket

    /// Bytes of each packet that are copied: the length is all that is wanted, and comes with a copy only.
    static let copyRange: UInt32 = 4

    /// Binds the queue and waits for the kernel's answer.
    ///
    /// - Parameter length: Packets that may wait, at least 1.
    init(number: UInt16, length: UInt32) throws(QueueError) {
        self.number = number
        var settings = QueueSettings(number: number)
        settings.length = length
        settings.copyRange = Self.copyRange
        settings.failOpen = false
        settings.aggregates = false
        settings.batch = 1
        do throws(SystemError) {
            socket = try NetlinkQueueSocket(settings)
            try socket.requestBind(settings)
        } catch {
            throw .failed(queue: number, error)
        }
        try waitUntilBound(settings)
    }

    private func waitUntilBound(_ settings: QueueSettings) throws(QueueError) {
        var batch = MessageBatch(slots: 1, copyRange: Int(settings.copyRange))
        // Each try waits up to 100 ms; the kernel answers in microseconds.
        for _ in 0..<50 {
            guard case .messages = socket.receiveShared(into: &batch, waits: true), let datagram = batch.message(0)
            else { continue }
            var offset = 0
            while offset < datagram.byteCount {
                guard
                    case .answer(let sequence, let code) = QueueMessage.read(datagram, at: &offset),
                    sequence == NetlinkQueueSocket.bindSequence
                else { continue }
                guard code == 0 else { throw .bindRefused(queue: number, code: code) }
                return
            }
        }
        throw .failed(queue: number, SystemError("bind of the parking queue", code: ETIMEDOUT))
    }

    /// For those who wait for several sockets at once.
    var descriptor: Int32 { socket.descriptor }

    /// Takes what has come, without waiting. By the owning thread.
    func receive(into batch: inout MessageBatch) -> ReceiveResult { socket.receiveShared(into: &batch, waits: false) }

    /// Sends verdicts, by any thread: the kernel takes a queue's verdicts from its own socket only.
    func send(_ bytes: RawSpan) -> SendResult { socket.sendShared(bytes) }

    /// Lets everything that waits go, without a mark: it takes the same way as its first fragment, which comes too late
    /// for this process.
    func releaseAll() {
        var verdicts = VerdictBuffer(queue: number, capacity: 1)
        // The two halves of a run that reaches beyond every id: a batch verdict is for all ids up to the last.
        verdicts.append(UInt32(Int32.max) - 1, .accept(mark: 0))
        verdicts.append(UInt32(Int32.max), .accept(mark: 0))
        verdicts.finish()
        _ = socket.sendShared(verdicts.bytes)
    }
}
