/// What is due when: a binary heap of times. An entry that is no longer right does no harm: whoever takes it out looks
/// again.
struct DueQueue<Name: Hashable & Sendable>: Sendable {
    private var heap: [(due: UInt64, name: Name)] = []

    /// The earliest time; nil when there is nothing.
    var first: UInt64? { heap.first?.due }
    var count: Int { heap.count }

    mutating func add(_ name: Name, due: UInt64) {
        heap.append((due, name))
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            if heap[parent].due <= heap[child].due { break }
            heap.swapAt(parent, child)
            child = parent
        }
    }

    /// Takes out the earliest entry if its time has come.
    mutating func popDue(now: UInt64) -> Name? {
        guard let top = heap.first, top.due <= now else { return nil }
        removeFirst()
        return top.name
    }

    /// Drops the entries whose names are of no use any more, when most are not.
    mutating func compact(live: Int, isLive: (Name) -> Bool) {
        if heap.count <= 4 * live + 64 { return }
        let kept = heap.filter { isLive($0.name) }
        heap = []
        for entry in kept { add(entry.name, due: entry.due) }
    }

    private mutating func removeFirst() {
        let last = heap.removeLast()
        if heap.isEmpty { return }
        heap[0] = last
        var parent = 0
        while true {
            let left = 2 * parent + 1
            if left >= heap.count { return }
            let right = left + 1
            let child = right < heap.count && heap[right].due < heap[left].due ? right : left
            if heap[parent].due <= heap[child].due { return }
            heap.swapAt(parent, child)
            parent = child
        }
    }
}
