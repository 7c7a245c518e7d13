/// What load balancers share: a small ordered store of keys with revisions and leases.
///
/// Each change has a revision, counted up from 1 over all keys, so that a reader who has seen one revision can ask for
/// what came after it, and a writer can insist that nothing has changed since it looked (compare and swap). A key under
/// a lease goes by itself when the lease is over: the row of a node that no longer reports, a load balancer that died.
///
/// The data plane never waits for a store, and goes on without it. Time is an argument, in nanoseconds of one monotonic
/// clock.
public protocol StateStore: AnyObject, Sendable {
    /// The revision of the newest change; 0 before the first.
    func revision(now: Int64) -> UInt64

    /// What is at a key; nil if nothing is.
    func value(at key: String, now: Int64) -> StoredValue?

    /// What is at all keys that begin with `prefix`, in the order of the keys.
    func values(under prefix: String, now: Int64) -> [StoredValue]

    /// Puts bytes at a key.
    ///
    /// - Parameters:
    ///   - value: At most ``StoreLimits/valueLength`` bytes.
    ///   - key: 1 … ``StoreLimits/keyLength`` bytes of printable ASCII without spaces, `/` between its parts.
    ///   - lease: How long it stays without being put again; nil: until it is removed.
    ///   - expectation: What must be there before.
    /// - Returns: The change's revision.
    @discardableResult
    func put(
        _ value: [UInt8], at key: String, lease: Duration?, expecting expectation: StoreExpectation, now: Int64
    ) throws(StoreError) -> UInt64

    /// Removes a key.
    ///
    /// - Returns: The change's revision; nil if nothing was there.
    @discardableResult
    func remove(_ key: String, expecting expectation: StoreExpectation, now: Int64) throws(StoreError) -> UInt64?

    /// What has changed under a prefix after a revision, the oldest first, and the revision up to which that is all.
    ///
    /// - Throws: ``StoreError/forgotten(oldest:)`` when changes that old are no longer known: read all values again.
    func changes(
        under prefix: String, after revision: UInt64, now: Int64
    ) throws(StoreError) -> (changes: [StoreChange], revision: UInt64)
}

/// Bytes at a key.
public struct StoredValue: Equatable, Sendable {
    /// The key.
    public var key: String
    /// The bytes.
    public var value: [UInt8]
    /// The revision of the change that put them there.
    public var revision: UInt64
}

/// One change.
public enum StoreChange: Equatable, Sendable {
    /// Bytes were put at a key.
    case put(StoredValue)
    /// A key was removed, or its lease was over.
    case removed(key: String, revision: UInt64)

    /// Its revision.
    public var revision: UInt64 {
        switch self {
        case .put(let value): value.revision
        case .removed(_, let revision): revision
        }
    }

    /// Its key.
    public var key: String {
        switch self {
        case .put(let value): value.key
        case .removed(let key, _): key
        }
    }
}

/// What a writer insists on.
public enum StoreExpectation: Equatable, Sendable {
    /// Nothing.
    case anything
    /// Nothing is at the key.
    case absent
    /// The key's value was put there by the change with this revision.
    case revision(UInt64)
}

/// Bounds of a store, so that its memory is bounded.
public struct StoreLimits: Equatable, Sendable {
    /// Longest key in bytes.
    public static var keyLength: Int { 255 }
    /// Longest value in bytes.
    public static var valueLength: Int { 1 << 20 }
    /// Most keys; 1 … 2^24.
    public var keys: Int
    /// Bytes of all keys and values together; 1 KiB … 2^40.
    public var bytes: Int
    /// Changes that are remembered for ``StateStore/changes(under:after:now:)``; 1 … 2^24.
    public var history: Int

    /// All fields.
    public init(keys: Int = 65_536, bytes: Int = 64 << 20, history: Int = 4096) {
        self.keys = keys
        self.bytes = bytes
        self.history = history
    }
}

/// Why a store refused. Nothing has changed then.
public enum StoreError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Something else is at the key: the revision of its value, or nil if nothing is.
    case conflict(key: String, revision: UInt64?)
    /// The key cannot be one.
    case badKey(String)
    /// The value is longer than a value may be.
    case tooLong(key: String, bytes: Int)
    /// There is no room for the key or its value.
    case full(key: String)
    /// Changes that old are forgotten; the oldest that are known have this revision.
    case forgotten(oldest: UInt64)
    /// The file cannot be read or written, or is not one of a store.
    case file(String)

    /// What is wrong and what to do.
    public var description: String {
        switch self {
        case .conflict(let key, let revision?): "\(key) has changed meanwhile (revision \(revision)): read it again"
        case .conflict(let key, nil): "\(key) is not there (any more)"
        case .badKey(let key):
            "\"\(key)\" cannot be a key: 1 to \(StoreLimits.keyLength) printable ASCII characters without spaces"
        case .tooLong(let key, let bytes):
            "\(key): \(bytes) bytes are more than the \(StoreLimits.valueLength) that a value may have"
        case .full(let key): "there is no room for \(key)"
        case .forgotten(let oldest): "changes before revision \(oldest) are forgotten: read all values again"
        case .file(let text): text
        }
    }
}
