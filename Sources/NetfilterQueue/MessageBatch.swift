import CLinuxShims
import CNetfilterQueue
import Glibc

/// The memory that one receive call fills: a fixed number of slots, one netlink datagram each.
///
/// Mapped once; a slot's pages cost nothing until a datagram reaches them.
@safe
struct MessageBatch: ~Copyable {
    /// How many datagrams fit.
    let slots: Int
    /// Bytes of a slot: the copied part of a packet and the attributes around it.
    let slotSize: Int
    /// What recvmmsg(2) reads and writes.
    let vector: UnsafeMutablePointer<ab_mmsghdr>
    private let segments: UnsafeMutablePointer<iovec>
    private let memory: UnsafeMutableRawPointer

    /// Netlink header, nfgenmsg and all attributes but the payload take less than this many bytes.
    static let overhead = 512

    init(slots: Int, copyRange: Int) {
        self.slots = slots
        slotSize = (copyRange + Self.overhead + 63) & ~63
        guard let memory = unsafe ab_map(slots * slotSize) else { fatalError("no memory for the receive slots") }
        unsafe self.memory = memory
        unsafe segments = .allocate(capacity: slots)
        unsafe vector = .allocate(capacity: slots)
        unsafe vector.initialize(repeating: ab_mmsghdr(), count: slots)
        for index in 0..<slots {
            unsafe segments[index] = iovec(iov_base: memory + index * slotSize, iov_len: slotSize)
            unsafe vector[index].header.msg_iov = segments + index
            unsafe vector[index].header.msg_iovlen = 1
        }
    }

    deinit {
        unsafe ab_unmap(memory, slots * slotSize)
        unsafe segments.deallocate()
        unsafe vector.deallocate()
    }

    /// The datagram that the last receive call put into a slot, or nil if it was longer than the slot.
    @_lifetime(borrow self)
    func message(_ index: Int) -> RawSpan? {
        precondition(index < slots)
        // SAFETY: the index is inside, the kernel wrote `length` bytes at most slotSize, and the memory lives as long as self.
        guard unsafe vector[index].header.msg_flags & Int32(MSG_TRUNC) == 0 else {
            return nil
        }
        let length = unsafe min(Int(vector[index].length), slotSize)
        let span = unsafe RawSpan(_unsafeStart: memory + index * slotSize, byteCount: length)
        return unsafe _overrideLifetime(span, borrowing: self)
    }

    /// Puts a recorded datagram into a slot, as the kernel would.
    mutating func fill(_ index: Int, with bytes: [UInt8]) {
        precondition(index < slots && bytes.count <= slotSize)
        unsafe bytes.withUnsafeBytes { source in
            unsafe (memory + index * slotSize).copyMemory(from: source.baseAddress!, byteCount: bytes.count)
        }
        unsafe vector[index].length = UInt32(bytes.count)
        unsafe vector[index].header.msg_flags = 0
    }
}
