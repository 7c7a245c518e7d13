import Glibc
import Splitting
import Wire

/// What became of a message that was to be sent.
public enum SendOutcome: Equatable, Sendable {
    /// It waits in the send queue or is under way. Whether it arrives is for the peer to say.
    case queued
    /// The send queue has no room for it. `onRoom` tells when it is empty.
    case full
    /// The link is not up.
    case notUp
    /// It is outside the limits of the format.
    case invalid(LinkError)
}

/// A link to one peer. Belongs to the thread of its loop.
///
/// The connecting side (``init(_:to:peer:)``) makes the connection anew whenever it is lost, with pauses that grow and
/// are drawn at random, until it is closed. The accepting side gets its links from a ``LinkListener``; such a link ends
/// with its connection.
public final class NodeLink {
    /// How a link is.
    public enum State: Equatable, Sendable {
        /// The connection or the handshake is under way.
        case connecting
        /// Messages come and go.
        case up
        /// The connection is lost, and how; it is made anew at that time (nanoseconds of ``MonotonicClock``).
        case waiting(LinkEnd, until: Int64)
        /// For good, and how.
        case closed(LinkEnd)
    }

    /// What all links of the process have in common.
    public let context: LinkContext
    /// The peer's address.
    public let address: Endpoint
    /// Who is there: proved, or, before the first handshake of a connecting link, meant.
    public let peer: LinkPeer
    /// How the link is.
    public private(set) var state: State
    /// Called with each message from the peer. Probes are answered without it.
    public var onMessage: ((NodeLink, LinkMessage) -> Void)?
    /// Called after each change of ``state``.
    public var onChange: ((NodeLink) -> Void)?
    /// Called when the send queue is empty, after a message was refused because it was full.
    public var onRoom: ((NodeLink) -> Void)?

    private var connection: LinkConnection?
    private var past = LinkStatistics()
    private var pause: Backoff
    private var timer: LoopTimer?
    private var wasUp = false
    private var closing = false
    private let connects: Bool
    /// For the listener that keeps the link.
    var onEnd: ((NodeLink) -> Void)?

    /// A link that this side connects, and keeps connected from ``connect()`` on.
    public init(_ context: LinkContext, to address: Endpoint, peer: LinkPeer) {
        self.context = context
        self.address = address
        self.peer = peer
        pause = Backoff(first: context.limits.firstPause, longest: context.limits.longestPause)
        state = .waiting(.closed, until: .max)
        connects = true
    }

    /// A link over a connection that a listener has accepted and authenticated.
    init(_ connection: LinkConnection, peer: LinkPeer) {
        context = connection.context
        address = connection.address
        self.peer = peer
        pause = Backoff(first: .zero, longest: .zero)
        state = .up
        connects = false
        wasUp = true
        self.connection = connection
        adopt(connection)
    }

    deinit {
        timer?.cancel()
        connection?.end(.closed)
    }

    /// Whether messages come and go.
    public var isUp: Bool { state == .up && connection?.phase == .up }

    /// Bytes that wait to be sent.
    public var queued: Int { connection?.pendingOutput ?? 0 }

    /// What went over the link since it was made.
    public var statistics: LinkStatistics { connection.map { past.adding($0.statistics) } ?? past }

    /// What the kernel measured on the present connection; nil without one. A system call: not for every message.
    public var conditions: LinkConditions? {
        guard let connection, state == .up else { return nil }
        return LinkConditions(descriptor: connection.descriptor)
    }

    /// Begins to connect. Harmless when that is under way already.
    public func connect() {
        guard connects, connection == nil else { return }
        if case .closed = state { return }
        timer?.cancel()
        change(.connecting)
        let expected = peer
        do throws(LinkSetupError) {
            let descriptor = try Socket.make(address.address.family)
            let connection = LinkConnection(
                context, descriptor: descriptor, address: address, accepting: false, expected: expected)
            self.connection = connection
            adopt(connection)
            connection.events.up = { [weak self] _ in self?.cameUp() }
            let code = Socket.connect(descriptor, to: address)
            guard code == 0 || code == EINPROGRESS || code == EINTR else { return connection.end(.failed(code)) }
            try connection.start()
        } catch {
            if let connection { connection.end(.failed(EMFILE)) } else { lost(.failed(EMFILE)) }
        }
    }

    /// Puts a message into the send queue. Never waits.
    @discardableResult
    public func send(_ message: LinkMessage) -> SendOutcome {
        guard let connection else {
            past.framesRefused += 1
            return .notUp
        }
        return connection.send(message)
    }

    /// Sends what waits, then closes for good.
    public func finish() {
        timer?.cancel()
        guard let connection, connection.phase == .up else { return close() }
        connection.finish()
    }

    /// Closes for good, at once. What waits to be sent is lost.
    public func close() {
        if case .closed = state { return }
        timer?.cancel()
        closing = true
        if let connection { connection.end(.closed) } else { change(.closed(.closed)) }
    }

    private func adopt(_ connection: LinkConnection) {
        connection.events.message = { [weak self] message in
            guard let self else { return }
            onMessage?(self, message)
        }
        connection.events.room = { [weak self] in
            guard let self else { return }
            onRoom?(self)
        }
        connection.events.over = { [weak self] in self?.lost($0) }
    }

    private func cameUp() {
        if wasUp { past.reconnects += 1 }
        wasUp = true
        change(.up)
    }

    private func lost(_ end: LinkEnd) {
        if let connection {
            past = past.adding(connection.statistics)
            // Only a link that held for a while is a good one: a peer that accepts and hangs up is not asked at once.
            let held = connection.peer != nil && MonotonicClock.now - connection.began > 1_000_000_000
            if held { pause.reset() }
        }
        connection = nil
        guard connects, !closing, end != .closed else { return change(.closed(end)) }
        let until = MonotonicClock.now + pause.next()
        timer = context.loop.schedule(at: until) { [weak self] in self?.connect() }
        change(.waiting(end, until: until))
    }

    private func change(_ state: State) {
        self.state = state
        onChange?(self)
        guard case .closed = state else { return }
        onEnd?(self)
    }
}

extension LinkStatistics {
    /// Both together; the later round trip, if there is one.
    fileprivate func adding(_ later: LinkStatistics) -> LinkStatistics {
        var sum = self
        sum.bytesIn += later.bytesIn
        sum.bytesOut += later.bytesOut
        sum.framesIn += later.framesIn
        sum.framesOut += later.framesOut
        sum.framesRefused += later.framesRefused
        sum.reconnects += later.reconnects
        for reason in LinkRefusal.allCases { sum.refusals[reason] += later.refusals[reason] }
        if later.probeRoundTrip != 0 { sum.probeRoundTrip = later.probeRoundTrip }
        return sum
    }
}
