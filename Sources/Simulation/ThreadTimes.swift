import Synchronization

/// Where the threads of a run stand in virtual time: none may run away from the others, or it would find their packets
/// old before their time.
final class ThreadTimes: Sendable {
    private let cells: [Cell]
    private let latestTime = Atomic<Int64>(0)

    /// One thread's time, on a line of its own.
    private final class Cell: Sendable {
        let now = Atomic<Int64>(0)
        let padding = InlineArray<14, Int64>(repeating: 0)
    }

    init(_ count: Int) { cells = (0..<count).map { _ in Cell() } }

    /// Waits until no thread is more than `within` nanoseconds behind.
    func keepStep(_ worker: Int, _ now: Int64, within: Int64) {
        cells[worker].now.store(now, ordering: .relaxed)
        for cell in cells {
            var looks = 0
            while now - cell.now.load(ordering: .relaxed) > within {
                looks += 1
                if looks > 1000 { giveWay() }
            }
        }
    }

    /// A thread has come to its end: nobody waits for it any more.
    func finish(_ worker: Int, _ now: Int64) {
        latestTime.max(now, ordering: .relaxed)
        cells[worker].now.store(.max / 2, ordering: .relaxed)
    }

    /// The end of the last thread.
    var latest: Int64 { latestTime.load(ordering: .relaxed) }
}
