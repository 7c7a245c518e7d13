import JSONText

/// The set of load balancers that share the traffic, for those of them that need to know each other: fragments of one
/// packet may arrive at different ones, and are brought together on one.
public struct LoadBalancerConfiguration: Equatable, Sendable {
    /// Which backend of the pool this load balancer is.
    public var name = ""
    /// The pool whose backends are the load balancers.
    public var pool = ""

    /// Both names must be set.
    public init() {}
}

extension LoadBalancerConfiguration: Block {
    static var blank: LoadBalancerConfiguration { LoadBalancerConfiguration() }

    static var keys: [Key<LoadBalancerConfiguration>] {
        [
            Key("name", \.name, .name, required: true, "Which backend of the pool this load balancer is."),
            Key("pool", \.pool, .name, required: true, "The pool whose backends are the load balancers."),
        ]
    }
}

/// The address of a network interface, 48 bits (IEEE 802).
public struct HardwareAddress: Hashable, Sendable, LosslessStringConvertible {
    /// The address in the low 48 bits, first byte highest.
    public let rawValue: UInt64

    /// Reads six bytes in hexadecimal with colons between them: `02:77:02:00:00:02`.
    public init?(_ description: String) {
        let parts = description.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 6 else { return nil }
        var value: UInt64 = 0
        for part in parts {
            guard part.utf8.count == 2, part.utf8.allSatisfy({ $0 != 0x2B }), let byte = UInt8(part, radix: 16) else {
                return nil
            }
            value = value << 8 | UInt64(byte)
        }
        // Not that of an interface: none, or one of a group.
        guard value != 0, value >> 40 & 1 == 0 else { return nil }
        rawValue = value
    }

    /// The text that ``init(_:)`` reads, in small letters.
    public var description: String {
        (0..<6).reversed().map { byte in
            let digits = String(rawValue >> (8 * UInt64(byte)) & 0xFF, radix: 16)
            return digits.count == 1 ? "0" + digits : digits
        }.joined(separator: ":")
    }
}

extension Rule where Value == HardwareAddress {
    /// The address of an interface.
    static var hardwareAddress: Rule {
        Rule(
            "the hardware address of an interface such as \"02:77:02:00:00:02\"",
            schema: ["type": "string", "pattern": "^[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}$"],
            encode: { JSONValue($0.description) }, decode: { $0.string.flatMap { HardwareAddress($0) } })
    }
}
