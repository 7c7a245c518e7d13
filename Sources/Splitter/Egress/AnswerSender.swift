import NodeLinks
import Splitting
import Wire

/// How sending an answer ended.
enum AnswerEnd: Equatable {
    /// The kernel has all of it.
    case sent
    /// A datagram is longer than any may be.
    case tooLong
    /// The kernel refuses it.
    case failed(EgressError)
    /// Its time was over before all of it was sent.
    case late(sent: Int, of: Int)
    /// Other answers that wait take all the memory that is allowed.
    case noRoom
    /// The load balancer stops.
    case stopped
}

/// Sends answers, and goes on where a socket or a device had no room: when the socket is writable, or in a moment.
///
/// For each virtual endpoint that is held up there is a lane; in it clients take turns (``AnswerTurns``). What waits is
/// bounded in bytes, and each answer in time. Every answer ends once. Belongs to its event loop's thread.
final class AnswerSender {
    /// The answers that one socket holds up, and what they wait for.
    private final class Lane {
        var turns = AnswerTurns()
        var watched: Int32?
        var timer: LoopTimer?
        /// How long it is waited for the device's queue next, in nanoseconds.
        var pause = AnswerSender.shortestPause
    }

    /// Called with the answers that have ended; may not send.
    var onEnd: ([(job: JobID, end: AnswerEnd)]) -> Void = { _ in }
    /// Bytes of answers that wait.
    private(set) var waitingBytes = 0
    /// Answers that wait.
    private(set) var waiting = 0
    private let loop: EventLoop
    private var sockets: AnswerSockets
    private let maximumBytes: Int
    private var lanes: [Endpoint: Lane] = [:]
    /// No answer is given up before.
    private var due = Int64.max

    /// A device's queue of some 100 kB drains in this time at 1 Gbit/s.
    private static let shortestPause: Int64 = 1_000_000
    /// At 10 Mbit/s. Each try fills what room there is with the beginning of a datagram, for nothing if the rest does not
    /// fit: so the pause grows until the queue has drained.
    private static let longestPause: Int64 = 64_000_000
    /// Datagrams that one lane sends at a time, before others have their turn: 2 MiB.
    private static let share = 32

    /// - Parameter maximumBytes: What may wait; an answer that waits alone may have more.
    init(_ settings: AnswerSockets.Settings, loop: EventLoop, maximumBytes: Int) {
        sockets = AnswerSockets(settings)
        self.loop = loop
        self.maximumBytes = maximumBytes
    }

    /// See ``AnswerSockets/strays()``.
    func strays() -> Int64 { sockets.strays() }

    /// Sends an answer, now or when its turn comes.
    func send(_ answer: WaitingAnswer, from virtual: Endpoint) {
        let bytes = answer.bytes
        let hasRoom = waiting == 0 || waitingBytes + bytes <= maximumBytes
        // One datagram goes or does not: it may be tried without room to wait.
        guard hasRoom || lanes[virtual] == nil && answer.datagrams.count == 1 else {
            return onEnd([(answer.job, .noRoom)])
        }
        waiting += 1
        waitingBytes += bytes
        if let lane = lanes[virtual] {
            lane.turns.append(answer)
            due = min(due, answer.deadline)
            return
        }
        let lane = Lane()
        lane.turns.append(answer)
        lanes[virtual] = lane
        var ended = run(lane, virtual)
        if !lane.turns.isEmpty {
            if hasRoom { due = min(due, answer.deadline) } else { ended += end(lane.turns.removeAll(), .noRoom) }
        }
        settle(lane, virtual)
        onEnd(ended)
    }

    /// Gives up the answers whose time is over.
    func expire(now: Int64) {
        guard now >= due else { return }
        var ended: [(job: JobID, end: AnswerEnd)] = []
        due = .max
        for (virtual, lane) in lanes {
            for answer in lane.turns.removeExpired(now: now) {
                ended += end([answer], .late(sent: answer.sent, of: answer.datagrams.count))
            }
            due = min(due, lane.turns.firstDeadline ?? .max)
            settle(lane, virtual)
        }
        if !ended.isEmpty { onEnd(ended) }
    }

    /// Gives up all answers.
    func giveUpAll() {
        var ended: [(job: JobID, end: AnswerEnd)] = []
        for (virtual, lane) in lanes {
            ended += end(lane.turns.removeAll(), .stopped)
            settle(lane, virtual)
        }
        if !ended.isEmpty { onEnd(ended) }
    }

    // MARK: Lanes

    private func goOn(_ virtual: Endpoint) {
        guard let lane = lanes[virtual] else { return }
        rest(lane)
        sockets.forgetErrors(of: virtual)
        let ended = run(lane, virtual)
        settle(lane, virtual)
        if !ended.isEmpty { onEnd(ended) }
    }

    /// Sends what goes; arranges for the rest.
    private func run(_ lane: Lane, _ virtual: Endpoint) -> [(job: JobID, end: AnswerEnd)] {
        var ended: [(job: JobID, end: AnswerEnd)] = []
        for _ in 0..<Self.share {
            guard let next = lane.turns.next else { return ended }
            let outcome = sockets.send(next.datagram, from: virtual, to: next.client)
            switch outcome {
            case .sent:
                lane.pause = Self.shortestPause
                if let answer = lane.turns.advance() { ended += end([answer], .sent) }
            case .wouldBlock:
                watch(lane, virtual)
                return ended
            case .congested:
                pause(lane, virtual, lane.pause)
                lane.pause = min(2 * lane.pause, Self.longestPause)
                return ended
            case .tooLong: ended += end([lane.turns.giveUp()], .tooLong)
            case .failed(let error): ended += end([lane.turns.giveUp()], .failed(error))
            }
        }
        if !lane.turns.isEmpty { pause(lane, virtual, 0) }
        return ended
    }

    private func end(_ answers: [WaitingAnswer], _ end: AnswerEnd) -> [(job: JobID, end: AnswerEnd)] {
        waiting -= answers.count
        waitingBytes -= answers.reduce(0) { $0 + $1.bytes }
        return answers.map { ($0.job, end) }
    }

    /// A lane in which nothing waits is gone.
    private func settle(_ lane: Lane, _ virtual: Endpoint) {
        let isEmpty = lane.turns.isEmpty
        if isEmpty {
            rest(lane)
            lanes[virtual] = nil
        }
        sockets.hold(virtual, !isEmpty)
    }

    private func watch(_ lane: Lane, _ virtual: Endpoint) {
        guard let descriptor = sockets.descriptor(for: virtual),
            (try? loop.watch(descriptor, for: .writable) { [unowned self] _ in goOn(virtual) }) != nil
        else { return pause(lane, virtual, Self.shortestPause) }
        lane.watched = descriptor
    }

    private func pause(_ lane: Lane, _ virtual: Endpoint, _ time: Int64) {
        lane.timer = loop.schedule(after: .nanoseconds(time)) { [unowned self] in goOn(virtual) }
    }

    private func rest(_ lane: Lane) {
        if let watched = lane.watched { loop.unwatch(watched) }
        lane.watched = nil
        lane.timer?.cancel()
        lane.timer = nil
    }
}

extension AnswerEnd: CustomStringConvertible {
    /// What happened, and what to do where that is known.
    var description: String {
        switch self {
        case .sent: "sent"
        case .tooLong: "no datagram carries so much"
        case .failed(let error): "\(error)"
        case .late(let sent, let count):
            "\(sent) of \(count) datagrams had left when its time was over: the way to the client is too slow"
        case .noRoom: "the answers that wait for slow ways to clients take max_job_bytes already"
        case .stopped: "the load balancer stops"
        }
    }
}
