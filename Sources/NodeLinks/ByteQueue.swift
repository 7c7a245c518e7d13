/// Bytes that wait to be sent, first in first out. Grows as needed, and gives its memory back when it is empty.
struct ByteQueue {
    private var bytes: [UInt8] = []
    private var start = 0

    /// Above this much memory, an empty queue keeps nothing.
    private static let keptMemory = 256 << 10

    var count: Int { bytes.count - start }
    var isEmpty: Bool { start == bytes.count }

    mutating func append(_ more: [UInt8]) {
        makeRoom()
        bytes += more
    }

    mutating func append(_ more: UnsafeRawBufferPointer) {
        makeRoom()
        unsafe bytes.append(contentsOf: more)
    }

    private mutating func makeRoom() {
        // Moving what waits to the front pays when more is gone than is left.
        if start > 65_536 && start > count {
            bytes.removeSubrange(..<start)
            start = 0
        }
    }

    mutating func removeFirst(_ sent: Int) {
        start += sent
        guard isEmpty else { return }
        if bytes.capacity > Self.keptMemory { bytes = [] } else { bytes.removeAll(keepingCapacity: true) }
        start = 0
    }

    /// Calls `body` with the first bytes, at most that many.
    func withFirst<Result>(_ limit: Int, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        unsafe bytes.withUnsafeBytes { all in
            unsafe body(UnsafeRawBufferPointer(rebasing: all[start..<start + min(all.count - start, limit)]))
        }
    }
}
