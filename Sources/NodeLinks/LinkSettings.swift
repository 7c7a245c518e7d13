/// Which part a process plays.
public enum LinkRole: UInt8, CaseIterable, Sendable {
    /// A load balancer: splits payloads, sends answers.
    case balancer = 1
    /// A node: works on chunks, joins results.
    case node = 2
}

/// Who is at the other end of a link, as it has proved.
public struct LinkPeer: Hashable, Sendable {
    /// Its name in the configuration.
    public let name: String
    /// Which part it plays.
    public let role: LinkRole
    /// Tells load balancers apart that have the same name: drawn at random at each start. 0 for nodes, whose names say
    /// all.
    public let instance: UInt64

    /// All three.
    public init(name: String, role: LinkRole, instance: UInt64 = 0) {
        self.name = name
        self.role = role
        self.instance = instance
    }
}

/// Who this process is to its peers.
public struct LinkIdentity: Sendable {
    /// Its name: the node's in the configuration of the load balancers, the load balancer's own.
    public var name: String
    /// Which part it plays.
    public var role: LinkRole
    /// The shared key.
    public var key: LinkKey
    /// `tls: on`: certificates and their authority. nil: links are authenticated, but not encrypted.
    public var tls: TLSContext?
    /// See ``LinkPeer/instance``.
    public let instance: UInt64

    /// All fields.
    ///
    /// - Parameter instance: of a load balancer, above 0; drawn at random unless given.
    public init(
        name: String, role: LinkRole, key: LinkKey, tls: TLSContext? = nil,
        instance: UInt64 = .random(in: 1...(.max))
    ) {
        self.name = name
        self.role = role
        self.key = key
        self.tls = tls
        self.instance = role == .balancer ? max(instance, 1) : 0
    }
}

/// Bounds of links, so that no peer can take memory, descriptors or time without end.
public struct LinkLimits: Sendable {
    /// Connections that are accepted and have not proved yet that they have the key.
    public var unauthenticated = 16
    /// Time to prove it, from accept(2) on; on the connecting side from connect(2) on.
    public var handshake = Duration.seconds(2)
    /// Links that one peer may have to a listener; load balancers of the same name are different peers.
    public var linksPerPeer = 4
    /// Links that a listener has in all.
    public var links = 1024
    /// Bytes that may wait to be sent on a link. A frame that does not fit is refused; an empty queue takes any frame.
    public var sendQueue = 32 << 20
    /// The longest frame body that is taken. At most twice that is held in memory for what a link receives.
    public var receivedFrame = 17 << 20
    /// A link that was silent for so long is probed.
    public var probeAfter = Duration.seconds(1)
    /// A link that was silent for so long is cut.
    public var silence = Duration.seconds(5)
    /// In each such time a peer must send, or take, at least `progress` bytes of a frame that is under way.
    public var progressTime = Duration.seconds(5)
    /// See `progressTime`.
    public var progress = 4096
    /// First pause before a lost link is made anew; each further one is twice as long.
    public var firstPause = Duration.milliseconds(50)
    /// The longest pause.
    public var longestPause = Duration.seconds(3)
    /// How long a link that is finished may take to send what waits.
    public var farewell = Duration.seconds(2)

    /// The defaults.
    public init() {}
}
