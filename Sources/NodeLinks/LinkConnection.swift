import Glibc
import Splitting
import Wire

/// One TCP connection from its handshake to its end. ``NodeLink`` and ``LinkListener`` decide what it is for.
final class LinkConnection {
    /// How far it has come.
    enum Phase {
        case connecting
        /// TLS's own handshake.
        case securing
        /// The handshake of links.
        case greeting
        case up
        /// Only what waits is still sent.
        case leaving
        case over
    }

    /// What it tells its owner. Each may end the connection.
    struct Events {
        /// The peer has proved itself. A reason sends it away.
        var authenticated: (LinkPeer) -> LinkRefusal? = { _ in nil }
        /// From here on messages come and go.
        var up: (LinkPeer) -> Void = { _ in }
        var message: (LinkMessage) -> Void = { _ in }
        /// There is room in the send queue again, after a frame was refused.
        var room: () -> Void = {}
        var over: (LinkEnd) -> Void = { _ in }
    }

    let context: LinkContext
    let address: Endpoint
    let accepting: Bool
    var events = Events()
    var phase: Phase
    private(set) var peer: LinkPeer?
    var statistics = LinkStatistics()
    let began: Int64

    let descriptor: Int32
    private let expected: LinkPeer?
    private var handshake: Handshake?
    private var decoder = LinkFrameDecoder(limit: LinkFrame.maximumHandshake)
    var tls: TLSSession?
    /// The send queue: frames.
    var output = ByteQueue()
    /// With TLS, what is encrypted already; never much.
    var sealed = ByteQueue()
    var flushing = false
    var waitsForRoom = false
    var owesRoom = false
    var saidGoodbye = false
    var watchdog = Watchdog()
    /// When the kernel was last told to acknowledge at once.
    private var acknowledged: Int64 = 0

    /// A connection over a socket that is connected (accepting) or about to be.
    init(
        _ context: LinkContext, descriptor: Int32, address: Endpoint, accepting: Bool, expected: LinkPeer?
    ) {
        self.context = context
        self.descriptor = descriptor
        self.address = address
        self.accepting = accepting
        self.expected = expected
        phase = .connecting
        began = MonotonicClock.now
        Socket.prepare(descriptor, silence: context.limits.silence)
    }

    /// Begins to watch the socket. The loop keeps the connection alive until it is over.
    func start() throws(LinkSetupError) {
        try context.loop.watch(descriptor, for: accepting ? .readable : .writable) { [self] in ready($0) }
        startWatchdog()
        if accepting { connected() }
    }

    var isOver: Bool { phase == .over }
    /// Bytes of a frame that is not whole yet.
    var pendingInput: Int { decoder.pending }

    // MARK: Events of the socket

    private func ready(_ readiness: EventLoop.Readiness) {
        if phase == .connecting {
            let code = Socket.pendingError(descriptor)
            guard code == 0 else { return end(.failed(code)) }
            guard readiness.contains(.writable) else { return }
            context.loop.change(descriptor, to: .readable)
            return connected()
        }
        if readiness.contains(.writable) { flush() }
        if !readiness.isDisjoint(with: [.readable, .failed]) { read() }
    }

    /// The TCP connection is there: TLS comes first, if there is any.
    private func connected() {
        guard let settings = context.identity.tls else { return beginGreeting() }
        phase = .securing
        do throws(TLSSession.Failure) {
            tls = try TLSSession(settings, accepting: accepting)
            try secure()
        } catch {
            refuse(.tls, error.reason)
        }
    }

    private func secure() throws(TLSSession.Failure) {
        guard let tls, phase == .securing else { return }
        if try tls.advance() { beginGreeting() }
        flush()
    }

    private func beginGreeting() {
        phase = .greeting
        let handshake = Handshake(
            identity: context.identity, connecting: !accepting, expected: expected, binding: tls?.binding ?? [])
        self.handshake = handshake
        if !accepting { put(handshake.hello()) }
    }

    /// Reads what is there, but not more than its share of a turn.
    private func read() {
        for _ in 0..<8 where phase != .over {
            switch Socket.receive(descriptor, into: &context.scratch) {
            case .bytes(let count):
                watchdog.heard(count, at: context.loop.now)
                statistics.bytesIn += UInt64(count)
                take(count)
                if count < context.scratch.count { return acknowledge() }
            case .wouldBlock: return
            case .end: return end(phase == .leaving ? .closed : .closedByPeer)
            case .failed(let code): return end(.failed(code))
            }
        }
    }

    /// Has the kernel acknowledge now what was read, at most once a millisecond: a delayed acknowledgement (RFC 9293, 3.8.6.3)
    /// of a message that has no answer here would be most of the round trip that the peer measures, and plans with.
    private func acknowledge() {
        guard phase == .up, context.loop.now - acknowledged >= 1_000_000 else { return }
        acknowledged = context.loop.now
        Socket.acknowledge(descriptor)
    }

    private func take(_ count: Int) {
        guard phase != .leaving else { return }
        guard let tls else {
            unsafe context.scratch.withUnsafeBytes {
                unsafe decoder.append(UnsafeRawBufferPointer(rebasing: $0[..<count]))
            }
            return takeFrames()
        }
        unsafe context.scratch.withUnsafeBytes { unsafe tls.take(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
        do throws(TLSSession.Failure) {
            try secure()
            try takePlain(tls)
        } catch {
            refuse(.tls, error.reason)
        }
    }

    private func takePlain(_ tls: TLSSession) throws(TLSSession.Failure) {
        while phase == .greeting || phase == .up {
            guard let count = try tls.read(into: &context.scratch) else { return end(.closedByPeer) }
            // Reading may have made something to be sent, as the answer to a change of keys.
            if count == 0 { return flush() }
            unsafe context.scratch.withUnsafeBytes {
                unsafe decoder.append(UnsafeRawBufferPointer(rebasing: $0[..<count]))
            }
            takeFrames()
        }
    }

    private func takeFrames() {
        do throws(LinkError) {
            while phase == .greeting || phase == .up {
                guard let (kind, body) = try decoder.nextFrame() else { return }
                watchdog.frameEnded()
                if kind == .refusal {
                    takeRefusal(body)
                } else if phase == .greeting {
                    greet(kind, body)
                } else {
                    take(try LinkMessage(kind, body))
                }
            }
        } catch {
            refuse(LinkRefusal(error), error.description)
        }
    }

    private func greet(_ kind: FrameKind, _ body: FrameReader) {
        do throws(LinkRefusal) {
            switch try handshake?.receive(kind, body) {
            case nil: throw .outOfPlace
            case .reply(let frame): put(frame)
            case .established(let peer, let reply):
                self.peer = peer
                if let tls, !tls.isCertified(for: peer.name) { throw .certificateName }
                if let reason = events.authenticated(peer) { throw reason }
                decoder.limit = context.limits.receivedFrame
                if let reply { put(reply) }
                phase = .up
                events.up(peer)
            }
        } catch {
            refuse(error, "")
        }
    }

    private func takeRefusal(_ body: FrameReader) {
        var body = body
        guard let number = try? body.number(.reason, as: UInt8.self), let reason = LinkRefusal(rawValue: number) else {
            return refuse(.badFrame, "a refusal without a reason")
        }
        end(.refusedByPeer(reason))
    }

    private func take(_ message: LinkMessage) {
        statistics.framesIn += 1
        switch message {
        case .probe(let token): _ = send(.echo(token))
        case .echo(let token):
            if let sent = watchdog.answered(token) { statistics.probeRoundTrip = context.loop.now - sent }
        default: events.message(message)
        }
    }
}
