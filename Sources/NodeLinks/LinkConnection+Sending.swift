import Glibc
import Splitting

extension LinkConnection {
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
    func put(_ frame: [UInt8]) {
        if output.isEmpty { watchdog.beganSending(at: context.loop.now) }
        output.append(frame)
        guard !flushing, !waitsForRoom else { return }
        flushing = true
        context.loop.atEndOfTurn { [self] in
            flushing = false
            flush()
        }
    }

    func flush() {
        guard phase != .over, phase != .connecting else { return }
        guard tls == nil || seal() else { return }
        while pendingOutput > 0 {
            switch sendFirst() {
            case .bytes(let count):
                statistics.bytesOut += UInt64(count)
                watchdog.sent(count)
            case .wouldBlock, .end:
                return wait(forRoom: true)
            case .failed(let code):
                return end(.failed(code))
            }
            guard tls == nil || seal() else { return }
        }
        wait(forRoom: false)
        if phase == .leaving { sayGoodbye() }
        if owesRoom && phase == .up {
            owesRoom = false
            events.room()
        }
    }

    /// Bytes that wait to be sent, in whatever form.
    var pendingOutput: Int { output.count + sealed.count }

    /// One write to the socket.
    private func sendFirst() -> SocketResult {
        if tls == nil {
            let result = unsafe output.withFirst(1 << 20) { unsafe Socket.send(descriptor, $0) }
            if case .bytes(let count) = result { output.removeFirst(count) }
            return result
        }
        let result = unsafe sealed.withFirst(1 << 20) { unsafe Socket.send(descriptor, $0) }
        if case .bytes(let count) = result { sealed.removeFirst(count) }
        return result
    }

    /// Encrypts some of what waits: as much as the socket takes at once, not more.
    ///
    /// - Returns: whether the connection is still there.
    private func seal() -> Bool {
        guard let tls else { return true }
        do throws(TLSSession.Failure) {
            while phase != .securing, !output.isEmpty, sealed.count < 128 << 10 {
                let taken = try unsafe output.withFirst(16_384) { unsafe tls.write($0) }.get()
                guard taken > 0 else { break }
                output.removeFirst(taken)
                tls.drain(into: &sealed)
            }
        } catch {
            refuse(.tls, error.reason)
            return false
        }
        tls.drain(into: &sealed)
        return true
    }

    /// Ends this side's direction; the peer's end of the other one closes the connection.
    private func sayGoodbye() {
        if let tls, !saidGoodbye {
            tls.leave()
            tls.drain(into: &sealed)
            _ = sendFirst()
        }
        guard !saidGoodbye else { return }
        saidGoodbye = true
        shutdown(descriptor, Int32(SHUT_WR))
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
        tellRefusal(reason)
        end(.refused(reason))
    }

    private func tellRefusal(_ reason: LinkRefusal) {
        guard phase != .connecting, pendingOutput == 0 else { return }
        let frame = handshakeFrame(.refusal, [reason.rawValue])
        guard let tls else {
            output.append(frame)
            _ = sendFirst()
            return
        }
        if phase != .securing { _ = unsafe frame.withUnsafeBytes { unsafe tls.write($0) } }
        // TLS's own alert, if it has failed.
        tls.drain(into: &sealed)
        _ = sendFirst()
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
