import Wire

/// A payload as the shard manager gets it.
public struct SplitRequest: Sendable {
    /// The bytes, 1 … 65,535; with ``RequestTypeSettings/clientShards`` the header first.
    public var payload: [UInt8]
    /// The request type.
    public var type: RequestTypeSettings
    /// Where the job begins on the pool's ring: ``JobKey/key(ofType:)``, or the hash of the packet's shard key.
    public var key: UInt64
    /// Who asked whom.
    public var endpoints: JobEndpoints

    /// All fields.
    public init(payload: [UInt8], type: RequestTypeSettings, key: UInt64, endpoints: JobEndpoints) {
        self.payload = payload
        self.type = type
        self.key = key
        self.endpoints = endpoints
    }
}

/// What the shard manager decided.
public struct SplitPlan: Equatable, Sendable {
    /// Where the payload is cut; chunk i has the bytes of range i.
    public var ranges: [Range<Int>]
    /// For each chunk its nodes: those that work on it at once before those that keep a copy; no node twice.
    public var holders: [[String]]
    /// How many of a chunk's nodes work on it at once, 1 or more.
    public var activeCopies: Int
    /// The nodes that may reassemble, in the order in which they are asked; not empty.
    public var reassembly: [String]
    /// When the slowest chunk is expected back, in nanoseconds; nil while nothing is known of the type.
    public var expected: UInt64?
}
