/// Memory for a fixed number of numbers, owned by one place and never grown.
@safe
struct Cells: ~Copyable {
    let count: Int
    private let memory: UnsafeMutablePointer<Float>

    init(repeating value: Float, count: Int) {
        self.count = count
        unsafe memory = .allocate(capacity: max(1, count))
        unsafe memory.initialize(repeating: value, count: count)
    }

    deinit {
        unsafe memory.deallocate()
    }

    var byteCount: Int { count * MemoryLayout<Float>.stride }

    @inline(__always)
    subscript(index: Int) -> Float {
        // SAFETY: the precondition keeps the index inside the allocation, which lives as long as self.
        get {
            precondition(index >= 0 && index < count)
            return unsafe memory[index]
        }
        set {
            precondition(index >= 0 && index < count)
            unsafe memory[index] = newValue
        }
    }

    /// The address of a run of cells for inner loops; checked once for the whole run.
    @inline(__always)
    @unsafe
    func run(at start: Int, count length: Int) -> UnsafeMutablePointer<Float> {
        precondition(start >= 0 && length >= 0 && start <= count - length)
        return unsafe memory + start
    }

    @inline(__always)
    mutating func fill(_ value: Float, from start: Int, count length: Int) {
        precondition(start >= 0 && length >= 0 && start <= count - length)
        var index = start
        while index < start + length {
            unsafe memory[index] = value
            index += 1
        }
    }
}

extension Cells {
    /// A time kept bit by bit in two cells.
    @inline(__always)
    func time(at index: Int) -> Int64 {
        Int64(bitPattern: UInt64(self[index].bitPattern) | UInt64(self[index + 1].bitPattern) &<< 32)
    }

    /// Keeps a time in two cells.
    @inline(__always)
    mutating func setTime(_ time: Int64, at index: Int) {
        let bits = UInt64(bitPattern: time)
        self[index] = Float(bitPattern: UInt32(truncatingIfNeeded: bits))
        self[index + 1] = Float(bitPattern: UInt32(truncatingIfNeeded: bits &>> 32))
    }
}

extension Cells {
    /// Copies the numbers of cells of the same count.
    mutating func take(_ other: borrowing Cells) {
        precondition(count == other.count)
        for index in 0..<count { self[index] = other[index] }
    }
}
