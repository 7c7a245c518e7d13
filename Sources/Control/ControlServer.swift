import Glibc
import Health
import Logging
import Synchronization

/// Serves the control protocol: all clients in one thread, each with limits on size and time.
public final class ControlServer: Sendable {
    /// Limits that hold for every client.
    public struct Limits: Sendable {
        /// Clients served at once. Above it the one that is idle longest makes room; if none is, the new one is
        /// refused.
        public var clients = 16
        /// Time for a request to arrive whole, for its answer to be taken, and between two requests.
        public var timeout = Duration.seconds(5)

        /// The defaults.
        public init() {}
    }

    private let socket: ControlSocket
    private let limits: Limits
    private let handler: @Sendable (ControlRequest) -> ControlAnswer
    private let wake = WakePipe()
    private let stopping = Atomic<Bool>(false)
    private let thread = Mutex<BackgroundThread?>(nil)

    /// Binds the socket and begins to serve.
    ///
    /// - Parameters:
    ///   - path: where; a stale socket is replaced.
    ///   - group: who may use it next to the owner.
    ///   - handler: answers a request, on the server's thread, one at a time.
    /// - Throws: `ControlError` with what to do.
    public init(
        path: String, group: String, limits: Limits = Limits(),
        handler: @escaping @Sendable (ControlRequest) -> ControlAnswer
    ) throws(ControlError) {
        socket = try ControlSocket(path: path, group: group)
        self.limits = limits
        self.handler = handler
        do throws(ThreadError) {
            let started = try BackgroundThread { [self] in serve() }
            thread.withLock { $0 = started }
        } catch {
            throw ControlError("socket", error.description)
        }
    }

    /// Sends everybody away and waits for the thread. The socket's file goes with the server.
    public func stop() {
        stopping.store(true, ordering: .releasing)
        wake.wake()
        thread.withLock { thread in
            defer { thread = nil }
            return thread
        }?.join()
    }

    private func serve() {
        var clients: [ControlConnection] = []
        let timeout =
            limits.timeout.components.seconds * 1_000_000_000 + limits.timeout.components.attoseconds / 1_000_000_000
        while !stopping.load(ordering: .acquiring) {
            let firstDeadline = clients.map(\.deadline).min()
            var waits = [
                pollfd(fd: wake.descriptor, events: Int16(POLLIN), revents: 0),
                pollfd(fd: socket.descriptor, events: Int16(POLLIN), revents: 0),
            ]
            waits += clients.map { pollfd(fd: $0.descriptor, events: $0.events, revents: 0) }
            let now = monotonicNow()
            let wait = firstDeadline.map { Int32(clamping: max(0, $0 - now + 999_999) / 1_000_000) } ?? -1
            guard unsafe poll(&waits, nfds_t(waits.count), wait) >= 0 || errno == EINTR else {
                Log.error("control: poll failed: \(errno)")
                return
            }
            turn(&clients, waits, timeout: timeout)
        }
    }

    private func turn(_ clients: inout [ControlConnection], _ waits: [pollfd], timeout: Int64) {
        let now = monotonicNow()
        var kept: [ControlConnection] = []
        for (client, wait) in zip(clients, waits.dropFirst(2)) {
            var turn = ControlConnection.Turn.goOn
            if wait.revents & Int16(POLLOUT) != 0 {
                turn = client.flush(now: now, answer)
            } else if wait.revents != 0 {
                turn = client.receive(now: now, answer)
            }
            guard turn == .goOn else { continue }
            if client.deadline > now {
                kept.append(client)
            } else if !client.isIdle {
                _ = client.refuse(ControlError("timeout", "the request took too long"), now: now)
            }
        }
        clients = kept
        if waits[1].revents != 0 { accept(into: &clients, timeout: timeout, now: now) }
    }

    private func accept(into clients: inout [ControlConnection], timeout: Int64, now: Int64) {
        while true {
            let descriptor = Glibc.accept(socket.descriptor, nil, nil)
            guard descriptor >= 0 else {
                if errno == EMFILE || errno == ENFILE {
                    // The connection stays in the backlog; without a pause the loop would spin on it.
                    Log.warning("control: no file descriptor left for another client")
                    usleep(10_000)
                }
                return
            }
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
            _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
            let client = ControlConnection(descriptor, timeout: timeout, now: now)
            if clients.count >= limits.clients {
                guard let idle = clients.firstIndex(where: \.isIdle) else {
                    _ = client.refuse(
                        ControlError("busy", "\(clients.count) clients are served already: try again"), now: now)
                    continue
                }
                clients.remove(at: idle)
            }
            clients.append(client)
        }
    }

    private func answer(_ body: [UInt8]) -> [UInt8] {
        let answer: ControlAnswer
        do throws(ControlError) {
            answer = handler(try ControlRequest(body: body))
        } catch {
            answer = .error(error)
        }
        let bytes = answer.body
        guard bytes.count <= Frame.maximumAnswer else {
            return ControlAnswer.error(ControlError("too_long", "the answer has \(bytes.count) bytes")).body
        }
        return bytes
    }
}
