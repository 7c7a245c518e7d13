import Glibc

/// Why a queue could not be bound.
public enum QueueError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Another socket has it: the netlink port id and, where it is a process of this host, its name.
    case taken(queue: UInt16, port: UInt32, process: String?)
    /// The process lacks CAP_NET_ADMIN in the network namespace.
    case notPermitted(queue: UInt16)
    /// The kernel has no nfnetlink_queue, or the namespace has none of it.
    case unsupported(queue: UInt16)
    /// A call failed.
    case failed(queue: UInt16, SystemError)

    /// What is wrong and what to do.
    public var description: String {
        switch self {
        case .taken(let queue, let port, let process):
            let owner = process.map { " (process \($0))" } ?? ""
            return
                "queue \(queue) is taken by netlink port \(port)\(owner): stop that program or set queues.first to another number"
        case .notPermitted(let queue):
            return "queue \(queue): not permitted: run with CAP_NET_ADMIN (systemd: AmbientCapabilities=CAP_NET_ADMIN)"
        case .unsupported(let queue):
            return
                "queue \(queue): the kernel has no NFQUEUE: load nfnetlink_queue or use a kernel with CONFIG_NETFILTER_NETLINK_QUEUE"
        case .failed(let queue, let error):
            return "queue \(queue): \(error)"
        }
    }

    /// Puts a refusal of the bind request into words; EPERM means two things.
    static func bindRefused(queue: UInt16, code: Int32) -> QueueError {
        switch code {
        case EPERM, EBUSY:
            guard let row = KernelQueue.all()?.first(where: { $0.number == queue }) else {
                return .notPermitted(queue: queue)
            }
            return .taken(queue: queue, port: row.portID, process: processName(row.portID))
        case EOPNOTSUPP, EPROTONOSUPPORT, EINVAL:
            return .unsupported(queue: queue)
        default:
            return .failed(queue: queue, SystemError("bind of the queue", code: code))
        }
    }

    /// A netlink port id is by habit the process id of the process's first socket.
    private static func processName(_ port: UInt32) -> String? {
        guard let name = KernelQueue.read("/proc/\(port)/comm") else { return nil }
        return name.last == "\n" ? String(name.dropLast()) : name
    }
}
