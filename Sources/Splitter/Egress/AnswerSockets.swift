import CLinuxShims
import Glibc
import Wire

/// Sends answers from the virtual address and port that the client had asked.
///
/// For each such endpoint there is one UDP socket, bound to it although the address is not the machine's own
/// (IP_TRANSPARENT). Datagrams longer than the path's MTU are cut by the kernel: in IPv4 without the don't-fragment flag,
/// so that a router with a smaller MTU cuts them again; in IPv6 by what the route is known to carry, or by
/// ``Settings/ipv6Fragment``. Needs CAP_NET_ADMIN. For one thread; nothing here waits.
///
/// **What arrives for the virtual address.** These sockets take nothing in: a filter that is there before the socket is
/// bound drops whatever the kernel would deliver. And normally it delivers nothing: a packet for a virtual address
/// that is not the machine's own is forwarded, and forwarding never asks for sockets (early demultiplexing only finds
/// connected ones; these are not). There are two ways to get it wrong, and both lose requests that no backend sees:
/// the virtual address is configured on an interface of the load balancer, or a TPROXY rule delivers its packets
/// locally. Such packets would have been answered with "port unreachable" but for the socket; they are counted
/// (``strays()``), so that the mistake can be told to the operator.
///
/// SO_REUSEPORT is set, so that a daemon that takes over can bind while its predecessor still answers. SO_REUSEADDR is
/// not: with it the socket could take a port away from a local program.
public struct AnswerSockets: ~Copyable {
    /// What the sockets are like.
    public struct Settings: Equatable, Sendable {
        /// Sockets that are open at once, 1 … 4,096; of those that nobody waits for, the one that was not used for longest
        /// is closed for a new one.
        public var limit: Int
        /// Bytes of send buffer, 256 KiB … 1 GiB. The kernel counts what its own records take as well: a datagram of
        /// 65,507 bytes in fragments of 1,500 takes about 110,000.
        public var sendBuffer: Int
        /// Longest IPv6 packet, 1,280 … 65,535 bytes; nil: what the route carries. "Packet too big" for an address that is
        /// not the machine's own is forwarded to a backend and teaches the kernel nothing, so where the path may
        /// be narrower than the first link, 1,280 is safe (RFC 8200 §5).
        public var ipv6Fragment: Int?

        /// All fields.
        public init(limit: Int = 256, sendBuffer: Int = 4 << 20, ipv6Fragment: Int? = nil) {
            self.limit = limit
            self.sendBuffer = sendBuffer
            self.ipv6Fragment = ipv6Fragment
        }

        /// The first setting that is out of its range, as a sentence; nil if all are good.
        public var fault: String? {
            func check(_ name: String, _ value: Int, _ range: ClosedRange<Int>) -> String? {
                range.contains(value)
                    ? nil : "\(name) is \(value); it must be \(range.lowerBound) to \(range.upperBound)"
            }
            return check("limit", limit, 1...4096)
                ?? check("send_buffer", sendBuffer, 262_144...(1 << 30))
                ?? ipv6Fragment.flatMap { check("ipv6_fragment", $0, 1280...65_535) }
        }
    }

    private struct Entry {
        var socket: Int32
        /// Counts uses: lower is longer ago.
        var lastUse: UInt64
        var isHeld = false
    }

    /// What it was made with.
    public let settings: Settings
    private var entries: [Endpoint: Entry] = [:]
    private var uses: UInt64 = 0
    private var straysOfClosed: Int64 = 0

    /// Without a socket; they are opened when they are needed. The settings must be good (``Settings/fault``).
    public init(_ settings: Settings = Settings()) {
        precondition(settings.fault == nil, settings.fault ?? "")
        self.settings = settings
    }

    deinit { for entry in entries.values { close(entry.socket) } }

    /// Sockets that are open.
    public var count: Int { entries.count }

    /// Sends one datagram.
    ///
    /// - Parameters:
    ///   - bytes: The UDP payload.
    ///   - virtual: Where it comes from: the endpoint that the client had asked.
    ///   - client: Where it goes; of the same family.
    public mutating func send(_ bytes: [UInt8], from virtual: Endpoint, to client: Endpoint) -> AnswerOutcome {
        precondition(virtual.address.family == client.address.family, "an answer stays within its family")
        let socket: Int32
        do throws(EgressError) {
            guard let known = try self.socket(for: virtual) else { return .congested }
            socket = known
        } catch {
            return .failed(error)
        }
        let outcome = EgressSocket.send(socket, bytes, to: client)
        // The next answer begins with a socket that knows nothing of this one's trouble.
        if case .failed = outcome { forget(virtual) }
        return outcome
    }

    /// Sends the datagrams of one answer, in order, until one does not go.
    ///
    /// - Parameter first: The datagram to begin with: what a former call gave as `sent` when it could not go on.
    /// - Returns: how many of `datagrams` are sent now, from the first on, and how the last attempt went.
    public mutating func send(
        _ datagrams: [[UInt8]], startingAt first: Int = 0, from virtual: Endpoint, to client: Endpoint
    ) -> (sent: Int, outcome: AnswerOutcome) {
        for index in first..<datagrams.count {
            let outcome = send(datagrams[index], from: virtual, to: client)
            if outcome != .sent { return (index, outcome) }
        }
        return (datagrams.count, .sent)
    }

    /// The socket to wait for (writable) after ``AnswerOutcome/wouldBlock``; valid until the next call of `send` for the
    /// endpoint, if it is held, otherwise of any.
    public func descriptor(for virtual: Endpoint) -> Int32? { entries[virtual]?.socket }

    /// Keeps an endpoint's socket from being closed for another's, or no longer: answers wait for it.
    public mutating func hold(_ virtual: Endpoint, _ isHeld: Bool) { entries[virtual]?.isHeld = isHeld }

    /// Forgets what the network has said about datagrams that were sent: a socket that is waited for counts as failed
    /// until then.
    public func forgetErrors(of virtual: Endpoint) {
        if let entry = entries[virtual] { EgressSocket.forgetErrors(entry.socket) }
    }

    /// Packets for the virtual endpoints that the kernel delivered to this machine, and the filter dropped. Anything but
    /// 0 is a mistake in the set-up: see above. The kernel's count has 32 bits.
    public func strays() -> Int64 {
        entries.values.reduce(straysOfClosed) { $0 + max(ab_socket_drops($1.socket), 0) }
    }

    /// An endpoint's socket; nil if there is none and all that may be open are held.
    private mutating func socket(for virtual: Endpoint) throws(EgressError) -> Int32? {
        uses += 1
        if let known = entries[virtual] {
            entries[virtual]!.lastUse = uses
            return known.socket
        }
        if entries.count >= settings.limit {
            let idle = entries.lazy.filter { !$0.value.isHeld }.min { $0.value.lastUse < $1.value.lastUse }
            guard let idle else { return nil }
            forget(idle.key)
        }
        let socket = try EgressSocket.make(virtual, settings)
        entries[virtual] = Entry(socket: socket, lastUse: uses)
        return socket
    }

    private mutating func forget(_ virtual: Endpoint) {
        guard let entry = entries.removeValue(forKey: virtual) else { return }
        straysOfClosed += max(ab_socket_drops(entry.socket), 0)
        close(entry.socket)
    }
}
