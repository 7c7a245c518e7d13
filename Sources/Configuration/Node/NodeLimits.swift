import JSONText
import Wire

/// How much a node keeps.
public struct NodeMemoryConfiguration: Equatable, Sendable {
    /// Bytes of chunks that wait, are worked on, or are kept as copies.
    public var chunks = 256 << 20
    /// Bytes of results that are kept until their job is settled.
    public var results = 256 << 20
    /// Jobs that the node reassembles at once.
    public var jobs = 4096
    /// Bytes of results that are held for the jobs it reassembles.
    public var jobBytes = 256 << 20
    /// Bytes that the joined results of one job may have.
    public var answer = 16 << 20

    /// The bounds of a configuration that says nothing about them.
    public init() {}
}

extension NodeMemoryConfiguration: Block {
    static var blank: NodeMemoryConfiguration { NodeMemoryConfiguration() }

    static var keys: [Key<NodeMemoryConfiguration>] {
        [
            Key(
                "max_chunk_bytes", \.chunks, .size(65_536...1 << 40),
                "Chunks that wait, are worked on, or are kept as copies; further ones are refused."),
            Key(
                "max_result_bytes", \.results, .size(65_536...1 << 40),
                "Results that are kept until their job is settled; the oldest go first."),
            Key("max_jobs", \.jobs, .integer(1...65_536), "Jobs that are reassembled at once; more are refused."),
            Key(
                "max_job_bytes", \.jobBytes, .size(1 << 20...1 << 40),
                "Results that are held for the jobs that are reassembled."),
            Key("max_answer_size", \.answer, .size(1...16 << 20), "The joined results of one job."),
        ]
    }
}

/// The HTTP server with a node's metrics and health pages.
public struct NodeMetricsConfiguration: Equatable, Sendable {
    /// Whether there is one.
    public var enabled = true
    /// The address it listens on, always a loopback address.
    public var address = IPAddress(127, 0, 0, 1)
    /// The port it listens on; not the daemon's, so that both run on one machine.
    public var port: UInt16 = 9465

    /// The metrics server of a configuration that says nothing about it.
    public init() {}
}

extension NodeMetricsConfiguration: Block {
    static var blank: NodeMetricsConfiguration { NodeMetricsConfiguration() }

    static var keys: [Key<NodeMetricsConfiguration>] {
        [
            Key("enabled", \.enabled, .flag, "Whether metrics are served."),
            Key("address", \.address, .loopback, "Loopback address to listen on; put a proxy before it for others."),
            Key("port", \.port, .integer(1...65535), "Port to listen on."),
        ]
    }
}
