import JSONText
import Wire

/// One server of a pool.
public struct BackendConfiguration: Equatable, Sendable {
    /// Whether new traffic goes to the backend.
    public enum State: String, CaseIterable, Sendable {
        /// It takes its share.
        case active
        /// It takes no new shards; flows that are pinned to it stay until they end.
        case draining
        /// It takes nothing.
        case inactive
    }

    /// What identifies the backend within its pool.
    public var name: String
    /// Where the server can be reached: health checks go to the first, routes to all.
    public var addresses: [IPAddress] = []
    /// The firewall mark that stands for the server; not 0.
    public var mark: UInt32 = 0
    /// Its part of the pool's shards relative to the others, 0…65535.
    public var weight: UInt32 = 100
    /// What the server can take, in packets per second, if that is known.
    public var capacity: Int?
    /// The address of its interface, where the backend is a load balancer: what comes from it is known by it.
    public var hardwareAddress: HardwareAddress?
    /// Whether it takes traffic.
    public var state = State.active

    /// A backend with defaults; its mark must be set.
    public init(name: String) {
        self.name = name
    }

    /// The weight the shard table is built with: 0 unless the backend is active.
    public var tableWeight: UInt32 { state == .active ? weight : 0 }
}

extension BackendConfiguration: NamedBlock {
    static var blank: BackendConfiguration { BackendConfiguration(name: "") }

    static var keys: [Key<BackendConfiguration>] {
        [
            Key("address", \.addresses, .addresses, "The server's addresses, one or a list; needed for health checks."),
            Key("mark", \.mark, .mark, required: true, "Firewall mark that routes to the server; one per server."),
            Key("weight", \.weight, .integer(0...65535), "Part of the shards relative to the others; 0 takes none."),
            Key("capacity", \.capacity, Rule.integer(1...1_000_000_000).optional(), "Packets/s the server can take."),
            Key(
                "mac", \.hardwareAddress, Rule.hardwareAddress.optional(),
                "Hardware address, needed of load balancers (load_balancers) only."),
            Key("state", \.state, .choice, "\"draining\" and \"inactive\" take no new shards."),
        ]
    }
}

extension Rule where Value == [IPAddress] {
    /// An address or a list of addresses.
    static var addresses: Rule {
        let one = Rule<IPAddress>.address
        let list = Rule.list(of: one, atMost: 16)
        return Rule(
            expectation: "\(one.expectation), or a list, [ … ], of such",
            schema: ["anyOf": [JSONValue(one.schema), JSONValue(list.schema)]],
            decode: { cursor, decoder in
                cursor.value.array == nil ? one.decode(cursor, &decoder).map { [$0] } : list.decode(cursor, &decoder)
            },
            encode: list.encode)
    }
}

extension Rule where Value == IPAddress {
    /// An IPv4 or IPv6 address.
    static var address: Rule {
        Rule(
            "an address such as \"10.0.0.11\" or \"fd00::11\"", schema: ["type": "string"],
            encode: { JSONValue("\($0)") }, decode: { $0.string.flatMap { IPAddress($0) } })
    }
}
