import Synchronization

/// A fixed pool of places, handed out by number. Each worker has a free list of its own with a lock that is hardly ever
/// contended; who finds his own list empty takes half of another's. In front of the list each worker has up to 24 places
/// in hand that need no lock at all, and no links, which lie in lines that other workers write too.
///
/// What is in another worker's hand is out of reach, so a pool that must never say "empty" too early is made with
/// `inHands(workers)` more places than it promises.
///
/// Links lie beside the places, not in them: giving a place back does not touch it.
struct IndexPool: ~Copyable {
    /// "No place": the end of a list, and the answer of an empty pool.
    static var none: UInt32 { .max }

    /// At most this many places move from one worker to another at once.
    private static var steal: UInt32 { 64 }

    /// Most places in a worker's hand, and how many move between hand and list at once.
    private static var handSize: UInt32 { 24 }
    private static var move: UInt32 { 12 }

    /// Places that may be in the hands of all workers but one.
    static func inHands(_ workers: Int) -> Int { Int(handSize) * (workers - 1) }

    /// A worker's free list, and on lines of its own what it has in hand.
    struct List: ~Copyable {
        let lock = SpinLock()
        var head = IndexPool.none
        let free = Atomic<UInt32>(0)
        private let padding = InlineArray<13, UInt32>(repeating: 0)
        let inHand = Atomic<UInt32>(0)
        /// Fewest places the worker ever had, list and hand.
        let lowest = Atomic<UInt32>(0)
        var hand = InlineArray<24, UInt32>(repeating: IndexPool.none)
        private let padding2 = InlineArray<22, UInt32>(repeating: 0)
    }

    /// The lowest number the pool can hold.
    let first: UInt32
    /// Numbers in the pool at start, and again when all have come back.
    let count: UInt32
    private let workers: UInt32
    private let links: Slab<UInt32>
    private let lists: Slab<List>

    struct Places {
        let links: RegionPlan.Place<UInt32>
        let lists: RegionPlan.Place<List>
    }

    static func reserve(_ count: Int, workers: Int, in plan: inout RegionPlan) -> Places {
        Places(
            links: plan.reserve(UInt32.self, count: count),
            lists: plan.reserve(List.self, count: workers))
    }

    /// A pool for the numbers from `first` on, as many as there are links. Those in `free` are free, dealt evenly to
    /// the workers' lists, lowest number first; the others may be put in later.
    init(_ places: Places, in region: borrowing MappedRegion, first: UInt32, free: Range<UInt32>) {
        self.first = first
        count = UInt32(free.count)
        workers = UInt32(places.lists.count)
        links = region.slab(places.links)
        lists = region.slab(places.lists)
        for worker in 0..<Int(workers) {
            lists.initialize(worker, to: List())
        }
        for link in 0..<links.count { links.initialize(link, to: Self.none) }
        for place in free.reversed() {
            let owner = place % workers
            links.cell(place - first).its = lists[owner].head
            lists.cell(owner).its.head = place
            _ = lists[owner].free.add(1, ordering: .relaxed)
        }
        for worker in 0..<workers {
            lists[worker].lowest.store(lists[worker].free.load(ordering: .relaxed), ordering: .relaxed)
        }
    }

    /// A place, or `none` when all lists are empty.
    @inline(__always)
    func take(_ worker: UInt32) -> UInt32 {
        let list = lists.cell(worker)
        var left = list.its.inHand.load(ordering: .relaxed)
        if left == 0 {
            left = refill(worker)
            if left == 0 { return Self.none }
        }
        left &-= 1
        list.its.inHand.store(left, ordering: .relaxed)
        return list.its.hand[Int(left)]
    }

    /// Gives one place back.
    @inline(__always)
    func put(_ place: UInt32, _ worker: UInt32) {
        let list = lists.cell(worker)
        var held = list.its.inHand.load(ordering: .relaxed)
        if held == Self.handSize { held = spill(worker) }
        list.its.hand[Int(held)] = place
        list.its.inHand.store(held &+ 1, ordering: .relaxed)
    }

    /// Moves places from the list to the empty hand, or else from another worker's list. Gives the number now in hand.
    @inline(never)
    private func refill(_ worker: UInt32) -> UInt32 {
        lists[worker].lock.lock()
        let free = lists[worker].free.load(ordering: .relaxed)
        let taken = min(free, Self.move)
        for index in 0..<Int(taken) {
            let place = lists[worker].head
            lists.cell(worker).its.hand[index] = place
            lists.cell(worker).its.head = links[place &- first]
        }
        lists[worker].free.store(free &- taken, ordering: .relaxed)
        lists[worker].lock.unlock()
        lists[worker].inHand.store(taken, ordering: .relaxed)
        // All that was free before this call, less the one that will now go.
        let left = free == 0 ? 0 : free &- 1
        if left < lists[worker].lowest.load(ordering: .relaxed) { lists[worker].lowest.store(left, ordering: .relaxed) }
        if taken == 0, workers > 1 {
            let place = takeFromOthers(worker)
            if place == Self.none { return 0 }
            lists.cell(worker).its.hand[0] = place
            lists[worker].inHand.store(1, ordering: .relaxed)
            return 1
        }
        return taken
    }

    /// Moves places from the full hand to the list. Gives the number still in hand.
    @inline(never)
    private func spill(_ worker: UInt32) -> UInt32 {
        let kept = Self.handSize - Self.move
        lists[worker].lock.lock()
        for index in Int(kept)..<Int(Self.handSize) {
            let place = lists[worker].hand[index]
            links.cell(place &- first).its = lists[worker].head
            lists.cell(worker).its.head = place
        }
        lists[worker].free.store(lists[worker].free.load(ordering: .relaxed) &+ Self.move, ordering: .relaxed)
        lists[worker].lock.unlock()
        lists[worker].inHand.store(kept, ordering: .relaxed)
        return kept
    }

    @inline(never)
    private func takeFromOthers(_ worker: UInt32) -> UInt32 {
        var other = worker
        for _ in 1..<workers {
            other = other + 1 == workers ? 0 : other + 1
            if lists[other].free.load(ordering: .relaxed) == 0 { continue }
            lists[other].lock.lock()
            let head = lists[other].head
            let free = lists[other].free.load(ordering: .relaxed)
            if free == 0 {
                lists[other].lock.unlock()
                continue
            }
            let taken = min(Self.steal, (free + 1) / 2)
            var tail = head
            for _ in 1..<taken { tail = links[tail &- first] }
            lists.cell(other).its.head = links[tail &- first]
            lists[other].free.store(free - taken, ordering: .relaxed)
            lists[other].lock.unlock()
            if taken > 1 {
                let rest = links[head &- first]
                lists[worker].lock.lock()
                links.cell(tail &- first).its = lists[worker].head
                lists.cell(worker).its.head = rest
                lists[worker].free.store(
                    lists[worker].free.load(ordering: .relaxed) &+ taken &- 1, ordering: .relaxed)
                lists[worker].lock.unlock()
            }
            return head
        }
        return Self.none
    }

    /// Places free at this moment; exact when nobody is at work.
    var free: Int {
        var sum = 0
        for worker in 0..<workers {
            sum += Int(lists[worker].free.load(ordering: .relaxed) &+ lists[worker].inHand.load(ordering: .relaxed))
        }
        return sum
    }

    /// Whether at most `least` places are free. Looks at the other workers' lists only if this one's own is not enough to
    /// tell: their lines are theirs.
    @inline(__always)
    func isBelow(_ least: Int, _ worker: UInt32) -> Bool {
        Int(lists[worker].free.load(ordering: .relaxed)) <= least && free <= least
    }

    /// Most places ever out at once: for one worker to within a handful, for several an upper bound, because their lists
    /// were not at their lowest at the same moment.
    var peak: Int {
        var sum = 0
        for worker in 0..<workers { sum += Int(lists[worker].lowest.load(ordering: .relaxed)) }
        return Int(count) - sum
    }

    /// Calls `visit` for each free place. For invariants, while nobody is at work.
    func forEachFree(_ visit: (UInt32) -> Void) {
        for worker in 0..<workers {
            var place = lists[worker].head
            while place != Self.none {
                visit(place)
                place = links[place &- first]
            }
            for index in 0..<Int(lists[worker].inHand.load(ordering: .relaxed)) { visit(lists[worker].hand[index]) }
        }
    }
}
