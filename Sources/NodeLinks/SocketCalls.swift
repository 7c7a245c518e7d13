import CLinuxShims
import Glibc
import Wire

/// How a system call on a non-blocking socket went.
enum SocketResult {
    case bytes(Int)
    case wouldBlock
    /// The peer has closed its direction (reading only).
    case end
    case failed(Int32)
}

/// The calls on TCP sockets, each with its errno beside it.
enum Socket {
    /// A non-blocking TCP socket.
    static func make(_ family: IPFamily) throws(LinkSetupError) -> Int32 {
        let type = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        let descriptor = socket(family == .ipv4 ? AF_INET : AF_INET6, type, 0)
        guard descriptor >= 0 else { throw LinkSetupError(call: "socket") }
        return descriptor
    }

    static func set(_ descriptor: Int32, _ level: Int32, _ option: Int32, _ value: Int32) {
        var value = value
        _ = unsafe setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
    }

    /// Small frames leave at once; a peer that is gone is found out by the kernel as well.
    static func prepare(_ descriptor: Int32, silence: Duration) {
        let tcp = Int32(IPPROTO_TCP)
        set(descriptor, tcp, TCP_NODELAY, 1)
        set(descriptor, SOL_SOCKET, SO_KEEPALIVE, 1)
        set(descriptor, tcp, TCP_KEEPIDLE, 10)
        set(descriptor, tcp, TCP_KEEPINTVL, 3)
        set(descriptor, tcp, TCP_KEEPCNT, 3)
        // TCP_USER_TIMEOUT (RFC 5482), milliseconds: what is sent must be acknowledged within that time.
        set(descriptor, tcp, 18, Int32(clamping: silence.nanoseconds / 1_000_000))
    }

    /// Sends an acknowledgement that is due at once.
    static func acknowledge(_ descriptor: Int32) { set(descriptor, Int32(IPPROTO_TCP), TCP_QUICKACK, 1) }

    /// Begins to connect; 0 or an errno value, EINPROGRESS as a rule.
    static func connect(_ descriptor: Int32, to endpoint: Endpoint) -> Int32 {
        unsafe endpoint.withSocketAddress { unsafe Glibc.connect(descriptor, $0, $1) } == 0 ? 0 : errno
    }

    static func bind(_ descriptor: Int32, to endpoint: Endpoint) -> Int32 {
        unsafe endpoint.withSocketAddress { unsafe Glibc.bind(descriptor, $0, $1) } == 0 ? 0 : errno
    }

    /// The error that a connection attempt ended with; 0: it is made.
    static func pendingError(_ descriptor: Int32) -> Int32 {
        var code: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        return unsafe getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &length) == 0 ? code : errno
    }

    /// The address that the socket is bound to.
    static func localEndpoint(_ descriptor: Int32) -> Endpoint? {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = unsafe withUnsafeMutableBytes(of: &storage) {
            unsafe getsockname(descriptor, $0.assumingMemoryBound(to: sockaddr.self).baseAddress!, &length)
        }
        return result == 0 ? endpoint(storage) : nil
    }

    /// The next connection of a listening socket, or nil with errno.
    static func accept(_ descriptor: Int32) -> (descriptor: Int32, from: Endpoint)? {
        var storage = sockaddr_storage()
        let accepted = unsafe ab_accept(descriptor, &storage)
        guard accepted >= 0 else { return nil }
        return (accepted, endpoint(storage) ?? Endpoint(address: IPAddress(0, 0, 0, 0), port: 0))
    }

    static func receive(_ descriptor: Int32, into buffer: inout [UInt8]) -> SocketResult {
        let count = unsafe recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
        if count > 0 { return .bytes(count) }
        if count == 0 { return .end }
        return errno == EAGAIN || errno == EINTR ? .wouldBlock : .failed(errno)
    }

    static func send(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> SocketResult {
        let flags = Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL)
        let count = unsafe Glibc.send(descriptor, bytes.baseAddress, bytes.count, flags)
        if count >= 0 { return .bytes(count) }
        return errno == EAGAIN || errno == EINTR ? .wouldBlock : .failed(errno)
    }

    private static func endpoint(_ storage: sockaddr_storage) -> Endpoint? {
        return unsafe withUnsafeBytes(of: storage) { raw -> Endpoint? in
            // sockaddr_in: port at 2, address at 4. sockaddr_in6: port at 2, address at 8.
            let port = unsafe UInt16(raw[2]) << 8 | UInt16(raw[3])
            switch Int32(storage.ss_family) {
            case AF_INET: return unsafe IPAddress(networkBytes: raw[4..<8]).map { Endpoint(address: $0, port: port) }
            case AF_INET6: return unsafe IPAddress(networkBytes: raw[8..<24]).map { Endpoint(address: $0, port: port) }
            default: return nil
            }
        }
    }
}
