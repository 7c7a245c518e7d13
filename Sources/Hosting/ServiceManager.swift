import Glibc

/// Tells systemd how the daemon is, by the datagram protocol of sd_notify(3): without libsystemd, whose memory an idle
/// daemon need not pay for. Outside systemd nothing is sent.
public struct ServiceManager: Sendable {
    private let path: String?
    /// How often systemd wants a sign of life, in nanoseconds; nil when it wants none.
    public let watchdogInterval: Int64?

    /// Reads what systemd left in the environment.
    public init() {
        path = unsafe getenv("NOTIFY_SOCKET").map { unsafe String(cString: $0) }
        // WATCHDOG_PID guards against a value that was meant for a parent (sd_watchdog_enabled(3)).
        let pid = unsafe getenv("WATCHDOG_PID").map { unsafe String(cString: $0) }
        let microseconds = unsafe getenv("WATCHDOG_USEC").flatMap { unsafe Int64(String(cString: $0)) }
        watchdogInterval = pid == nil || pid == "\(getpid())" ? microseconds.map { $0 * 1000 } : nil
    }

    /// For tests: a socket by its path.
    package init(path: String) {
        self.path = path
        watchdogInterval = nil
    }

    /// The daemon serves.
    public func ready(_ status: String) { send("READY=1\nSTATUS=\(status)\nMAINPID=\(getpid())") }
    /// A reload begins; `ready` ends it. The time lets systemd tell this reload from an older one.
    public func reloading() { send("RELOADING=1\nMONOTONIC_USEC=\(Self.monotonicMicroseconds)") }
    /// The daemon stops.
    public func stopping() { send("STOPPING=1") }
    /// A sign of life.
    public func alive() { send("WATCHDOG=1") }
    /// One line for `systemctl status`.
    public func status(_ text: String) { send("STATUS=\(text)") }

    private static var monotonicMicroseconds: Int64 {
        var now = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &now)
        return Int64(now.tv_sec) * 1_000_000 + Int64(now.tv_nsec) / 1000
    }

    private func send(_ message: String) {
        guard let path else { return }
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        let bytes = Array(message.utf8)
        _ = unsafe withUnixAddress(path) { address, length in
            // A path that begins with "@" is in the abstract namespace: its first byte is 0 and nothing pads its end.
            var copy = unsafe UnsafeRawPointer(address).loadUnaligned(as: sockaddr_un.self)
            let size = socklen_t(MemoryLayout<sa_family_t>.size + path.utf8.count)
            let abstract = path.utf8.first == UInt8(ascii: "@")
            if abstract { copy.sun_path.0 = 0 }
            return unsafe withUnsafeBytes(of: &copy) { raw in
                unsafe bytes.withUnsafeBytes { body in
                    let target = unsafe raw.assumingMemoryBound(to: sockaddr.self).baseAddress!
                    let flags = Int32(MSG_NOSIGNAL)
                    return unsafe Int32(
                        sendto(descriptor, body.baseAddress, body.count, flags, target, abstract ? size : length))
                }
            }
        }
    }
}
