import Synchronization

/// Where the threads of a run stand in virtual time: none may run away from the others, or it would find their packets
/// old before their time.
///
/// Each thread writes its own time often and looks at the others' only when it has come as far as what it last saw of
/// them allows: a line that is looked at must be fetched back before its owner can write it again.
final class ThreadTimes: Sendable {
    /// Most threads of a run: as many as a tracker has workers.
    private static var most: Int { 64 }

    private let count: Int
    private let latestTime = Atomic<Int64>(0)
    // In place, not objects of their own: to look at one would count a reference to it, in the line it shares with others.
    private let places = InlineArray<64, Place> { _ in Place() }

    /// One thread's time, on two lines of its own.
    private struct Place: ~Copyable {
        let now = Atomic<Int64>(0)
        private let padding = InlineArray<15, Int64>(repeating: 0)
    }

    init(_ count: Int) {
        precondition(count <= Self.most)
        self.count = count
    }

    /// Tells where a thread stands, and waits until no other is more than `within` nanoseconds behind.
    ///
    /// - Parameter horizon: How far the thread may go by what it last saw of the others; 0 at first.
    func keepStep(_ worker: Int, _ now: Int64, within: Int64, horizon: inout Int64) {
        places[worker].now.store(now, ordering: .relaxed)
        if now <= horizon { return }
        horizon = .max
        for other in 0..<count where other != worker {
            var looks = 0
            var seen = places[other].now.load(ordering: .relaxed)
            while now - seen > within {
                looks += 1
                if looks > 1000 { giveWay() }
                seen = places[other].now.load(ordering: .relaxed)
            }
            horizon = min(horizon, seen + within)
        }
    }

    /// A thread has come to its end: nobody waits for it any more.
    func finish(_ worker: Int, _ now: Int64) {
        latestTime.max(now, ordering: .relaxed)
        places[worker].now.store(.max / 2, ordering: .relaxed)
    }

    /// The end of the last thread.
    var latest: Int64 { latestTime.load(ordering: .relaxed) }
}
