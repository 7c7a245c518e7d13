import JSONText
import Selection

/// A set of backends that share one shard table.
public struct PoolConfiguration: Equatable, Sendable {
    /// What identifies the pool.
    public var name: String
    /// The size of the shard table, a prime.
    public var shards = 4093
    /// What keeps its backend when the table changes.
    public enum Affinity: String, CaseIterable, Sendable {
        /// Nothing: packets follow their shard.
        case shard
        /// Established flows stay where they began, and only new ones follow the table.
        case flow
    }

    /// What keeps its backend when the table changes.
    public var affinity = Affinity.shard
    /// The servers, by name.
    public var backends: [BackendConfiguration] = []
    /// How the servers are checked; not at all if absent.
    public var health: HealthConfiguration?

    /// A pool without backends.
    public init(name: String) {
        self.name = name
    }

    /// The members of the shard table: all backends, those that take no shards with weight 0.
    public var tableMembers: [TableMember] {
        backends.map { TableMember(name: $0.name, weight: $0.tableWeight) }
    }
}

extension PoolConfiguration: NamedBlock {
    static var blank: PoolConfiguration { PoolConfiguration(name: "") }

    static var keys: [Key<PoolConfiguration>] {
        [
            Key("shards", \.shards, .integer(2...ShardTable.maximumSize), "Size of the shard table, a prime number."),
            Key(
                "affinity", \.affinity, .choice,
                "\"flow\": established TCP, SCTP and UDP flows keep their backend when the table changes."),
            Key("backends", \.backends, .named(atMost: 65535), required: true, "The servers, by name."),
            Key("health", \.health, Rule.block.optional(), "How the servers are checked; not at all if absent."),
        ]
    }

    static func check(_ block: PoolConfiguration, at cursor: Cursor, into decoder: inout Decoder) {
        do throws(SelectionError) {
            let active = block.tableMembers.count { $0.weight > 0 }
            try ShardTable.check(size: block.shards, activeMembers: active)
        } catch {
            decoder.report("\(cursor.path).shards: \(error)", at: cursor.position(of: ["shards"]))
        }
        guard block.health != nil else { return }
        for backend in block.backends where backend.addresses.isEmpty {
            decoder.report(
                "\(cursor.path).backends.\(backend.name) has no address to send health checks to; "
                    + "write address or remove health",
                at: cursor.position(of: ["backends", backend.name]))
        }
    }
}
