/// A pool's shard table: which member each shard belongs to.
///
/// The table is a pure function of the members' names and weights and of its size. Neither the order of the members nor
/// what the table was before matters, so load balancers that know the same members agree, and ``digest`` proves it.
///
/// Shares are exact: every member gets the number of slots its weight is due, rounded (see ``SlotQuotas``). Where the
/// slots lie comes from consistent hashing in the manner of Maglev (Eisenbud et al., NSDI 2016, §3.4), so a change of one
/// member moves little of what the others have.
public struct ShardTable: Sendable {
    /// All members by the UTF-8 bytes of their names, ascending; those of weight 0 too.
    public let members: [TableMember]
    /// The slots, for readers that must not count references.
    public let storage: SlotStorage
    /// A hash of size, members, weights and slots; equal on all load balancers that agree. Does not cover ``epoch``.
    public let digest: UInt64
    /// The number of this version of the pool's table, given by its owner.
    public var epoch: UInt64

    /// The number of slots: a prime.
    @inlinable public var size: Int { storage.count }
    /// All slots as an array: indices into ``members``. A copy; packets are looked up through ``storage``.
    public var slots: [UInt16] { unsafe storage.withUnsafeSlots { unsafe Array($0) } }
    /// ``digest`` as people compare it: 16 hexadecimal digits.
    public var digestText: String {
        let digits = String(digest, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// The greatest number of members: indices are 16 bits, and one value means "none".
    public static var maximumMembers: Int { 65535 }
    /// The greatest prime below 2²⁴: more slots than 16-bit members can tell apart to within 1 %.
    public static var maximumSize: Int { 16_777_213 }

    /// The member that slot `slot` belongs to; an index into ``members``.
    @inlinable
    public subscript(slot: Int) -> Int { Int(storage[slot]) }

    /// How many slots each member has, in the order of ``members``.
    public func shares() -> [Int] {
        var counts = [Int](repeating: 0, count: members.count)
        for slot in 0..<size { counts[self[slot]] += 1 }
        return counts
    }

    /// Builds the table.
    ///
    /// - Parameters:
    ///   - members: in any order.
    ///   - size: a prime, not below the number of members with a weight above 0; 100 times that number or more keeps every
    ///     share of equal members within 1 %.
    ///   - epoch: the owner's number of this version.
    /// - Throws: ``SelectionError``, one case per reason.
    public static func build(
        members: [TableMember], size: Int, epoch: UInt64 = 0
    ) throws(SelectionError) -> ShardTable {
        let sorted = try checkedAndSorted(members)
        let active = sorted.lazy.filter { $0.weight > 0 }.count
        try check(size: size, activeMembers: active)
        let quotas = SlotQuotas(weights: sorted.map(\.weight), names: sorted.map(\.name), slots: size)
        let slots = fillSlots(members: sorted, quotas: quotas.quotas, size: size)
        let digest = tableDigest(size: size, members: sorted, slots: slots)
        return ShardTable(members: sorted, storage: SlotStorage(copying: slots.span), digest: digest, epoch: epoch)
    }

    /// Checks that a table of `size` slots can serve `activeMembers` members; for configuration checks.
    public static func check(size: Int, activeMembers: Int) throws(SelectionError) {
        if size > maximumSize { throw .sizeTooLarge(size: size, largest: maximumSize) }
        if size < max(activeMembers, 2) {
            throw .sizeTooSmall(
                size: size, members: activeMembers, smallest: primeNotBelow(activeMembers),
                recommended: primeNotBelow(100 * activeMembers))
        }
        if !isPrime(size) { throw .sizeNotPrime(size: size, nearest: nearestPrime(to: size)) }
    }

    /// The members by name, or what is wrong with them.
    private static func checkedAndSorted(_ members: [TableMember]) throws(SelectionError) -> [TableMember] {
        if members.isEmpty { throw .noMembers }
        if members.count > maximumMembers { throw .tooManyMembers(count: members.count) }
        let sorted = NameOrder.sortedPlaces(of: members.map(\.name)).map { members[$0] }
        var anyActive = false
        for index in sorted.indices {
            let member = sorted[index]
            if member.name.isEmpty { throw .emptyName }
            if member.weight > TableMember.maximumWeight {
                throw .weightTooLarge(name: member.name, weight: member.weight)
            }
            if index > 0, NameOrder.compare(sorted[index - 1].name, member.name) == 0 {
                throw .duplicateMember(name: member.name)
            }
            anyActive = anyActive || member.weight > 0
        }
        if !anyActive { throw .noActiveMembers(members: members.count) }
        return sorted
    }
}
