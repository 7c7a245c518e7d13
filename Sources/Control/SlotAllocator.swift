/// Gives names places to be counted in, for the life of the process.
///
/// A name keeps its slot, also when it goes and comes back. Only when no fresh slot is left does the one that has been
/// out of use longest get another name.
struct SlotAllocator<Name: Hashable & Sendable>: Sendable {
    private let capacity: Int
    private var slots: [Name: Int] = [:]
    private var fresh = 0
    /// Names not in use, the one that left first at the front.
    private var retired: [Name] = []

    init(capacity: Int) { self.capacity = capacity }

    /// The slot of a name that is in use or was.
    subscript(name: Name) -> Int? { slots[name] }

    /// Makes exactly these names the ones in use.
    ///
    /// - Returns: the slots that changed from one name to another: what they counted so far is not the new name's. Nil
    ///   when there are more names than slots; nothing changed then.
    mutating func use(_ names: [Name]) -> [Int]? {
        let wanted = Set(names)
        guard wanted.count <= capacity else { return nil }
        let out = Set(retired)
        retired.removeAll(where: wanted.contains)
        retired += slots.keys.filter { !wanted.contains($0) && !out.contains($0) }.sorted { slots[$0]! < slots[$1]! }
        var taken: [Int] = []
        for name in names where slots[name] == nil {
            if fresh < capacity {
                slots[name] = fresh
                fresh += 1
            } else {
                let slot = slots.removeValue(forKey: retired.removeFirst())!
                slots[name] = slot
                taken.append(slot)
            }
        }
        return taken
    }
}
