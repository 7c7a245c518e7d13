import Classification
import Selection

/// What a packet gets when no backend can be named for it.
@frozen
public enum FallbackPolicy: Hashable, Sendable {
    /// It goes on as it came, so that the fallback route takes it.
    case accept
    /// It ends here.
    case drop
    /// It goes on with this mark, so that firewall rules can refuse it properly.
    case mark(UInt32)

    /// The verdict that carries the policy out.
    @inlinable public var verdict: Verdict {
        switch self {
        case .accept: .accept
        case .drop: .drop
        case .mark(let mark): .accept(mark: mark)
        }
    }
}

/// Everything a snapshot is made from: names and tables as the control plane sees them.
public struct SnapshotPlan: Sendable {
    /// A service and where its packets are counted.
    public struct Service: Sendable {
        /// What traffic it takes, and the pool.
        public var definition: ServiceDefinition
        /// Below `CounterCapacity.services`.
        public var counterSlot: Int

        /// All fields.
        public init(_ definition: ServiceDefinition, counterSlot: Int) {
            self.definition = definition
            self.counterSlot = counterSlot
        }
    }

    /// A backend as the data plane needs it.
    public struct Backend: Sendable {
        /// Name within its pool.
        public var name: String
        /// Firewall mark, host byte order.
        public var mark: UInt32
        /// Where its packets and bytes are counted; below `CounterCapacity.backends`.
        public var counterSlot: Int

        /// All fields.
        public init(name: String, mark: UInt32, counterSlot: Int) {
            self.name = name
            self.mark = mark
            self.counterSlot = counterSlot
        }
    }

    /// A pool: its table, and its backends in the order of the table's members.
    public struct Pool: Sendable {
        /// The pool's name.
        public var name: String
        /// Shard → member; nil when no backend of the pool takes shards.
        public var table: ShardTable?
        /// One for each member of the table, in the same order.
        public var backends: [Backend]

        /// All fields.
        public init(name: String, table: ShardTable?, backends: [Backend]) {
            self.name = name
            self.table = table
            self.backends = backends
        }
    }

    /// The services in any order; each names its pool.
    public var services: [Service] = []
    /// The pools.
    public var pools: [Pool] = []
    /// Seed of the shard hash, the same for all pools so that the kernel's rules and this program agree.
    public var hashSeed: UInt32 = 0
    /// For packets of no service.
    public var onNoService: FallbackPolicy = .accept
    /// For packets whose pool has no backend that takes shards.
    public var onNoBackend: FallbackPolicy = .drop
    /// For packets that cannot be read.
    public var onMalformed: FallbackPolicy = .drop

    /// An empty plan: every packet is of no service.
    public init() {}
}
