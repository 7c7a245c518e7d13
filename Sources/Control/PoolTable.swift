import Selection

/// A pool's current table, and what the last change did to it.
public struct PoolTable: Sendable {
    /// The table; nil while no backend takes shards.
    public private(set) var table: ShardTable?
    /// Counts the versions of the pool's table in this process, from 1; a change of nothing does not count.
    public private(set) var epoch: UInt64
    /// Slots that went to another backend at the last change of the table; nil for the first one.
    public private(set) var moved: Int?
    /// Slots each backend has, by name.
    public private(set) var shares: [String: Int] = [:]
    /// What the table was built from.
    let members: [TableMember]
    let size: Int

    /// The first table of a pool, or the one after `old`; `old` itself when there is nothing to change.
    static func next(
        after old: PoolTable?, members: [TableMember], size: Int, epoch: UInt64
    ) throws(SelectionError) -> PoolTable {
        if let old, old.members == members && old.size == size { return old }
        return try PoolTable(after: old, members: members, size: size, epoch: epoch)
    }

    private init(
        after old: PoolTable?, members: [TableMember], size: Int, epoch: UInt64
    ) throws(SelectionError) {
        self.members = members
        self.size = size
        self.epoch = epoch
        guard members.contains(where: { $0.weight > 0 }) else {
            if old?.table != nil { moved = old?.size }
            return
        }
        let built = try ShardTable.build(members: members, size: size, epoch: epoch)
        table = built
        for (member, count) in zip(built.members, built.shares()) { shares[member.name] = count }
        if let before = old?.table {
            moved = built.difference(from: before).moved
        } else if old != nil {
            moved = size
        }
    }

    /// The digest as people compare it, "-" while there is no table.
    public var digestText: String { table?.digestText ?? "-" }
}
