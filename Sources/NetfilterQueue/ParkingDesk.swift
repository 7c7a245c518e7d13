import Dataplane

/// A thread's business with the parking queues: it reads what arrives in its own, and sends what has been decided on its
/// way, whichever queue it waits in.
struct ParkingDesk: ~Copyable {
    private let place: Int
    private var arrivals: MessageBatch
    private var answers: ParkingAnswers
    private var swept: Int64 = 0

    /// How often the time of parked packets is looked at while other packets come, in nanoseconds.
    private static let sweepInterval: Int64 = 10_000_000

    /// - Parameters:
    ///   - places: those of all threads that share the table; there is at least this one's.
    ///   - place: which of them is this thread's: its number in the table.
    init(_ places: ParkingPlaces, place: Int) {
        precondition(places.queues.indices.contains(place), "a thread has its parking queue at the place of its number")
        self.place = place
        arrivals = MessageBatch(slots: 64, copyRange: Int(ParkingQueue.copyRange))
        answers = ParkingAnswers(places.queues, place: place)
    }

    /// The same; nil if nothing is parked.
    static func at(_ place: Int, of places: ParkingPlaces) -> ParkingDesk? {
        places.queues.isEmpty ? nil : ParkingDesk(places, place: place)
    }

    /// After a batch's verdicts have been sent: takes in what they parked, and sends what may go or must.
    ///
    /// - Parameters:
    ///   - fragments: whether the batch had any.
    ///   - now: nanoseconds of the monotonic clock.
    mutating func settle(_ path: inout PacketPath, fragments: Bool, now: Int64) {
        guard fragments || now &- swept >= Self.sweepInterval || path.awaitsParking else { return }
        swept = now
        collect(&path)
        release(&path)
    }

    private mutating func collect(_ path: inout PacketPath) {
        while case .messages(let count) = answers.queues[place].receive(into: &arrivals) {
            Self.confirm(count, of: arrivals, in: place, &path, &answers)
            if count < arrivals.slots { break }
        }
        answers.send(&path)
    }

    private static func confirm(
        _ count: Int, of arrivals: borrowing MessageBatch, in place: Int, _ path: inout PacketPath,
        _ answers: inout ParkingAnswers
    ) {
        for slot in 0..<count {
            guard let datagram = arrivals.message(slot) else {
                path.count(.messagesSkipped)
                continue
            }
            var offset = 0
            while offset < datagram.byteCount {
                switch QueueMessage.read(datagram, at: &offset) {
                case .packet(let packet):
                    let token = ParkingToken(place: place, id: packet.id, wireLength: packet.wireLength)
                    if !path.confirm(packet.mark, token: token) { answers.add(.drop, token, &path) }
                case .answer(_, let code): path.note(refusal: code)
                case .other, .broken: path.count(.messagesSkipped)
                }
            }
        }
    }

    private mutating func release(_ path: inout PacketPath) {
        var unparked = InlineArray<16, UnparkedFragment>(repeating: UnparkedFragment())
        while true {
            var span = unparked.mutableSpan
            let count = path.takeUnparked(into: &span)
            if count == 0 { break }
            for index in 0..<count { answers.add(span[index].decision.verdict, span[index].token, &path) }
        }
        answers.send(&path)
    }
}

/// Verdicts on parked packets, collected for one parking queue at a time: the kernel takes a queue's verdicts from the
/// socket that bound it only.
struct ParkingAnswers: ~Copyable {
    let queues: [ParkingQueue]
    private var verdicts: VerdictBuffer
    private var target: Int

    init(_ queues: [ParkingQueue], place: Int) {
        self.queues = queues
        verdicts = VerdictBuffer(queue: queues[place].number, capacity: 64)
        target = place
    }

    /// Adds a verdict; those for one queue are carried out in the order in which they were added.
    mutating func add(_ verdict: Verdict, _ token: ParkingToken, _ path: inout PacketPath) {
        if verdicts.isFull || token.place != target { send(&path) }
        target = token.place
        // The mark is the packet's name in the parking queue; it must not go on with that.
        let clean = verdict.action == .accept ? Verdict.accept(mark: 0) : verdict
        verdicts.appendAlone(token.id, clean, queue: queues[target].number)
    }

    /// Sends what has been added.
    mutating func send(_ path: inout PacketPath) {
        guard verdicts.messages > 0 else { return }
        path.count(.verdictMessages, UInt64(verdicts.messages))
        if case .failed = queues[target].send(verdicts.bytes) { path.count(.sendFailures) }
        verdicts.removeAll()
    }
}
