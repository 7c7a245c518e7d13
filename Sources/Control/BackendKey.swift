/// What names a backend of this load balancer: its pool and its name there.
public struct BackendKey: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The pool's name.
    public let pool: String
    /// The backend's name within the pool.
    public let name: String

    /// Both parts.
    public init(pool: String, name: String) {
        self.pool = pool
        self.name = name
    }

    /// `pool/name`.
    public var description: String { "\(pool)/\(name)" }

    /// By pool, then by name.
    public static func < (left: BackendKey, right: BackendKey) -> Bool {
        left.pool != right.pool ? left.pool < right.pool : left.name < right.name
    }
}
