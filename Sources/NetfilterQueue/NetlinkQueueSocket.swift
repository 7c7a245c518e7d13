import CLinuxShims
import CNetfilterQueue
import Glibc

/// The netlink socket of one queue.
///
/// SAFETY: nothing changes after `init`, and the kernel allows receiving and sending to several threads at once.
@safe
struct NetlinkQueueSocket: QueueSocket, ~Copyable, @unchecked Sendable {
    /// Sequence number of the bind request, so that its answer is known.
    static let bindSequence: UInt32 = 0xFFFF_FFF0
    /// Sequence number of the request that closes the queue to new packets.
    static let closeSequence: UInt32 = 0xFFFF_FFF1

    /// How long a receive call waits at most, in microseconds.
    private static let waitMicroseconds = 100_000
    /// A send that meets a full kernel is tried this often.
    private static let sendTries = 16

    private let handle: OpaquePointer
    /// For those who wait for several sockets at once.
    let descriptor: Int32
    private let queue: UInt16

    /// Opens a socket and sizes its buffer; nothing is bound yet.
    init(_ settings: QueueSettings) throws(SystemError) {
        let opened = try unsafe Self.open()
        unsafe handle = opened
        descriptor = unsafe mnl_socket_get_fd(opened)
        queue = settings.number
        var size = Int32(clamping: settings.receiveBuffer)
        // The forced size needs CAP_NET_ADMIN, which binding a queue needs anyway.
        if unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, &size, 4) != 0 {
            unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, 4)
        }
        var wait = timeval(tv_sec: 0, tv_usec: Self.waitMicroseconds)
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &wait, socklen_t(MemoryLayout<timeval>.size))
        // Error answers need not quote our whole message back.
        var on: Int32 = 1
        unsafe setsockopt(descriptor, 270 /* SOL_NETLINK */, Int32(NETLINK_CAP_ACK), &on, 4)
    }

    private static func open() throws(SystemError) -> OpaquePointer {
        guard let opened = unsafe mnl_socket_open2(NETLINK_NETFILTER, Int32(SOCK_CLOEXEC.rawValue)) else {
            throw SystemError("mnl_socket_open2")
        }
        guard unsafe mnl_socket_bind(opened, 0, MNL_SOCKET_AUTOPID) == 0 else {
            let error = SystemError("mnl_socket_bind")
            unsafe mnl_socket_close(opened)
            throw error
        }
        return unsafe opened
    }

    deinit { unsafe mnl_socket_close(handle) }

    mutating func receive(into batch: inout MessageBatch, waits: Bool) -> ReceiveResult {
        receiveShared(into: &batch, waits: waits)
    }

    mutating func send(_ bytes: RawSpan) -> SendResult { sendShared(bytes) }

    /// As `receive`: the kernel allows it to several threads at once.
    func receiveShared(into batch: inout MessageBatch, waits: Bool) -> ReceiveResult {
        let count = unsafe ab_recvmmsg(
            descriptor, batch.vector, UInt32(batch.slots),
            waits ? Int32(MSG_WAITFORONE) : Int32(MSG_DONTWAIT))
        if count > 0 { return .messages(Int(count)) }
        switch errno {
        case EAGAIN: return .quiet
        case EINTR: return .interrupted
        case ENOBUFS: return .overrun
        default: return .failed(SystemError("recvmmsg"))
        }
    }

    /// As `send`: the kernel allows it to several threads at once.
    func sendShared(_ bytes: RawSpan) -> SendResult {
        for _ in 0..<Self.sendTries {
            let sent = unsafe bytes.withUnsafeBytes { buffer in
                unsafe Glibc.send(descriptor, buffer.baseAddress, buffer.count, 0)
            }
            if sent >= 0 { return .sent }
            guard errno == EINTR || errno == ENOBUFS || errno == EAGAIN || errno == ENOMEM else { break }
            if errno != EINTR { sched_yield() }
        }
        return .failed(SystemError("send of verdicts"))
    }

    /// Asks the kernel for the queue with all its settings in one message, so that no packet meets it half set up.
    /// The answer comes in with the packets, under `bindSequence`.
    func requestBind(_ settings: QueueSettings) throws(SystemError) {
        try unsafe request(Self.bindSequence) { header in
            unsafe nfq_nlmsg_cfg_put_cmd(header, UInt16(AF_UNSPEC), UInt8(NFQNL_CFG_CMD_BIND.rawValue))
            unsafe nfq_nlmsg_cfg_put_params(
                header, UInt8(NFQNL_COPY_PACKET.rawValue), Int32(clamping: settings.copyRange))
            unsafe nfq_nlmsg_cfg_put_qmaxlen(header, settings.length)
            let flags =
                (settings.failOpen ? UInt32(NFQA_CFG_F_FAIL_OPEN) : 0)
                | (settings.aggregates ? UInt32(NFQA_CFG_F_GSO) : 0)
            unsafe mnl_attr_put_u32(header, UInt16(NFQA_CFG_FLAGS.rawValue), flags.bigEndian)
            let mask = UInt32(NFQA_CFG_F_FAIL_OPEN) | UInt32(NFQA_CFG_F_GSO)
            unsafe mnl_attr_put_u32(header, UInt16(NFQA_CFG_MASK.rawValue), mask.bigEndian)
        }
    }

    /// Closes the queue to new packets: they are accepted as if it were full. What waits already keeps waiting.
    ///
    /// The kernel hands packets over and changes the length under one lock, so every packet it let in stands in the
    /// socket before the answer (`closeSequence`).
    func requestClose() throws(SystemError) {
        try unsafe request(Self.closeSequence) { header in
            unsafe nfq_nlmsg_cfg_put_qmaxlen(header, 0)
            let flag = UInt32(NFQA_CFG_F_FAIL_OPEN)
            unsafe mnl_attr_put_u32(header, UInt16(NFQA_CFG_FLAGS.rawValue), flag.bigEndian)
            unsafe mnl_attr_put_u32(header, UInt16(NFQA_CFG_MASK.rawValue), flag.bigEndian)
        }
    }

    private func request(_ sequence: UInt32, _ fill: (UnsafeMutablePointer<nlmsghdr>) -> Void) throws(SystemError) {
        let capacity = 512
        let buffer = UnsafeMutablePointer<CChar>.allocate(capacity: capacity)
        defer { unsafe buffer.deallocate() }
        guard let header = unsafe nfq_nlmsg_put(buffer, Int32(NFQNL_MSG_CONFIG.rawValue), UInt32(queue)) else {
            throw SystemError("nfq_nlmsg_put")
        }
        unsafe header.pointee.nlmsg_flags = UInt16(NLM_F_REQUEST | NLM_F_ACK)
        unsafe header.pointee.nlmsg_seq = sequence
        unsafe fill(header)
        guard unsafe mnl_socket_sendto(handle, header, Int(header.pointee.nlmsg_len)) >= 0 else {
            throw SystemError("mnl_socket_sendto")
        }
    }
}
