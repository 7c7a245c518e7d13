/// Events in the order of their times; those of one time in the order in which they were added.
struct EventQueue<Event> {
    private var heap: [(time: UInt64, number: UInt64, event: Event)] = []
    private var added: UInt64 = 0

    mutating func add(_ event: Event, at time: UInt64) {
        heap.append((time, added, event))
        added += 1
        var child = heap.count - 1
        while child > 0, isBefore(child, (child - 1) / 2) {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func next(until end: UInt64) -> (UInt64, Event)? {
        guard let top = heap.first, top.time <= end else { return nil }
        let last = heap.removeLast()
        if heap.isEmpty { return (top.time, top.event) }
        heap[0] = last
        var parent = 0
        while 2 * parent + 1 < heap.count {
            var child = 2 * parent + 1
            if child + 1 < heap.count, isBefore(child + 1, child) { child += 1 }
            if !isBefore(child, parent) { break }
            heap.swapAt(child, parent)
            parent = child
        }
        return (top.time, top.event)
    }

    private func isBefore(_ a: Int, _ b: Int) -> Bool {
        (heap[a].time, heap[a].number) < (heap[b].time, heap[b].number)
    }
}

extension Array where Element == UInt64 {
    /// The value that a share of the others do not exceed.
    func percentile(_ share: Double) -> UInt64 {
        let sorted = sorted()
        return sorted.isEmpty ? 0 : sorted[Swift.min(Int(share * Double(sorted.count)), sorted.count - 1)]
    }
}
