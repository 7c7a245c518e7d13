import Dataplane
import Glibc
import Wire

/// Receives batches, decides every packet, sends all verdicts of a batch in one call.
struct QueueLoop<Socket: QueueSocket & ~Copyable>: ~Copyable {
    /// What one turn of the loop met, for the owner to act on.
    struct Turn: Equatable {
        /// The kernel's answer to a request of the owner, if one came.
        var answer: RequestAnswer?
        /// The socket is of no use any more.
        var fatal: SystemError?
    }

    private(set) var socket: Socket
    private var batch: MessageBatch
    private var answers: BatchAnswers

    init(
        _ settings: QueueSettings, socket: consuming Socket, path: consuming PacketPath,
        desk: consuming ParkingDesk? = nil
    ) {
        self.socket = socket
        batch = MessageBatch(slots: settings.batch, copyRange: Int(settings.copyRange))
        answers = BatchAnswers(settings, path: path, desk: desk)
    }

    /// While parked packets that may go have not shown up yet, how long it is waited for them at a time, in microseconds.
    private static var impatience: UInt32 { 50 }

    /// Waits for packets and answers them.
    mutating func turn() -> Turn {
        var result = Turn()
        let impatient = answers.isImpatient
        switch socket.receive(into: &batch, waits: !impatient) {
        case .messages(let count):
            result.answer = answers.answer(count, of: batch, through: &socket) { packet, datagram, answers in
                answers.add(packet, in: datagram)
            }
        case .quiet:
            if impatient { usleep(Self.impatience) }
            answers.begin()
            answers.settle()
        case .interrupted:
            break
        case .overrun:
            answers.count(
                .overruns, "the receive buffer ran over, the kernel dropped packets: raise queues.receive_buffer")
        case .failed(let error):
            answers.count(.receiveFailures, error.description)
            if error.code == EBADF || error.code == ENOTSOCK { result.fatal = error }
        }
        return result
    }
}
