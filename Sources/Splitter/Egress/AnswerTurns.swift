import Splitting
import Wire

/// An answer on its way to a client.
struct WaitingAnswer {
    /// The job that it is of.
    let job: JobID
    /// Where it goes.
    let client: Endpoint
    /// In the order in which they are sent.
    let datagrams: [[UInt8]]
    /// When it is given up, in monotonic nanoseconds.
    let deadline: Int64
    /// How many of the datagrams are sent.
    var sent = 0

    /// Bytes of memory.
    var bytes: Int { datagrams.reduce(0) { $0 + $1.count } }
}

/// The answers that wait for one socket. A client's leave in the order in which they came, datagram by datagram; clients
/// take turns by bytes, so that a long answer holds up nobody but its own client.
struct AnswerTurns {
    private struct Client {
        var answers: [WaitingAnswer] = []
        /// Answers at the front that are gone already.
        var gone = 0
        var next: WaitingAnswer { answers[gone] }
        var isEmpty: Bool { gone == answers.count }

        mutating func removeFirst() -> WaitingAnswer {
            defer {
                gone += 1
                // Moved together as soon as half is gone: each is moved once on average.
                if 2 * gone >= answers.count {
                    answers.removeFirst(gone)
                    gone = 0
                }
            }
            return answers[gone]
        }
    }

    private var clients: [Endpoint: Client] = [:]
    /// Whose turn it is, from `turn` on: before it they have had theirs.
    private var order: [Endpoint] = []
    private var turn = 0
    /// What the client whose turn it is may still send.
    private var credit = Self.quantum

    /// Bytes of a turn: any datagram fits.
    private static let quantum = 65_535

    /// Whether nothing waits.
    var isEmpty: Bool { clients.isEmpty }

    /// An answer more.
    mutating func append(_ answer: WaitingAnswer) {
        if clients[answer.client] == nil { order.append(answer.client) }
        clients[answer.client, default: Client()].answers.append(answer)
    }

    /// The datagram to be sent next, and to whom; nil if nothing waits.
    var next: (datagram: [UInt8], client: Endpoint)? {
        guard turn < order.count, let answer = clients[order[turn]]?.next else { return nil }
        return (answer.datagrams[answer.sent], answer.client)
    }

    /// The next datagram has been sent.
    ///
    /// - Returns: its answer, if that was the last of it.
    mutating func advance() -> WaitingAnswer? {
        let client = order[turn]
        let place = clients[client]!.gone
        let answer = clients[client]!.next
        credit -= answer.datagrams[answer.sent].count
        clients[client]!.answers[place].sent += 1
        let isDone = answer.sent + 1 == answer.datagrams.count
        let done = isDone ? clients[client]!.removeFirst() : nil
        endTurnIfDue()
        return done
    }

    /// Takes out the answer whose datagram would be next.
    mutating func giveUp() -> WaitingAnswer {
        let answer = clients[order[turn]]!.removeFirst()
        endTurnIfDue()
        return answer
    }

    /// Takes out all answers whose time is over.
    mutating func removeExpired(now: Int64) -> [WaitingAnswer] { remove { $0.deadline <= now } }

    /// Takes out all answers.
    mutating func removeAll() -> [WaitingAnswer] { remove { _ in true } }

    /// When the first answer is given up; nil if nothing waits.
    var firstDeadline: Int64? { clients.values.flatMap { $0.answers[$0.gone...] }.map(\.deadline).min() }

    private mutating func remove(_ isOver: (WaitingAnswer) -> Bool) -> [WaitingAnswer] {
        var removed: [WaitingAnswer] = []
        for client in order[turn...] {
            let waiting = clients[client]!.answers[clients[client]!.gone...]
            removed += waiting.filter(isOver)
            let rest = waiting.filter { !isOver($0) }
            clients[client] = rest.isEmpty ? nil : Client(answers: rest)
        }
        let current = turn < order.count ? order[turn] : nil
        order = order[turn...].filter { clients[$0] != nil }
        turn = 0
        if order.first != current { credit = Self.quantum }
        return removed
    }

    /// The next client's turn, if this one has no more to send, or no more may.
    private mutating func endTurnIfDue() {
        let client = order[turn]
        let isEmpty = clients[client]!.isEmpty
        if !isEmpty, credit >= clients[client]!.next.nextBytes { return }
        if isEmpty { clients[client] = nil } else { order.append(client) }
        turn += 1
        if 2 * turn >= order.count {
            order.removeFirst(turn)
            turn = 0
        }
        credit = Self.quantum
    }
}

extension WaitingAnswer {
    /// Bytes of the datagram that is sent next.
    fileprivate var nextBytes: Int { datagrams[sent].count }
}
