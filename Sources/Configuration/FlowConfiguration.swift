/// The table of pinned flows, for pools with `affinity: "flow"`.
public struct FlowConfiguration: Equatable, Sendable {
    /// Main buckets.
    public var size = 65_536
    /// Extra buckets for flows that meet in one main bucket.
    public var buckets = 65_536
    /// How long an established TCP connection may be idle.
    public var tcp = Duration.seconds(3600)
    /// How long it may take from the first SYN to an established connection.
    public var tcpOpening = Duration.seconds(30)
    /// How long a TCP connection may be idle once one side has ended it.
    public var tcpClosing = Duration.seconds(120)
    /// How long a TCP connection is remembered once both sides have ended it, or one has reset it.
    public var tcpClosed = Duration.seconds(10)
    /// How long an SCTP association may be idle.
    public var sctp = Duration.seconds(300)
    /// How long a UDP flow may be idle.
    public var udp = Duration.seconds(120)

    /// The table of a configuration that says nothing about it.
    public init() {}
}

extension FlowConfiguration: Block {
    static var blank: FlowConfiguration { FlowConfiguration() }

    static var keys: [Key<FlowConfiguration>] {
        let idle = Rule<Duration>.duration(.seconds(1)...(.seconds(7 * 86400)))
        return [
            Key("size", \.size, .integer(1...16_777_216), "Main buckets; as many as there are flows at a time."),
            Key("buckets", \.buckets, .integer(0...16_777_216), "Extra buckets for collisions; as many as size."),
            Key("tcp", \.tcp, idle, "How long an established TCP connection may be idle."),
            Key("tcp_opening", \.tcpOpening, idle, "How long a TCP connection may take to be established."),
            Key("tcp_closing", \.tcpClosing, idle, "How long a TCP connection may be idle after its first FIN."),
            Key("tcp_closed", \.tcpClosed, idle, "How long an ended TCP connection is remembered."),
            Key("sctp", \.sctp, idle, "How long an SCTP association may be idle."),
            Key("udp", \.udp, idle, "How long a UDP flow may be idle."),
        ]
    }
}
