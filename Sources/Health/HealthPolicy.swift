import Wire

/// How often and how patiently a backend is asked whether it lives.
public struct HealthPolicy: Hashable, Sendable {
    /// Time from the start of one probe to the start of the next; each is moved by up to a tenth, so that many backends
    /// are not asked in step.
    public var interval: Duration
    /// A probe without an answer after this time has failed. Not above the interval.
    public var timeout: Duration
    /// Good probes in a row that bring a backend back; at least 1.
    public var rise: Int
    /// Failed probes in a row that take a backend out; at least 1.
    public var fall: Int

    /// All fields; the defaults find a dead backend within about 4 seconds.
    public init(
        interval: Duration = .seconds(2), timeout: Duration = .seconds(1), rise: Int = 2, fall: Int = 3
    ) {
        precondition(interval > .zero && timeout > .zero && rise >= 1 && fall >= 1)
        self.interval = interval
        self.timeout = min(timeout, interval)
        self.rise = rise
        self.fall = fall
    }
}

/// What is asked, one case a kind of probe.
public enum ProbeKind: Hashable, Sendable {
    /// A TCP connection is opened and closed; good when the backend accepts it.
    case tcpConnect(Endpoint)

    /// The kind's name in tables and metrics.
    public var name: String {
        switch self {
        case .tcpConnect: "tcp"
        }
    }
}

/// One backend under watch.
public struct HealthTarget: Hashable, Sendable {
    /// What its owner calls it, unique among the targets.
    public var id: String
    /// What it is asked.
    public var probe: ProbeKind
    /// How often.
    public var policy: HealthPolicy

    /// All fields.
    public init(id: String, probe: ProbeKind, policy: HealthPolicy) {
        self.id = id
        self.probe = probe
        self.policy = policy
    }
}
