/// An address with a port, as people write it: `10.0.0.1:80`, `[fd00::1]:80`.
@frozen
public struct Endpoint: Hashable, Sendable, LosslessStringConvertible {
    /// The address.
    public var address: IPAddress
    /// The port, host order.
    public var port: UInt16

    /// Makes an endpoint from its parts.
    @inlinable
    public init(address: IPAddress, port: UInt16) {
        self.address = address
        self.port = port
    }

    /// Reads `IPv4:port` or `[IPv6]:port`; nil for anything else (a missing port, an IPv6 address without brackets).
    public init?(_ description: String) {
        guard let colon = description.lastIndex(of: ":") else { return nil }
        var host = description[..<colon]
        let port = description[description.index(after: colon)...]
        let bracketed = host.hasPrefix("[") && host.hasSuffix("]")
        if bracketed { host = host.dropFirst().dropLast() }
        guard let address = IPAddress(String(host)), bracketed == (address.family == .ipv6) else { return nil }
        guard port.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), let number = UInt16(port) else { return nil }
        self.init(address: address, port: number)
    }

    /// The text that ``init(_:)`` reads.
    public var description: String {
        address.family == .ipv4 ? "\(address):\(port)" : "[\(address)]:\(port)"
    }
}
