import Selection

/// A service: what traffic it is, and which pool it goes to by which shard key.
public struct ServiceDefinition: Hashable, Sendable {
    /// What identifies the service.
    public var name: String
    /// Where several services match, the one with the highest priority takes the packet; among equals, the first by name.
    public var priority: Int
    /// Which packets belong to the service.
    public var match: ServiceMatch
    /// The name of the pool that serves it.
    public var pool: String
    /// The fields that the shard key is made of.
    public var hash: HashFields

    /// A service of `name` for `pool`.
    public init(
        name: String, priority: Int = 0, match: ServiceMatch = ServiceMatch(), pool: String,
        hash: HashFields = .fourTuple
    ) {
        self.name = name
        self.priority = priority
        self.match = match
        self.pool = pool
        self.hash = hash
    }

    /// The order in which services are tried: higher priority first, then by the bytes of the name.
    public static func precedes(_ lhs: ServiceDefinition, _ rhs: ServiceDefinition) -> Bool {
        lhs.priority != rhs.priority
            ? lhs.priority > rhs.priority : lhs.name.utf8.lexicographicallyPrecedes(rhs.name.utf8)
    }
}
