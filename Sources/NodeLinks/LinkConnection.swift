import Glibc
import Splitting
import Wire

/// One TCP connection from its handshake to its end. ``NodeLink`` and ``LinkListener`` decide what it is for.
final class LinkConnection {
    /// How far it has come.
    enum Phase { case connecting, greeting, up, leaving, over }

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
    private(set) var phase: Phase
    private(set) var peer: LinkPeer?
    var statistics = LinkStatistics()
    let began: Int64

    let descriptor: Int32
    private var handshake: Handshake
    private var decoder = LinkFrameDecoder(limit: LinkFrame.maximumHandshake)
    var output = ByteQueue()
    private var flushing = false
    private var waitsForRoom = false
    private var owesRoom = false
    var watchdog = Watchdog()

    /// A connection over a socket that is connected (accepting) or about to be.
    init(
        _ context: LinkContext, descriptor: Int32, address: Endpoint, accepting: Bool, expected: LinkPeer?
    ) {
        self.context = context
        self.descriptor = descriptor
        self.address = address
        self.accepting = accepting
        phase = accepting ? .greeting : .connecting
        handshake = Handshake(identity: context.identity, connecting: !accepting, expected: expected)
        began = context.loop.now
        Socket.prepare(descriptor, silence: context.limits.silence)
    }

    /// Begins to watch the socket. The loop keeps the connection alive until it is over.
    func start() throws(LinkSetupError) {
        try context.loop.watch(descriptor, for: accepting ? .readable : .writable) { [self] in ready($0) }
        startWatchdog()
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
            phase = .greeting
            waitsForRoom = false
            context.loop.change(descriptor, to: .readable)
            put(handshake.hello())
            return
        }
        if readiness.contains(.writable) { flush() }
        if !readiness.isDisjoint(with: [.readable, .failed]) { read() }
    }

    /// Reads what is there, but not more than its share of a turn.
    private func read() {
        for _ in 0..<8 where phase != .over {
            switch Socket.receive(descriptor, into: &context.scratch) {
            case .bytes(let count):
                watchdog.heard(count, at: context.loop.now)
                statistics.bytesIn += UInt64(count)
                take(count)
                if count < context.scratch.count { return }
            case .wouldBlock: return
            case .end: return end(phase == .leaving ? .closed : .closedByPeer)
            case .failed(let code): return end(.failed(code))
            }
        }
    }

    private func take(_ count: Int) {
        guard phase != .leaving else { return }
        unsafe context.scratch.withUnsafeBytes {
            unsafe decoder.append(UnsafeRawBufferPointer(rebasing: $0[..<count]))
        }
        takeFrames()
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
            switch try handshake.receive(kind, body) {
            case .reply(let frame): put(frame)
            case .established(let peer, let reply):
                self.peer = peer
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

    // MARK: Sending

    /// Puts a message into the send queue.
    func send(_ message: LinkMessage) -> SendOutcome {
        guard phase == .up else {
            statistics.framesRefused += 1
            return .notUp
        }
        let frame: [UInt8]
        do throws(LinkError) {
            frame = try message.encoded()
        } catch {
            statistics.framesRefused += 1
            return .invalid(error)
        }
        // A single frame may be longer than the bound: it goes when nothing else waits.
        guard output.isEmpty || output.count + frame.count <= context.limits.sendQueue else {
            statistics.framesRefused += 1
            owesRoom = true
            return .full
        }
        statistics.framesOut += 1
        put(frame)
        return .queued
    }

    /// Queues a frame; the socket is written to once for all frames of a turn.
    private func put(_ frame: [UInt8]) {
        if output.isEmpty { watchdog.beganSending(at: context.loop.now) }
        output.append(frame)
        guard !flushing, !waitsForRoom else { return }
        flushing = true
        context.loop.atEndOfTurn { [self] in
            flushing = false
            flush()
        }
    }

    private func flush() {
        guard phase != .over, phase != .connecting else { return }
        while !output.isEmpty {
            switch unsafe output.withFirst(1 << 20, { unsafe Socket.send(descriptor, $0) }) {
            case .bytes(let count):
                output.removeFirst(count)
                statistics.bytesOut += UInt64(count)
                watchdog.sent(count)
            case .wouldBlock, .end:
                return wait(forRoom: true)
            case .failed(let code):
                return end(.failed(code))
            }
        }
        wait(forRoom: false)
        if phase == .leaving { shutdown(descriptor, Int32(SHUT_WR)) }
        if owesRoom && phase == .up {
            owesRoom = false
            events.room()
        }
    }

    private func wait(forRoom waits: Bool) {
        guard waits != waitsForRoom else { return }
        waitsForRoom = waits
        context.loop.change(descriptor, to: waits ? [.readable, .writable] : .readable)
    }

    // MARK: The end

    /// Sends what waits, then closes in good order. Nothing more is taken from the caller or from the peer.
    func finish() {
        guard phase == .up else { return end(.closed) }
        phase = .leaving
        watchdog.leave(at: context.loop.now)
        flush()
    }

    /// Tells the peer why, as far as that is possible without waiting, and ends the connection.
    func refuse(_ reason: LinkRefusal, _ detail: String) {
        guard phase != .over else { return }
        statistics.refusals[reason] += 1
        let who = peer.map { "\($0.name) at \(address)" } ?? "\(address)"
        context.refused(who, reason, detail)
        if phase != .connecting && output.isEmpty {
            output.append(handshakeFrame(.refusal, [reason.rawValue]))
            _ = unsafe output.withFirst(64, { unsafe Socket.send(descriptor, $0) })
        }
        end(.refused(reason))
    }

    /// Ends the connection at once.
    func end(_ how: LinkEnd) {
        guard phase != .over else { return }
        phase = .over
        watchdog.timer?.cancel()
        context.loop.unwatch(descriptor)
        close(descriptor)
        let over = events.over
        events = Events()
        over(how)
    }
}
