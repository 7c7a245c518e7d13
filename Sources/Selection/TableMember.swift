/// One backend as a shard table sees it: a name and a weight.
@frozen
public struct TableMember: Hashable, Sendable {
    /// What identifies the backend on every load balancer. Its UTF-8 bytes decide which slots it prefers.
    public let name: String
    /// Its part of the table relative to the others, 0 … 65535; at 0 it stays known and takes no slot.
    public let weight: UInt32

    /// Makes a member; ``ShardTable/build(members:size:epoch:)`` checks name and weight.
    public init(name: String, weight: UInt32 = 1) {
        self.name = name
        self.weight = weight
    }

    /// The greatest weight that is accepted.
    public static var maximumWeight: UInt32 { 65535 }
}
