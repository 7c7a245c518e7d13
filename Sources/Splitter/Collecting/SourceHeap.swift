/// Which source is the heaviest: a binary heap whose elements can change their weight.
///
/// Among sources of one weight the one whose oldest packet is oldest comes first, so that a flood of addresses that send
/// one fragment each takes from itself: its packets grow old, those of others become whole.
struct SourceHeap {
    private var order: [Int] = []
    // By source: its place in `order`, or -1; what it weighs; and how old its oldest packet is (lower is older).
    private var places: [Int] = []
    private var weights: [Int] = []
    private var ages: [UInt64] = []

    var isEmpty: Bool { order.isEmpty }
    /// The heaviest.
    var first: Int? { order.first }

    /// Puts a source in, or moves it to where it belongs now. `source` is a small number.
    mutating func set(_ source: Int, weight: Int, age: UInt64) {
        while places.count <= source {
            places.append(-1)
            weights.append(0)
            ages.append(0)
        }
        weights[source] = weight
        ages[source] = age
        if places[source] < 0 {
            places[source] = order.count
            order.append(source)
        }
        rise(places[source])
        sink(places[source])
    }

    /// Takes a source out.
    mutating func remove(_ source: Int) {
        let place = places[source]
        let last = order.removeLast()
        places[source] = -1
        if last == source { return }
        order[place] = last
        places[last] = place
        rise(place)
        sink(places[last])
    }

    private func isBefore(_ a: Int, _ b: Int) -> Bool {
        weights[a] != weights[b] ? weights[a] > weights[b] : ages[a] < ages[b]
    }

    private mutating func swap(_ a: Int, _ b: Int) {
        order.swapAt(a, b)
        places[order[a]] = a
        places[order[b]] = b
    }

    private mutating func rise(_ start: Int) {
        var child = start
        while child > 0, isBefore(order[child], order[(child - 1) / 2]) {
            swap(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    private mutating func sink(_ start: Int) {
        var parent = start
        while true {
            var best = 2 * parent + 1
            if best >= order.count { return }
            if best + 1 < order.count, isBefore(order[best + 1], order[best]) { best += 1 }
            if !isBefore(order[best], order[parent]) { return }
            swap(best, parent)
            parent = best
        }
    }
}
