/// When the payloads of a service are split.
public struct ServiceSplitting: Equatable, Sendable {
    /// `dscp`: the value that a packet must carry (RFC 2474), 0 … 63; nil: any.
    public var dscp: UInt8?
    /// `max_packet_size`: only payloads with more bytes than this are split; 0 … 65,535.
    public var maximumPacketSize: Int
    /// `request_type`: the type of payloads that no ``RequestTypeRule`` names.
    public var requestType: String
    /// Asked in this order; the first that matches names the type.
    public var rules: [RequestTypeRule]

    /// All fields.
    public init(
        dscp: UInt8? = nil, maximumPacketSize: Int = 1400, requestType: String = "default",
        rules: [RequestTypeRule] = []
    ) {
        self.dscp = dscp
        self.maximumPacketSize = maximumPacketSize
        self.requestType = requestType
        self.rules = rules
    }

    /// Whether a packet with this DSCP value and this much payload is split.
    public func triggers(dscp value: UInt8, payloadBytes: Int) -> Bool {
        (dscp == nil || dscp == value) && payloadBytes > maximumPacketSize
    }

    /// The request type of a payload.
    public func requestType(of payload: borrowing Span<UInt8>) -> String {
        for rule in rules where rule.matches(payload) { return rule.requestType }
        return requestType
    }

    /// The first setting that is out of its range. Whether the request types exist is the caller's to check.
    public func validate() throws(SettingsError) {
        if let dscp { try SettingsError.check("dscp", Int(dscp), 0...63) }
        try SettingsError.check("max_packet_size", maximumPacketSize, 0...65_535)
        if requestType.isEmpty { throw SettingsError(key: "request_type", problem: "the name is empty") }
        for rule in rules { try rule.validate() }
    }
}
