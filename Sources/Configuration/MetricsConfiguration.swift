import JSONText
import Wire

/// The HTTP server with metrics and health pages.
public struct MetricsConfiguration: Equatable, Sendable {
    /// Whether there is one.
    public var enabled = true
    /// The address it listens on, always a loopback address.
    public var address = IPAddress(127, 0, 0, 1)
    /// The port it listens on.
    public var port: UInt16 = 9464

    /// The metrics server of a configuration that says nothing about it.
    public init() {}
}

extension MetricsConfiguration: Block {
    static var blank: MetricsConfiguration { MetricsConfiguration() }

    static var keys: [Key<MetricsConfiguration>] {
        [
            Key("enabled", \.enabled, .flag, "Whether metrics are served."),
            Key("address", \.address, .loopback, "Loopback address to listen on; put a proxy before it for others."),
            Key("port", \.port, .integer(1...65535), "Port to listen on."),
        ]
    }
}

extension Rule where Value == IPAddress {
    /// An address of this host alone: there is neither encryption nor a password in front of the metrics.
    static var loopback: Rule {
        Rule(
            "a loopback address, \"127.0.0.1\" or \"::1\"",
            schema: ["type": "string", "pattern": "^(127\\.[0-9.]+|::1)$"],
            encode: { JSONValue("\($0)") },
            decode: { value in
                guard let address = value.string.flatMap({ IPAddress($0) }) else { return nil }
                let bytes = address.networkBytes
                let isLoopback =
                    switch address.family {
                    case .ipv4: bytes[0] == 127
                    case .ipv6: bytes.dropLast().allSatisfy { $0 == 0 } && bytes[15] == 1
                    }
                return isLoopback ? address : nil
            })
    }
}
