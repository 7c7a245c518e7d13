import Glibc
import Wire

/// One probe under way: a socket that waits for an event, and how to read that event.
///
/// A further kind of probe adds a case to `ProbeKind`, its start here, and its steps in `advance`.
final class Probe {
    /// The socket to wait on.
    let descriptor: Int32
    /// What to wait for: POLLIN or POLLOUT.
    let events = Int16(POLLOUT)
    /// When it began and when it has failed, in nanoseconds of the monotonic clock.
    let started: Int64
    let deadline: Int64

    /// A probe that began, or how it ended at once.
    enum Start {
        case began(Probe)
        case ended(ProbeResult)
    }

    private init(_ descriptor: Int32, started: Int64, deadline: Int64) {
        self.descriptor = descriptor
        self.started = started
        self.deadline = deadline
    }

    deinit { close(descriptor) }

    static func start(_ target: HealthTarget, now: Int64) -> Start {
        switch target.probe {
        case .tcpConnect(let endpoint):
            let family = endpoint.address.family == .ipv4 ? AF_INET : AF_INET6
            let type = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
            let descriptor = socket(family, type, 0)
            guard descriptor >= 0 else { return .ended(.failed(errno)) }
            let probe = Probe(descriptor, started: now, deadline: now + target.policy.timeout.nanoseconds)
            // The end of the connection is a reset: no backend keeps half-closed probes, and no port waits here.
            var linger = linger(l_onoff: 1, l_linger: 0)
            unsafe setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Glibc.linger>.size))
            switch connectSocket(descriptor, endpoint) {
            case 0: return .ended(.good(.zero))
            case EINPROGRESS, EINTR: return .began(probe)
            case let code: return .ended(.failed(code))
            }
        }
    }

    /// Reads what the socket has to say after an event; nil when the probe goes on.
    func advance(now: Int64) -> ProbeResult? {
        var code: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        guard unsafe getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &length) == 0 else { return .failed(errno) }
        return code == 0 ? .good(.nanoseconds(now - started)) : .failed(code)
    }

    /// connect(2); 0 or an errno value.
    private static func connectSocket(_ descriptor: Int32, _ endpoint: Endpoint) -> Int32 {
        let result = unsafe endpoint.withSocketAddress { unsafe connect(descriptor, $0, $1) }
        return result == 0 ? 0 : errno
    }
}
