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
        /// Whether flows that are pinned to it stay: it lives, and at most drains.
        public var keepsFlows: Bool

        /// All fields.
        public init(name: String, mark: UInt32, counterSlot: Int, keepsFlows: Bool = true) {
            self.name = name
            self.mark = mark
            self.counterSlot = counterSlot
            self.keepsFlows = keepsFlows
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
        /// Whether established flows keep their backend (`affinity: flow`).
        public var pinsFlows: Bool

        /// All fields.
        public init(name: String, table: ShardTable?, backends: [Backend], pinsFlows: Bool = false) {
            self.name = name
            self.table = table
            self.backends = backends
            self.pinsFlows = pinsFlows
        }
    }

    /// The load balancers that fragments of one packet are brought together on.
    public struct Tier: Sendable {
        /// The pool whose backends are the load balancers.
        public var pool: String
        /// Which of them this one is.
        public var own: String
        /// Hardware addresses of the others, each in the low 48 bits, first byte highest: fragments that come from them
        /// are handled here.
        public var peers: [UInt64]

        /// All fields.
        public init(pool: String, own: String, peers: [UInt64]) {
            self.pool = pool
            self.own = own
            self.peers = peers
        }
    }

    /// The services in any order; each names its pool.
    public var services: [Service] = []
    /// The pools.
    public var pools: [Pool] = []
    /// The load balancers, if there are several.
    public var tier: Tier?
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
