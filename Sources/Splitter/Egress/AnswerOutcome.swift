import Glibc

/// How sending an answer went.
public enum AnswerOutcome: Equatable, Sendable {
    /// The kernel has all of it.
    case sent
    /// No datagram carries so much: 65,507 bytes over IPv4 and 65,527 over IPv6.
    case tooLong
    /// The socket's send buffer is full: go on when the socket is writable.
    case wouldBlock
    /// The device's queue is full, or all sockets are taken: no socket tells when it goes on, so try again in a moment.
    case congested
    /// Nothing was sent, and trying again without a change does not help.
    case failed(EgressError)
}

/// A system call of an answer socket that failed: which, and why.
public struct EgressError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The call's or the socket option's name.
    public let call: String
    /// The errno value.
    public let code: Int32

    /// Reads errno, so it must be made right after the call.
    init(_ call: String) {
        self.call = call
        code = errno
    }

    /// What failed, why, and what to do where that is known.
    public var description: String {
        let text = unsafe "\(call): \(String(cString: strerror(code)))"
        switch (call, code) {
        case ("IP_TRANSPARENT", EPERM), ("IPV6_TRANSPARENT", EPERM):
            return text + ": answers from a virtual address need CAP_NET_ADMIN"
        case ("bind", EADDRINUSE):
            return text + ": a program on this machine listens on the virtual address and port; stop it"
        case ("sendto", ENETUNREACH), ("sendto", EHOSTUNREACH):
            return text + ": add a route to the client"
        case ("sendto", EPERM):
            return text + ": a firewall rule in OUTPUT or POSTROUTING drops the answer"
        default:
            return text
        }
    }
}
