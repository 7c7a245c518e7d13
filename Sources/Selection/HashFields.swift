/// The fields of a flow that a service's shard key is made of.
///
/// Whatever the order they were written in, the fields are hashed in one canonical order: source address, destination
/// address, transport protocol, source port, destination port.
@frozen
public struct HashFields: OptionSet, Hashable, Sendable {
    /// One bit per field, bit 0 for the field that is hashed first.
    public let rawValue: UInt8

    /// Takes the bits as they are. Bits above the fifth name no field and add nothing to the hash.
    @inlinable
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// The source address: 4 bytes (IPv4) or 16 bytes (IPv6).
    @inlinable public static var sourceAddress: HashFields { HashFields(rawValue: 1 << 0) }
    /// The destination address: 4 bytes (IPv4) or 16 bytes (IPv6).
    @inlinable public static var destinationAddress: HashFields { HashFields(rawValue: 1 << 1) }
    /// The number of the transport protocol: 1 byte.
    @inlinable public static var transport: HashFields { HashFields(rawValue: 1 << 2) }
    /// The source port: 2 bytes.
    @inlinable public static var sourcePort: HashFields { HashFields(rawValue: 1 << 3) }
    /// The destination port: 2 bytes.
    @inlinable public static var destinationPort: HashFields { HashFields(rawValue: 1 << 4) }

    /// The source address alone: all of a client's flows stay on one backend.
    @inlinable public static var source: HashFields { HashFields(rawValue: 0b00001) }
    /// Both addresses.
    @inlinable public static var addresses: HashFields { HashFields(rawValue: 0b00011) }
    /// Both ports, for endpoints with several addresses (SCTP multihoming, RFC 9260 §6.4).
    @inlinable public static var ports: HashFields { HashFields(rawValue: 0b11000) }
    /// Both addresses and both ports, without the protocol.
    @inlinable public static var fourTuple: HashFields { HashFields(rawValue: 0b11011) }
    /// Both addresses, the protocol and both ports.
    @inlinable public static var fiveTuple: HashFields { HashFields(rawValue: 0b11111) }
}
