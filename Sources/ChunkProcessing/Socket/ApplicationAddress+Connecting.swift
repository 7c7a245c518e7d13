import Glibc
import Wire

extension ApplicationAddress {
    /// Whether each frame is a datagram.
    var isDatagram: Bool { if case .udp = self { true } else { false } }

    /// A socket that does not block and whose connection was begun.
    ///
    /// - Throws: `unavailable`.
    func connect() throws(ProcessorError) -> Int32 {
        let type = isDatagram ? SOCK_DGRAM : SOCK_STREAM
        let flags = Int32(type.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        let family =
            switch self {
            case .unix: AF_UNIX
            case .udp(let endpoint), .tcp(let endpoint): endpoint.address.family == .ipv4 ? AF_INET : AF_INET6
            }
        let descriptor = socket(family, flags, 0)
        guard descriptor >= 0 else { throw .unavailable("\(self): no socket: \(systemMessage(errno))") }
        if case .tcp = self {
            // A frame is not held back until the one before it was acknowledged.
            var on: Int32 = 1
            unsafe setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
        }
        guard call(descriptor) == 0 || errno == EINPROGRESS else {
            let code = errno
            close(descriptor)
            throw .unavailable("\(self): \(systemMessage(code))")
        }
        return descriptor
    }

    private func call(_ descriptor: Int32) -> Int32 {
        switch self {
        case .unix(let path):
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path.utf8) }
            return Self.connect(descriptor, &address)
        case .udp(let endpoint), .tcp(let endpoint):
            return unsafe endpoint.withSocketAddress { unsafe Glibc.connect(descriptor, $0, $1) }
        }
    }

    private static func connect(_ descriptor: Int32, _ address: inout sockaddr_un) -> Int32 {
        // SAFETY: the address is a whole socket address of the family that it names.
        unsafe withUnsafeBytes(of: &address) { bytes in
            unsafe Glibc.connect(
                descriptor, bytes.assumingMemoryBound(to: sockaddr.self).baseAddress!, socklen_t(bytes.count))
        }
    }
}
