import Synchronization

/// Lends a fixed number of things to threads, one each; who finds none waits.
final class Seats: Sendable {
    private let free: Mutex<[Int]>
    private let semaphore: Semaphore

    /// Seats 0 ..< `count`.
    init(_ count: Int) {
        free = Mutex(Array((0..<count).reversed()))
        semaphore = Semaphore(count)
    }

    /// Waits for a seat; the one that was given back last.
    ///
    /// - Throws: `timeLimit` or `cancelled`.
    func take(_ limit: WorkLimit) throws(ProcessorError) -> Int {
        while !semaphore.wait(milliseconds: Int(try limit.wait())) {}
        return free.withLock { $0.removeLast() }
    }

    func giveBack(_ seat: Int) {
        free.withLock { $0.append(seat) }
        semaphore.signal()
    }
}
