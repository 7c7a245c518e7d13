/// Why a shard table cannot be built. The description says what to do about it.
public enum SelectionError: Error, Hashable, Sendable, CustomStringConvertible {
    /// There is no member at all.
    case noMembers
    /// There are members, but each has weight 0.
    case noActiveMembers(members: Int)
    /// A member has an empty name.
    case emptyName
    /// Two members have the same name.
    case duplicateMember(name: String)
    /// A weight is above ``TableMember/maximumWeight``.
    case weightTooLarge(name: String, weight: UInt32)
    /// More members than slots can name.
    case tooManyMembers(count: Int)
    /// The size is not a prime number.
    case sizeNotPrime(size: Int, nearest: Int)
    /// Fewer slots than members with a weight above 0, or fewer than two.
    case sizeTooSmall(size: Int, members: Int, smallest: Int, recommended: Int)
    /// More slots than a table may have.
    case sizeTooLarge(size: Int, largest: Int)

    /// A sentence for the operator, with the remedy.
    public var description: String {
        switch self {
        case .noMembers:
            "a shard table needs at least one member: add a backend to the pool"
        case .noActiveMembers(let members):
            "all \(members) members have weight 0: give at least one of them a weight above 0"
        case .emptyName:
            "a member has an empty name: name each backend"
        case .duplicateMember(let name):
            "two members are called '\(name)': give each backend a name of its own"
        case .weightTooLarge(let name, let weight):
            "weight \(weight) of '\(name)' is above \(TableMember.maximumWeight): scale all weights of the pool down"
        case .tooManyMembers(let count):
            "\(count) members are more than the \(ShardTable.maximumMembers) a table can hold: split the pool"
        case .sizeNotPrime(let size, let nearest):
            "table size \(size) is not a prime number: take \(nearest), the nearest one"
        case .sizeTooSmall(let size, let members, let smallest, let recommended):
            "table size \(size) is too small for \(members) active members: "
                + "take at least \(smallest), or \(recommended) for shares within 1 %"
        case .sizeTooLarge(let size, let largest):
            "table size \(size) is too large: take at most \(largest)"
        }
    }
}
