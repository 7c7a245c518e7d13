/// The table read as a ring: an ordered list of members for a key, for work that needs several of them.
public enum Ring {
    /// The first `count` different members met on the way around the table from the key's slot.
    ///
    /// The first one is the member the table itself gives the key. When a member leaves, the others keep their order but
    /// for the few slots that move. Members without slots are not on the ring.
    ///
    /// - Parameters:
    ///   - hash: the key's hash; all 64 bits count, the slot is `(hash · M) >> 64`.
    ///   - table: the ring.
    ///   - count: how many candidates are wanted; fewer come when there are fewer members.
    /// - Returns: indices into the table's members, each once, nearest first.
    public static func candidates(forKey hash: UInt64, in table: ShardTable, count: Int) -> [Int] {
        var found: [Int] = []
        if count <= 0 { return found }
        var seen = [Bool](repeating: false, count: table.members.count)
        let wanted = min(count, table.members.lazy.filter { $0.weight > 0 }.count)
        found.reserveCapacity(wanted)
        var slot = Int(hash.multipliedFullWidth(by: UInt64(table.size)).high)
        while found.count < wanted {
            let member = table[slot]
            if !seen[member] {
                seen[member] = true
                found.append(member)
            }
            slot = slot + 1 == table.size ? 0 : slot + 1
        }
        return found
    }
}
