/// A packet that waits in the kernel while its payload is collected or split.
struct Original {
    /// What it is known by in the parking queue; nil until it has arrived there.
    var id: UInt32?
    /// Its length in bytes, from the layer-3 header on.
    let wireLength: Int
    /// Whether it is one of several packets of its payload.
    let isFragment: Bool
}

/// The originals that wait, by the names that travel with them as firewall marks.
struct OriginalTable {
    private var originals: [UInt32: Original] = [:]
    private var last: UInt32 = 0
    /// How many may wait.
    let capacity: Int

    init(capacity: Int) { self.capacity = capacity }

    /// How many wait.
    var count: Int { originals.count }

    /// A place for an original; its name is not 0 and is nobody else's. Nil when there is no room.
    mutating func add(wireLength: Int, isFragment: Bool) -> UInt32? {
        guard originals.count < capacity else { return nil }
        repeat { last &+= 1 } while last == 0 || originals[last] != nil
        originals[last] = Original(id: nil, wireLength: wireLength, isFragment: isFragment)
        return last
    }

    /// An original has arrived in its queue. False if nobody waits for it.
    mutating func confirm(_ name: UInt32, id: UInt32) -> Bool {
        guard originals[name] != nil else { return false }
        originals[name]?.id = id
        return true
    }

    /// Gives up a place.
    mutating func remove(_ name: UInt32) -> Original? { originals.removeValue(forKey: name) }
}
