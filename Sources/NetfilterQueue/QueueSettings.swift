/// How one kernel queue is bound. Settings of libnetfilter_queue under their configuration names.
public struct QueueSettings: Equatable, Sendable {
    /// The queue's number, 0 … 65535.
    public var number: UInt16
    /// Packets that may wait in the kernel for a verdict before new ones are dropped (or, with `failOpen`, accepted).
    public var length: UInt32 = 4096
    /// Bytes of each packet that are copied to user space, 64 … 65531. Headers have to fit.
    public var copyRange: UInt32 = 256
    /// Packets received by one call at most, 1 … 1024.
    public var batch = 64
    /// Bytes of the socket's receive buffer; each waiting packet takes its copied bytes and about 800 more.
    public var receiveBuffer = 8 << 20
    /// Packets that find the queue full are accepted without a mark and take the fallback route.
    public var failOpen = true
    /// Aggregates (GSO) are handed over whole instead of being cut into packets first.
    public var aggregates = true
    /// The queue in which the worker parks packets, bound by it alone; nil: it parks none.
    public var parking: UInt16?
    /// Packets that may be parked at a time, 1 … 1,048,576.
    public var parkingLength: UInt32 = 8192
    /// The CPU that the worker is pinned to; nil leaves it to the scheduler.
    public var cpu: Int?

    /// The defaults for the queue of that number.
    public init(number: UInt16) { self.number = number }
}
