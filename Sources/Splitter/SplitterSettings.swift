import NetfilterQueue
import NodeLinks
import Splitting
import StateStore
import Wire

/// How the splitting thread is set up; fixed while it runs.
public struct SplitterSettings: Sendable {
    /// The full-copy queue.
    public var queue: QueueSettings
    /// The number of the queue in which originals wait.
    public var originals: UInt16
    /// Originals that may wait at a time, 1 … 1,048,576.
    public var maximumOriginals: UInt32
    /// Bytes of payloads whose fragments are being collected.
    public var collectedBytes: Int
    /// The longest time between two fragments of a payload, in nanoseconds.
    public var fragmentTime: Int64
    /// How payloads are split.
    public var splitting: SplittingSettings
    /// Who this load balancer is to the nodes.
    public var identity: LinkIdentity
    /// Where the load table is kept.
    public var store: any StateStore
    /// The longest IPv6 packet that answers are sent in; nil: what the route carries.
    public var ipv6Fragment: Int?

    /// All fields.
    public init(
        queue: QueueSettings, originals: UInt16, maximumOriginals: UInt32, collectedBytes: Int, fragmentTime: Int64,
        splitting: SplittingSettings, identity: LinkIdentity, store: any StateStore, ipv6Fragment: Int? = nil
    ) {
        self.queue = queue
        self.originals = originals
        self.maximumOriginals = maximumOriginals
        self.collectedBytes = collectedBytes
        self.fragmentTime = fragmentTime
        self.splitting = splitting
        self.identity = identity
        self.store = store
        self.ipv6Fragment = ipv6Fragment
    }
}

/// What is split, and over which nodes; a reload may change it.
public struct SplitterPlan: Equatable, Sendable {
    /// When payloads of a service are split, by the service's name.
    public var services: [String: ServiceSplitting]
    /// The request types by name.
    public var types: [String: RequestTypeSettings]
    /// Where each node listens, by its name, which is that of a backend.
    public var nodes: [String: Endpoint]

    /// All fields.
    public init(
        services: [String: ServiceSplitting] = [:], types: [String: RequestTypeSettings] = [:],
        nodes: [String: Endpoint] = [:]
    ) {
        self.services = services
        self.types = types
        self.nodes = nodes
    }

    /// Whether a fragment with this DSCP value may belong to a payload that is split.
    func mayTrigger(dscp: UInt8) -> Bool { services.values.contains { $0.dscp == nil || $0.dscp == dscp } }

    /// Whether a whole packet with this much payload may be split.
    func mayTrigger(dscp: UInt8, payloadBytes: Int) -> Bool {
        services.values.contains { $0.triggers(dscp: dscp, payloadBytes: payloadBytes) }
    }
}
