import Glibc

/// Why rules could not be put in or taken out. The description says what to do.
public enum RuleError: Error, Equatable, Sendable, CustomStringConvertible {
    /// A program could not be run; the errno value.
    case notStarted(program: String, code: Int32)
    /// A program refused the rules; what it said.
    case refused(program: String, status: Int32, message: String)
    /// The kernel has no queue expression for nftables.
    case noQueueInNft(message: String)

    /// What is wrong and what to do.
    public var description: String {
        switch self {
        case .notStarted(let program, ENOENT):
            return "\(program) is not installed: install the package "
                + (program == "nft" ? "nftables" : program == "ip" ? "iproute2" : "iptables")
        case .notStarted(let program, let code):
            return unsafe "\(program) could not be started: \(String(cString: strerror(code)))"
        case .refused(let program, let status, let message):
            let hint =
                message.contains("ermission") || message.contains("not permitted")
                ? "\nrun it as root or with CAP_NET_ADMIN" : ""
            return "\(program) ended with status \(status): \(message)\(hint)"
        case .noQueueInNft(let message):
            return "the kernel refuses the nftables queue statement (it may be built without NFT_QUEUE): "
                + "use --format iptables\n\(message)"
        }
    }

    init(_ program: String, _ child: ChildProcess) {
        var message = Substring(child.errors)
        while message.last?.isWhitespace == true { message.removeLast() }
        if program == "nft" && message.contains("No such file or directory") && message.contains("queue") {
            self = .noQueueInNft(message: String(message))
        } else {
            self = .refused(program: program, status: child.status, message: String(message))
        }
    }
}
