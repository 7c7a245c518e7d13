/// The slots of one table: a contiguous, immutable array of member indices at an address that never changes.
///
/// A worker takes ``base`` once per snapshot and reads through it without counting references; whoever holds the snapshot
/// holds this object, and with it the memory. The memory begins at a cache line and is padded with ``unused`` to the end
/// of one.
@safe
public final class SlotStorage: Sendable {
    /// The first slot; valid as long as this object lives. Reading `count` slots from here is allowed, no more.
    @unsafe nonisolated(unsafe) public let base: UnsafePointer<UInt16>
    /// How many slots there are.
    public let count: Int

    /// What the padding holds, and what no member's index is.
    public static var unused: UInt16 { .max }
    /// A cache line, in bytes.
    static var alignment: Int { 64 }

    /// Copies the slots into memory of their own.
    init(copying slots: borrowing Span<UInt16>) {
        let perLine = Self.alignment / MemoryLayout<UInt16>.stride
        let capacity = (slots.count + perLine - 1) / perLine * perLine
        let raw = UnsafeMutableRawPointer.allocate(
            byteCount: capacity * MemoryLayout<UInt16>.stride, alignment: Self.alignment)
        // SAFETY: `capacity` elements were allocated and are initialised here, once, before anybody can read them.
        let typed = unsafe raw.bindMemory(to: UInt16.self, capacity: capacity)
        unsafe typed.initialize(repeating: Self.unused, count: capacity)
        for index in slots.indices { unsafe typed[index] = slots[index] }
        unsafe base = UnsafePointer(typed)
        count = slots.count
    }

    deinit {
        // SAFETY: `base` came from the allocation in init and is given back once; UInt16 needs no deinitialisation.
        unsafe UnsafeMutableRawPointer(mutating: base).deallocate()
    }

    /// Runs `body` with all the slots. The buffer must not leave it.
    @inlinable
    public func withUnsafeSlots<Result: ~Copyable, Failure: Error>(
        _ body: (UnsafeBufferPointer<UInt16>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try unsafe body(UnsafeBufferPointer(start: base, count: count))
    }

    /// The member index in slot `index`, checked.
    @inlinable
    public subscript(index: Int) -> UInt16 {
        precondition(index >= 0 && index < count, "no such slot")
        // SAFETY: the index was checked against the number of initialised slots.
        return unsafe base[index]
    }
}
