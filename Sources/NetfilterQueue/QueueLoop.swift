import Dataplane

/// Receives batches, decides every packet, sends all verdicts of a batch in one call.
struct QueueLoop<Socket: QueueSocket & ~Copyable>: ~Copyable {
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
    mutating func turn() -> QueueTurn {
        let impatient = answers.isImpatient
        return answers.turn(
            through: &socket, into: &batch, waits: !impatient, pause: impatient ? Self.impatience : 0
        ) { packet, datagram, answers in
            answers.add(packet, in: datagram)
        }
    }
}
