/// An IPv6 extension header for ``PacketBuilder`` (RFC 8200 §4).
public struct ExtensionHeader: Hashable, Sendable {
    /// Its protocol number, which the header before it names.
    public var kind: UInt8
    /// All bytes behind the next-header byte, its length byte included.
    private var tail: [UInt8]

    /// A header of exactly these bytes behind its next-header byte. Nothing is padded or checked, so malformed headers
    /// can be made.
    public init(kind: UInt8, verbatim tail: [UInt8]) {
        self.kind = kind
        self.tail = tail
    }

    /// A header counted in units of 8 bytes: its length byte is worked out, and zeros (which are Pad1 options) fill
    /// the last unit.
    ///
    /// - Parameter body: The bytes behind the length byte, at most 2,046.
    public init(kind: UInt8, body: [UInt8] = []) {
        let units = (2 + body.count + 7) / 8
        precondition(units <= 256, "an extension header has at most 2,048 bytes")
        let padding = units * 8 - 2 - body.count
        self.init(kind: kind, verbatim: [UInt8(units - 1)] + body + [UInt8](repeating: 0, count: padding))
    }

    /// Hop-by-hop options.
    public static func hopByHop(_ options: [UInt8] = []) -> ExtensionHeader {
        ExtensionHeader(kind: TransportProtocol.hopByHop, body: options)
    }

    /// Destination options.
    public static func destinationOptions(_ options: [UInt8] = []) -> ExtensionHeader {
        ExtensionHeader(kind: TransportProtocol.destinationOptions, body: options)
    }

    /// A routing header of a type (4 is segment routing, 253 for experiments) with its type-specific data.
    public static func routing(type: UInt8 = 253, segmentsLeft: UInt8 = 0, data: [UInt8] = []) -> ExtensionHeader {
        ExtensionHeader(kind: TransportProtocol.routing, body: [type, segmentsLeft] + data)
    }

    /// An authentication header (RFC 4302 §2) with an integrity check value, filled up with zeros so that
    /// the header is a multiple of 8 bytes long.
    public static func authentication(
        index: UInt32 = 1, sequence: UInt32 = 1, check: [UInt8] = [UInt8](repeating: 0, count: 12)
    ) -> ExtensionHeader {
        let size = (12 + check.count + 7) / 8 * 8
        let padding = [UInt8](repeating: 0, count: size - 12 - check.count)
        var tail: [UInt8] = [UInt8(size / 4 - 2), 0, 0]
        tail += networkOrder(index) + networkOrder(sequence)
        return ExtensionHeader(kind: TransportProtocol.ah, verbatim: tail + check + padding)
    }

    /// A fragment header.
    ///
    /// - Parameter offset: In bytes, a multiple of 8 below 65,536.
    public static func fragment(offset: Int, more: Bool, identification: UInt32) -> ExtensionHeader {
        precondition(offset & 7 == 0 && (0..<65_536).contains(offset), "no fragment offset: \(offset)")
        return ExtensionHeader(
            kind: TransportProtocol.fragment,
            verbatim: [0] + networkOrder(UInt16(offset) | (more ? 1 : 0)) + networkOrder(identification))
    }

    /// The header's bytes with the number of what follows it.
    func bytes(next: UInt8) -> [UInt8] { [next] + tail }
}

/// The bytes of an integer in network order.
func networkOrder<Value: FixedWidthInteger>(_ value: Value) -> [UInt8] {
    stride(from: Value.bitWidth - 8, through: 0, by: -8).map { UInt8(truncatingIfNeeded: value >> Value($0)) }
}
