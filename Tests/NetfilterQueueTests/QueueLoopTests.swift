import CAllocationCounter
import Dataplane
import Glibc
import Testing
import Tracking

@testable import NetfilterQueue

/// Gives back what the test wrote down, call by call.
struct ScriptedSocket: QueueSocket, ~Copyable {
    enum Step {
        case datagrams([[UInt8]])
        case result(ReceiveResult)
    }

    var script: [Step]
    var sendResults: [SendResult] = []
    var sent: [[UInt8]] = []

    init(_ script: [Step], sendResults: [SendResult] = []) {
        self.script = script
        self.sendResults = sendResults
    }

    mutating func receive(into batch: inout MessageBatch, waits: Bool) -> ReceiveResult {
        guard !script.isEmpty else { return .quiet }
        switch script.removeFirst() {
        case .result(let result): return result
        case .datagrams(let datagrams):
            for (slot, datagram) in datagrams.enumerated() { batch.fill(slot, with: datagram) }
            return .messages(datagrams.count)
        }
    }

    mutating func send(_ bytes: RawSpan) -> SendResult {
        sent.append(unsafe bytes.withUnsafeBytes { unsafe [UInt8]($0) })
        return sendResults.isEmpty ? .sent : sendResults.removeFirst()
    }
}

@Suite("The loop that serves a queue")
struct QueueLoopTests {
    let publisher: SnapshotPublisher
    let counters = WorkerCounters(capacity: CounterCapacity())
    let fragments: FragmentTracking

    init() throws {
        publisher = try threeBackends()
        fragments = try FragmentTracking(FragmentLimits())
    }

    private func packets(_ range: ClosedRange<UInt32>, seed: UInt64 = 1) -> [[UInt8]] {
        var random = SeededGenerator(state: seed)
        return range.map {
            PacketDatagram(id: $0, queue: 5, packet: udpPacket(&random)).encoded(copyRange: 256)
        }
    }

    @Test func aBatchIsAnsweredByOneSendAndEveryPacketOnce() {
        var loop = QueueLoop(
            QueueSettings(number: 5), socket: ScriptedSocket([.datagrams(packets(1...40))]),
            path: PacketPath(publisher: publisher, counters: counters, fragments: fragments))
        let turn = loop.turn()
        let sent = loop.socket.sent
        #expect(turn == .init() && sent.count == 1)
        var kernel = ModelKernel(waiting: Array(1...40))
        kernel.receive(sent[0])
        #expect(kernel.waiting.isEmpty)
        #expect(counters.packets == 40 && counters.packets(.forwarded) == 40)
        #expect((0..<3).reduce(0) { $0 + counters.packets(backend: $1) } == 40)
        #expect((0..<3).allSatisfy { counters.packets(backend: $0) > 0 })
    }

    @Test func noMessageOfTheSocketEndsTheLoop() {
        let refusal: [UInt8] =
            [36, 0, 0, 0, 2, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0] + [0xFE, 0xFF, 0xFF, 0xFF]
            + [40, 0, 0, 0, 1, 3, 1, 0, 77, 0, 0, 0, 0, 0, 0, 0]
        var loop = QueueLoop(
            QueueSettings(number: 5),
            socket: ScriptedSocket(
                [
                    .result(.overrun), .result(.interrupted), .result(.quiet), .datagrams([[1, 2, 3]]),
                    .datagrams([refusal]), .result(.failed(SystemError("recvmmsg", code: EIO))),
                    .datagrams(packets(1...3)), .datagrams(packets(4...6)),
                ],
                sendResults: [.failed(SystemError("send", code: ENOMEM)), .sent]),
            path: PacketPath(publisher: publisher, counters: counters, fragments: fragments))
        for _ in 0..<8 {
            let turn = loop.turn()
            #expect(turn.fatal == nil)
        }
        #expect(counters.count(.overruns) == 1)
        #expect(counters.count(.messagesSkipped) == 1)
        #expect(counters.count(.verdictsLate) == 1)
        #expect(counters.count(.receiveFailures) == 1)
        #expect(counters.count(.sendFailures) == 1)
        #expect(counters.count(.batches) == 2)
        #expect(counters.packets == 6)
        let sent = loop.socket.sent
        #expect(sent.count == 2)
    }

    /// The turn of a queue's loop and of the full-copy queue alike.
    @Test(arguments: [
        (EIO, false), (ENOMEM, false), (ENOBUFS, false), (EINVAL, false), (EBADF, true), (ENOTSOCK, true),
    ]) func onlyTheLossOfTheSocketEndsAQueue(code: Int32, isFatal: Bool) {
        let error = SystemError("recvmmsg", code: code)
        let settings = QueueSettings(number: 5)
        var socket = ScriptedSocket([.result(.failed(error)), .datagrams(packets(1...3))])
        var batch = MessageBatch(slots: settings.batch, copyRange: Int(settings.copyRange))
        var answers = BatchAnswers(
            settings, path: PacketPath(publisher: publisher, counters: counters, fragments: fragments))
        let turns = (0..<2).map { _ in
            answers.turn(through: &socket, into: &batch, waits: false) { packet, datagram, answers in
                answers.add(packet, in: datagram)
            }
        }
        #expect(turns == [QueueTurn(fatal: isFatal ? error : nil), QueueTurn()])
        #expect(counters.count(.receiveFailures) == 1 && counters.packets(.forwarded) == 3)
    }

    @Test func theAnswerToARequestReachesTheOwner() {
        let sequence = NetlinkQueueSocket.bindSequence
        let bytes: [UInt8] =
            [36, 0, 0, 0, 2, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0] + [0xFF, 0xFF, 0xFF, 0xFF]
            + [40, 0, 0, 0, 2, 3, 1, 0, UInt8(sequence & 0xFF), 0xFF, 0xFF, 0xFF, 0, 0, 0, 0]
        var loop = QueueLoop(
            QueueSettings(number: 5), socket: ScriptedSocket([.datagrams([bytes])]),
            path: PacketPath(publisher: publisher, counters: counters, fragments: fragments))
        let turn = loop.turn()
        #expect(turn.answer == RequestAnswer(sequence: sequence, code: EPERM))
        #expect(counters.count(.verdictsRefused) == 0)
    }

    @Test func theSumOfTheOutcomesEqualsThePacketsWhateverTheyHold() {
        var random = SeededGenerator(state: 3)
        var datagrams: [[UInt8]] = []
        for id in 1...5_000 {
            var packet = udpPacket(&random, to: UInt8.random(in: 99...101, using: &random))
            if id % 3 == 0 {
                packet[Int.random(in: 0..<28, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            if id % 7 == 0 { packet = Array(packet.prefix(Int.random(in: 0...63, using: &random))) }
            datagrams.append(PacketDatagram(id: UInt32(id), queue: 5, packet: packet).encoded(copyRange: 256))
        }
        var loop = QueueLoop(
            QueueSettings(number: 5), socket: RecordedSocket(datagrams),
            path: PacketPath(publisher: publisher, counters: counters, fragments: fragments))
        while counters.count(.packetsReceived) < 5_000 { _ = loop.turn() }
        // What a byte more or less has made a fragment waits for the first of its packet.
        let parked = counters.count(.packetsParked) - counters.count(.packetsUnparked)
        #expect(counters.packets + parked == 5_000 && counters.count(.packetsReceived) == 5_000)
        #expect(
            counters.packets(.forwarded) > 0 && counters.packets(.noService) > 0 && counters.packets(.malformed) > 0)
        #expect(
            counters.packets(service: 0) + counters.packets(.noService) + counters.packets(.fragmentRejected)
                + counters.packets(.malformed) + counters.packets(.unreadable) + parked == 5_000)
    }

    @Test(.enabled(if: ab_counts_allocations(), "a sanitizer has a malloc of its own: nothing can be counted"))
    func nothingIsAllocatedForAPacketAfterWarmUp() {
        var loop = QueueLoop(
            QueueSettings(number: 5), socket: RecordedSocket(packets(1...1_000)),
            path: PacketPath(publisher: publisher, counters: counters, fragments: fragments))
        for _ in 0..<100 { _ = loop.turn() }
        let packetsBefore = counters.packets
        let before = ab_allocations()
        for _ in 0..<1_000 { _ = loop.turn() }
        let allocations = ab_allocations() - before
        #expect(counters.packets - packetsBefore > 50_000)
        #expect(allocations == 0)
        // The counter counts: an array on the heap is seen.
        let counted = ab_allocations()
        let array = [UInt8](repeating: 1, count: Int(counters.packets % 7) + 1_000)
        #expect(array.count >= 1_000 && ab_allocations() > counted)
    }
}
