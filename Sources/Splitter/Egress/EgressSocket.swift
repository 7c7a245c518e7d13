import CLinuxShims
import Glibc
import Wire

/// The calls on an answer socket, each with its errno beside it.
enum EgressSocket {
    /// A transparent, non-blocking UDP socket that is bound to an address of others and takes nothing in.
    static func make(_ virtual: Endpoint, _ settings: AnswerSockets.Settings) throws(EgressError) -> Int32 {
        let isIPv4 = virtual.address.family == .ipv4
        let type = Int32(SOCK_DGRAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        let descriptor = socket(isIPv4 ? AF_INET : AF_INET6, type, 0)
        guard descriptor >= 0 else { throw EgressError("socket") }
        do throws(EgressError) {
            guard ab_refuse_reception(descriptor) == 0 else { throw EgressError("SO_ATTACH_FILTER") }
            let (ip, ipv6) = (Int32(IPPROTO_IP), Int32(IPPROTO_IPV6))
            // Without RECVERR the kernel says "sent" when the device's queue has dropped the datagram, or a part of it.
            if isIPv4 {
                try set(descriptor, ip, IP_RECVERR, 1, "IP_RECVERR")
                try set(descriptor, ip, IP_TRANSPARENT, 1, "IP_TRANSPARENT")
                // No don't-fragment flag: whoever is in the way with a smaller MTU may cut the answer.
                try set(descriptor, ip, IP_MTU_DISCOVER, IP_PMTUDISC_DONT, "IP_MTU_DISCOVER")
            } else {
                try set(descriptor, ipv6, IPV6_RECVERR, 1, "IPV6_RECVERR")
                try set(descriptor, ipv6, IPV6_TRANSPARENT, 1, "IPV6_TRANSPARENT")
                if let size = settings.ipv6Fragment {
                    try set(descriptor, ipv6, IPV6_MTU, Int32(size), "IPV6_MTU")
                }
            }
            try set(descriptor, SOL_SOCKET, SO_REUSEPORT, 1, "SO_REUSEPORT")
            try enlarge(descriptor, settings.sendBuffer)
            let bound = unsafe virtual.withSocketAddress { unsafe Glibc.bind(descriptor, $0, $1) }
            guard bound == 0 else { throw EgressError("bind") }
            return descriptor
        } catch {
            close(descriptor)
            throw error
        }
    }

    static func send(_ descriptor: Int32, _ bytes: [UInt8], to client: Endpoint) -> AnswerOutcome {
        let flags = Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL)
        var isFirstTry = true
        while true {
            let status = unsafe client.withSocketAddress { address, length in
                unsafe Int32(truncatingIfNeeded: sendto(descriptor, bytes, bytes.count, flags, address, length))
            }
            if status >= 0 { return .sent }
            switch errno {
            case EINTR: continue
            case EMSGSIZE:
                forgetErrors(descriptor)
                return .tooLong
            case EAGAIN: return .wouldBlock
            case ENOBUFS: return .congested
            default:
                let error = EgressError("sendto")
                if !isFirstTry { return .failed(error) }
                // It may be what an earlier datagram met on its way, to another client: told once, and of no concern here.
                forgetErrors(descriptor)
                isFirstTry = false
            }
        }
    }

    /// Empties the queue of errors that RECVERR comes with; as long as something is in it, the socket counts as failed.
    static func forgetErrors(_ descriptor: Int32) {
        var nothing: UInt8 = 0
        while unsafe recv(descriptor, &nothing, 1, Int32(MSG_ERRQUEUE) | Int32(MSG_DONTWAIT)) >= 0 {}
    }

    /// Asks for a send buffer beyond what ordinary programs may have (`net.core.wmem_max`); without the privilege, for as
    /// much as is allowed.
    private static func enlarge(_ descriptor: Int32, _ bytes: Int) throws(EgressError) {
        // The kernel doubles the number, for its own records.
        let half = Int32(clamping: bytes / 2)
        do throws(EgressError) {
            try set(descriptor, SOL_SOCKET, SO_SNDBUFFORCE, half, "SO_SNDBUFFORCE")
        } catch {
            try set(descriptor, SOL_SOCKET, SO_SNDBUF, half, "SO_SNDBUF")
        }
    }

    private static func set(
        _ descriptor: Int32, _ level: Int32, _ option: Int32, _ value: Int32, _ name: String
    ) throws(EgressError) {
        var value = value
        let status = unsafe setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
        guard status == 0 else { throw EgressError(name) }
    }
}
