import Classification
import JSONText

/// Everything the configuration file says, validated. It never changes; a reload makes another one.
public struct Configuration: Equatable, Sendable {
    /// The queues that are served.
    public var queues = QueueConfiguration()
    /// What becomes of packets that no backend is chosen for.
    public var fallback = FallbackConfiguration()
    /// The seed of every shard hash, the same as in the nftables rules.
    public var hashSeed: UInt32 = 0x416E_6162
    /// The pools, by name.
    public var pools: [PoolConfiguration] = []
    /// The services, by name; each names a pool that is there.
    public var services: [ServiceDefinition] = []
    /// The control socket.
    public var control = ControlConfiguration()
    /// The metrics server.
    public var metrics = MetricsConfiguration()
    /// What is logged.
    public var log = LogConfiguration()
    /// The fragment table.
    public var tracking = TrackingConfiguration()
    /// The table of pinned flows.
    public var flows = FlowConfiguration()
    /// The load balancers, if there are several that bring fragments together.
    public var loadBalancers: LoadBalancerConfiguration?
    /// The splitting of flagged payloads; nil: none are split.
    public var splitting: SplittingConfiguration?

    private init() {}

    /// What an empty file means: all defaults, no pools and no services.
    public static var defaults: Configuration { Configuration() }

    /// The pool called `name`.
    public func pool(named name: String) -> PoolConfiguration? {
        pools.first { $0.name == name }
    }

    /// The configuration with all its keys, defaults included; reads back as the same configuration.
    public var json: JSONValue { (self as any Block).json }

    /// The JSON schema (draft 2020-12) of the file, made from the same table of keys that it is read with.
    public static var jsonSchema: JSONValue {
        var schema: JSONObject = [
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": "Anabranch configuration",
        ]
        for member in Self.schema { schema[member.key] = member.value }
        return JSONValue(schema)
    }
}

extension Configuration: Block {
    static var blank: Configuration { Configuration() }

    static var keys: [Key<Configuration>] {
        [
            Key(
                "$schema", \.schemaHint, Rule.anyString.optional(),
                "Where editors find this schema; not used otherwise."),
            Key("queues", \.queues, .block, "The NFQUEUE queues that are served."),
            Key("fallback", \.fallback, .block, "What becomes of packets that no backend is chosen for."),
            Key(
                "hash_seed", \.hashSeed, .integer(0...UInt32.max), "Seed of every shard hash; nftables rules share it."),
            Key("pools", \.pools, .named(atMost: 4096), "Sets of backends, by name."),
            Key("services", \.services, .named(atMost: Classifier.maximumServices), "What traffic is, by name."),
            Key("control", \.control, .block, "The socket that the anabranch command talks to."),
            Key("metrics", \.metrics, .block, "The HTTP server with metrics and health pages."),
            Key("log", \.log, .block, "What is logged."),
            Key("tracking", \.tracking, .block, "The table that keeps a packet's fragments together."),
            Key("flows", \.flows, .block, "The table of pinned flows, for pools with affinity \"flow\"."),
            Key(
                "load_balancers", \.loadBalancers, Rule.block.optional(),
                "The load balancers that bring the fragments of a packet together on one of them."),
            Key(
                "splitting", \.splitting, Rule.block.optional(),
                "How flagged payloads are split over the nodes that run beside the backends."),
        ]
    }

    /// `$schema` is for editors; it is taken and forgotten.
    private var schemaHint: String? {
        get { nil }
        set { _ = newValue }
    }
}

extension Rule where Value == String {
    /// Any string.
    static var anyString: Rule {
        Rule("a string", schema: ["type": "string"], encode: { JSONValue($0) }, decode: \.string)
    }
}
