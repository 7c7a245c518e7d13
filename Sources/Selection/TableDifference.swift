/// What lies between two versions of a table, counted in slots.
public struct TableDifference: Hashable, Sendable {
    /// What happened to one member.
    public struct Change: Hashable, Sendable {
        /// The member's name.
        public let name: String
        /// Slots it has in the new table.
        public fileprivate(set) var slots = 0
        /// Slots that came to it from others.
        public fileprivate(set) var gained = 0
        /// Slots that went from it to others.
        public fileprivate(set) var lost = 0
    }

    /// Slots that belong to another member than before.
    public fileprivate(set) var moved: Int
    /// Slots in the new table.
    public let size: Int
    /// All members of either table, by name.
    public fileprivate(set) var changes: [Change]

    /// ``moved`` as a part of the table, 0 … 1.
    public var movedShare: Double { Double(moved) / Double(size) }
}

extension ShardTable {
    /// How many slots moved since `old`, in total and per member.
    ///
    /// Tables of different sizes are compared by what they do to keys: slot i of the new table against the slot of the old
    /// one that the middle of i's range of hashes fell into.
    public func difference(from old: ShardTable) -> TableDifference {
        var changes: [TableDifference.Change] = []
        var newPlaces: [Int] = []
        var oldPlaces: [Int] = []
        merge(with: old, changes: &changes, newPlaces: &newPlaces, oldPlaces: &oldPlaces)
        var moved = 0
        for slot in 0..<size {
            let oldSlot = old.size == size ? slot : (2 * slot + 1) * old.size / (2 * size)
            let after = newPlaces[self[slot]]
            let before = oldPlaces[old[oldSlot]]
            changes[after].slots += 1
            if after == before { continue }
            moved += 1
            changes[after].gained += 1
            changes[before].lost += 1
        }
        return TableDifference(moved: moved, size: size, changes: changes)
    }

    /// Merges two sorted lists of members into one, and says where each member went.
    private func merge(
        with old: ShardTable, changes: inout [TableDifference.Change], newPlaces: inout [Int], oldPlaces: inout [Int]
    ) {
        while newPlaces.count < members.count || oldPlaces.count < old.members.count {
            let order: Int
            if newPlaces.count == members.count {
                order = 1
            } else if oldPlaces.count == old.members.count {
                order = -1
            } else {
                order = NameOrder.compare(members[newPlaces.count].name, old.members[oldPlaces.count].name)
            }
            let name = order <= 0 ? members[newPlaces.count].name : old.members[oldPlaces.count].name
            if order <= 0 { newPlaces.append(changes.count) }
            if order >= 0 { oldPlaces.append(changes.count) }
            changes.append(TableDifference.Change(name: name))
        }
    }
}
