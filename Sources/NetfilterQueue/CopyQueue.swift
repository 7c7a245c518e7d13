import CNetfilterQueue
import Dataplane
import Glibc

/// A packet of the full-copy queue.
public struct CopiedPacket: Sendable {
    /// Its whole length in bytes, from the layer-3 header on.
    public let wireLength: Int
    /// The kernel joined several packets into this one (GSO): it is not one payload.
    public let isAggregate: Bool
    /// The hardware address of the frame it came in; 0: not known.
    public let sender: UInt64
}

/// What is to be done with a packet of the full-copy queue.
public enum CopyAnswer: Equatable, Sendable {
    /// What the data plane does with every packet.
    case ordinary
    /// It has been decided and counted.
    case decided(Verdict)
    /// It waits in the queue of originals, under this name, which is not 0.
    case park(name: UInt32)
}

/// The queue that flagged packets reach with all their bytes, and the parking queue where they wait as originals while
/// their payload is being split. Fragments that are not to be split are parked as a worker parks them.
///
/// It belongs to one thread, which waits for its descriptors along with others. What is not to be split goes through the
/// whole data plane, as in any other queue.
public final class CopyQueue {
    private var socket: NetlinkQueueSocket
    private var batch: MessageBatch
    private var answers: BatchAnswers
    private let originals: ParkingQueue
    private var arrivals: MessageBatch
    private var verdicts: VerdictBuffer
    private let settings: QueueSettings

    /// Binds the queue and a parking queue for originals, and waits for the kernel's answers.
    ///
    /// - Parameters:
    ///   - settings: The full-copy queue; packets come one by one, whatever `aggregates` says.
    ///   - originals: The number of the queue in which originals wait.
    ///   - length: How many may wait.
    ///   - path: The thread's own.
    ///   - parking: The parking queues for fragments of all threads that share the table.
    ///   - place: Which of them is this thread's: the number of `path` in the table.
    public init(
        _ settings: QueueSettings, originals: UInt16, length: UInt32, path: consuming PacketPath,
        parking: ParkingPlaces, place: Int
    ) throws(QueueError) {
        var settings = settings
        settings.aggregates = false
        self.settings = settings
        self.originals = try ParkingQueue(number: originals, length: length)
        do throws(SystemError) {
            socket = try NetlinkQueueSocket(settings)
        } catch {
            throw .failed(queue: settings.number, error)
        }
        batch = MessageBatch(slots: settings.batch, copyRange: Int(settings.copyRange))
        arrivals = MessageBatch(slots: 64, copyRange: Int(ParkingQueue.copyRange))
        verdicts = VerdictBuffer(queue: originals, parking: settings.parking, capacity: 64)
        answers = BatchAnswers(settings, path: path, desk: .at(place, of: parking))
        try bind()
    }

    private func bind() throws(QueueError) {
        do throws(SystemError) {
            try socket.requestBind(settings)
        } catch {
            throw .failed(queue: settings.number, error)
        }
        for _ in 0..<50 {
            let turn = take(waits: true) { _, _, _ in .ordinary }
            if let error = turn.fatal { throw .failed(queue: settings.number, error) }
            guard let answer = turn.answer, answer.sequence == NetlinkQueueSocket.bindSequence else { continue }
            guard answer.code == 0 else { throw .bindRefused(queue: settings.number, code: answer.code) }
            return
        }
        throw .failed(queue: settings.number, SystemError("bind of the queue", code: ETIMEDOUT))
    }

    /// Readable when packets have come.
    public var descriptor: Int32 { socket.descriptor }

    /// The thread's way from packet to outcome.
    public func withPath<Result>(_ body: (inout PacketPath) -> Result) -> Result { body(&answers.path) }

    /// Takes what has come, answers it, and sees to fragments that wait for the first of their packet. Call it when
    /// ``descriptor`` is readable, and every 10 ms or so for those whose time is over.
    ///
    /// - Parameter decide: What is to be done with a packet; it gets the packet's bytes from the layer-3 header on, as far
    ///   as they were copied.
    /// - Returns: An error after which the queue is of no use.
    public func receive(
        _ decide: (CopiedPacket, RawSpan, inout PacketPath) -> CopyAnswer
    ) -> SystemError? {
        take(waits: false, decide).fatal
    }

    private func take(
        waits: Bool, _ decide: (CopiedPacket, RawSpan, inout PacketPath) -> CopyAnswer
    ) -> QueueTurn {
        let originals = originals.number
        return answers.turn(through: &socket, into: &batch, waits: waits) { packet, datagram, answers in
            let start = packet.payloadOffset
            let bytes = datagram.extracting(start..<(start + packet.payloadLength))
            let copied = CopiedPacket(
                wireLength: packet.wireLength, isAggregate: packet.aggregate, sender: packet.sender)
            switch decide(copied, bytes, &answers.path) {
            case .ordinary: answers.add(packet, in: datagram)
            case .decided(let verdict): answers.add(packet, decided: verdict)
            case .park(let name): answers.add(packet, parkedAs: name, in: originals)
            }
        }
    }

    /// Takes in which originals have arrived in their parking queue: what `receive` parked is there when it returns.
    ///
    /// - Parameter body: Gets the original's name and the id it is known by from now on.
    public func collectOriginals(_ body: (_ name: UInt32, _ id: UInt32) -> Void) {
        while case .messages(let count) = originals.receive(into: &arrivals) {
            for slot in 0..<count {
                guard let datagram = arrivals.message(slot) else { continue }
                var offset = 0
                while offset < datagram.byteCount {
                    switch QueueMessage.read(datagram, at: &offset) {
                    case .packet(let packet): body(packet.mark, packet.id)
                    case .answer(_, let code): answers.noteRefusal(code)
                    case .other, .broken: answers.count(.messagesSkipped)
                    }
                }
            }
            if count < arrivals.slots { return }
        }
    }

    /// Lets an original go, or ends it, or lets it wait on as a parked fragment; `flush()` sends it.
    public func release(_ id: UInt32, _ verdict: Verdict) {
        if verdicts.isFull { flush() }
        verdicts.appendAlone(id, verdict.action == .accept ? .accept(mark: 0) : verdict, queue: originals.number)
    }

    /// Sends what ``release(_:_:)`` collected.
    public func flush() {
        guard verdicts.messages > 0 else { return }
        answers.path.count(.verdictMessages, UInt64(verdicts.messages))
        if case .failed(let error) = originals.send(verdicts.bytes) { answers.count(.sendFailures, error.description) }
        verdicts.removeAll()
    }

    /// Gives the queue back: what the kernel has let in is answered as ordinary packets first, then the originals that
    /// wait are let go. Fragments go with the workers', when these stop. Takes at most about 200 ms.
    public func close() {
        defer { originals.releaseAll() }
        do throws(SystemError) {
            try socket.requestClose()
        } catch {
            return
        }
        for _ in 0..<20 {
            let turn = take(waits: true) { _, _, _ in .ordinary }
            if turn.fatal != nil || turn.answer?.sequence == NetlinkQueueSocket.closeSequence { return }
        }
    }
}
