import JSONText

/// Everything the file of an `anabranch-node` says, validated. It never changes; a reload makes another one.
public struct NodeConfiguration: Equatable, Sendable {
    /// What load balancers and other nodes call this node.
    public var name = ""
    /// Where it listens for them, and how links are secured.
    public var links = NodeLinkConfiguration()
    /// The other nodes, by name.
    public var nodes: [NodePeerConfiguration] = []
    /// Threads that work on chunks and join results.
    public var workers = Workers.automatic
    /// Chunks and jobs that may have a place in the priority queue.
    public var priorityQueueSize = 1024
    /// Turns that aggregating jobs have for each turn of a chunk, while both wait.
    public var priorityQueueWeight = 4
    /// How often each connected load balancer hears how the node is.
    public var updateInterval = Duration.milliseconds(100)
    /// How much the node keeps.
    public var memory = NodeMemoryConfiguration()
    /// Processors with settings of their own, by name, next to those that need none.
    public var processors: [ProcessorConfiguration] = []
    /// The request types that the node works on, by name.
    public var requestTypes: [RequestTypeConfiguration] = []
    /// How long the node goes on with what it has when it is told to stop.
    public var drainTimeout = Duration.seconds(5)
    /// The metrics server.
    public var metrics = NodeMetricsConfiguration()
    /// What is logged.
    public var log = LogConfiguration()

    private init() {}

    /// What an empty file means, but for the name, which has none.
    public static var defaults: NodeConfiguration { NodeConfiguration() }

    /// How many worker threads there are.
    public enum Workers: Equatable, Sendable {
        /// As many as there are cores to run on.
        case automatic
        /// This many, 1…1024.
        case fixed(Int)

        /// The number of workers on a machine with `cores` cores.
        public func resolved(cores: Int) -> Int {
            switch self {
            case .automatic: min(max(cores, 1), 1024)
            case .fixed(let count): count
            }
        }
    }

    /// The configuration with all its keys, defaults included; reads back as the same configuration.
    public var json: JSONValue { (self as any Block).json }

    /// The JSON schema (draft 2020-12) of the file, made from the same table of keys that it is read with.
    public static var jsonSchema: JSONValue {
        var schema: JSONObject = [
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": "Anabranch node configuration",
        ]
        for member in Self.schema { schema[member.key] = member.value }
        return JSONValue(schema)
    }
}

extension NodeConfiguration: Block {
    static var blank: NodeConfiguration { NodeConfiguration() }

    static var keys: [Key<NodeConfiguration>] {
        [
            Key(
                "$schema", \.schemaHint, Rule.anyString.optional(),
                "Where editors find this schema; not used otherwise."),
            Key("name", \.name, .name, required: true, "What load balancers and other nodes call this node."),
            Key("links", \.links, .block, required: true, "Where it listens for them, and how links are secured."),
            Key("nodes", \.nodes, .named(atMost: 1024), "The other nodes, by name; results go to them."),
            Key("workers", \.workers, .workerCount, "Threads that work on chunks; \"auto\" is one per core."),
            Key(
                "priority_queue_size", \.priorityQueueSize, .integer(1...1_048_576),
                "Chunks that may wait and jobs that may be open, together; more are refused."),
            Key(
                "priority_queue_weight", \.priorityQueueWeight, .integer(1...1000),
                "Turns that aggregating jobs have for each turn of a chunk, while both wait."),
            Key(
                "dht_update_interval", \.updateInterval, .duration(.milliseconds(10)...(.seconds(60))),
                "How often each connected load balancer hears how the node is."),
            Key("memory", \.memory, .block, "How much the node keeps; what does not fit is refused."),
            Key(
                "processors", \.processors, .named(atMost: 256),
                "Processors with settings, by name. identity, sha256, crc32 and gzip are there without."),
            Key(
                "request_types", \.requestTypes, .named(atMost: 256),
                "What the node does with chunks of each request type; \"default\" stands for all that are not named."),
            Key(
                "drain_timeout", \.drainTimeout, .duration(.milliseconds(0)...(.seconds(600))),
                "How long the node goes on with what it has when it is told to stop."),
            Key("metrics", \.metrics, .block, "The HTTP server with metrics and health pages."),
            Key("log", \.log, .block, "What is logged."),
        ]
    }

    /// `$schema` is for editors; it is taken and forgotten.
    private var schemaHint: String? {
        get { nil }
        set { _ = newValue }
    }
}

extension Rule where Value == NodeConfiguration.Workers {
    /// A number of threads, or `"auto"`.
    static var workerCount: Rule {
        let number = Rule<Int>.integer(1...1024)
        return Rule(
            number.expectation, schema: number.schema,
            encode: { JSONValue($0.resolved(cores: 1)) },
            decode: { $0.int.flatMap { (1...1024).contains($0) ? .fixed($0) : nil } }
        ).or("auto", for: .automatic)
    }
}
