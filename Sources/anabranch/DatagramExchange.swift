import Glibc
import Splitting
import Wire

/// One request over UDP and its answer, each on a socket of its own: an answer that comes too late for its request
/// cannot be taken for the next one's.
enum DatagramExchange {
    struct Answer {
        var bytes: [UInt8]
        /// From before the request was sent until the last datagram of the answer was there.
        var nanoseconds: Int
        var datagrams: Int
    }

    /// Sends the request and waits for the whole answer.
    static func ask(_ request: SendRequest) throws(Failure) -> Answer {
        let socket = try connected(to: request.to, dscp: request.dscp)
        defer { close(socket) }
        let begin = now()
        let sent = unsafe Glibc.send(socket, request.payload, request.payload.count, Int32(MSG_NOSIGNAL))
        guard sent == request.payload.count else { throw .failed("sending to \(request.to): \(Send.reason())") }
        var assembly = AnswerAssembly()
        var datagrams = 0
        while true {
            let datagram = try receive(socket, request, until: begin + request.timeout, datagrams)
            datagrams += 1
            do throws(AnswerParts.Fault) {
                if let bytes = try assembly.take(AnswerParts(datagram)) {
                    return Answer(bytes: bytes, nanoseconds: now() - begin, datagrams: datagrams)
                }
            } catch {
                guard case .notParts = error else { throw .failed("the answer of \(request.to): \(error)") }
                return Answer(bytes: datagram, nanoseconds: now() - begin, datagrams: datagrams)
            }
        }
    }

    private static func receive(
        _ socket: Int32, _ request: SendRequest, until deadline: Int, _ before: Int
    ) throws(Failure) -> [UInt8] {
        while true {
            let left = deadline - now()
            guard left > 0 else {
                throw .failed(
                    "\(request.to) did not answer within \(Units.nanoseconds(Double(request.timeout)))"
                        + (before > 0 ? " (\(before) datagrams of an answer in parts came)" : ""))
            }
            var wait = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
            // Rounded up, so that the last turn does not spin.
            _ = unsafe poll(&wait, 1, Int32(clamping: (left + 999_999) / 1_000_000))
            var bytes = [UInt8](repeating: 0, count: 65_536)
            let count = unsafe recv(socket, &bytes, bytes.count, Int32(MSG_DONTWAIT))
            if count >= 0 { return Array(bytes[..<count]) }
            switch errno {
            case EAGAIN, EINTR: continue
            case ECONNREFUSED: throw .failed("\(request.to): nobody listens there")
            default: throw .failed("the answer of \(request.to): \(Send.reason())")
            }
        }
    }

    /// A socket that takes only what comes from that endpoint.
    private static func connected(to endpoint: Endpoint, dscp: Int) throws(Failure) -> Int32 {
        let isIPv4 = endpoint.address.family == .ipv4
        let descriptor = socket(isIPv4 ? AF_INET : AF_INET6, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw .failed("socket: \(Send.reason())") }
        do throws(Failure) {
            let (level, option) = isIPv4 ? (Int32(IPPROTO_IP), IP_TOS) : (Int32(IPPROTO_IPV6), IPV6_TCLASS)
            // The flag is the upper six bits of the byte (RFC 2474 §3).
            guard set(descriptor, level, option, Int32(dscp << 2)) else { throw .failed("dscp: \(Send.reason())") }
            // Room for an answer in many datagrams; less is given where the system allows less.
            _ = set(descriptor, SOL_SOCKET, SO_RCVBUF, 8 << 20)
            let status = unsafe endpoint.withSocketAddress { unsafe Glibc.connect(descriptor, $0, $1) }
            guard status == 0 else { throw .failed("\(endpoint): \(Send.reason())") }
            return descriptor
        } catch {
            close(descriptor)
            throw error
        }
    }

    private static func set(_ descriptor: Int32, _ level: Int32, _ option: Int32, _ value: Int32) -> Bool {
        var value = value
        return unsafe setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size)) == 0
    }

    /// Nanoseconds of the monotonic clock.
    private static func now() -> Int {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return time.tv_sec * 1_000_000_000 + time.tv_nsec
    }
}
