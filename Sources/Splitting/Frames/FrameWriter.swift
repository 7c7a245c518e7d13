import Wire

/// Puts the fields of one frame together, and refuses what its reader would refuse.
public struct FrameWriter {
    /// The frame so far.
    public private(set) var bytes: [UInt8]
    private let kind: FrameKind

    /// A frame of that kind.
    ///
    /// - Parameter body: how long the body will be about, in bytes, so that memory is taken once.
    public init(_ kind: FrameKind, body: Int = 0) {
        self.kind = kind
        bytes = []
        bytes.reserveCapacity(LinkFrame.headerLength + body)
        number(LinkFrame.magic)
        number(LinkFrame.version)
        number(kind.rawValue)
        number(UInt16(0))
        number(UInt32(0))
    }

    private var place: Int { bytes.count - LinkFrame.headerLength }

    /// The whole frame, with its length put in.
    ///
    /// - Throws: `LinkError.frameTooLong`.
    public consuming func finish() throws(LinkError) -> [UInt8] {
        let length = place
        let limit = LinkFrame.maximumBody(of: kind)
        guard length <= limit else { throw .frameTooLong(kind, length: length, limit: limit) }
        for index in 0..<4 { bytes[8 + index] = UInt8(truncatingIfNeeded: length >> (24 - 8 * index)) }
        return bytes
    }

    /// An unsigned number.
    public mutating func number<Number: FixedWidthInteger & UnsignedInteger>(_ value: Number) {
        var shift = Number.bitWidth
        while shift > 0 {
            shift -= 8
            bytes.append(UInt8(truncatingIfNeeded: value >> Number(shift)))
        }
    }

    /// A number of two bytes in a range.
    mutating func count16(_ value: Int, _ field: LinkField, in range: ClosedRange<Int>) throws(LinkError) {
        guard range.contains(value) else { throw .badValue(field, value: value, at: place) }
        number(UInt16(value))
    }

    /// The number of entries of a list.
    mutating func count8(_ value: Int, _ field: LinkField, limit: Int) throws(LinkError) {
        guard value <= limit else { throw .tooMany(field, count: value, limit: limit, at: place) }
        number(UInt8(value))
    }

    /// Bytes without a length.
    public mutating func run(_ run: [UInt8]) { bytes += run }

    /// A length of four bytes, and the bytes.
    mutating func payload(_ payload: [UInt8], _ field: LinkField, limit: Int) throws(LinkError) {
        guard payload.count <= limit else {
            throw .tooLong(field, length: payload.count, limit: limit, at: place)
        }
        number(UInt32(payload.count))
        bytes += payload
    }

    /// A length of one byte, and the bytes.
    mutating func checksum(_ checksum: [UInt8]) throws(LinkError) {
        guard checksum.count <= ChecksumAlgorithm.maximumLength else {
            throw .tooLong(
                .checksum, length: checksum.count, limit: ChecksumAlgorithm.maximumLength, at: place)
        }
        number(UInt8(checksum.count))
        bytes += checksum
    }

    /// A length of one byte, and the text.
    public mutating func name(_ name: String, _ field: LinkField, mayBeEmpty: Bool = false) throws(LinkError) {
        let text = name.utf8
        guard text.count <= LinkFrame.maximumName else {
            throw .tooLong(field, length: text.count, limit: LinkFrame.maximumName, at: place)
        }
        guard !text.isEmpty || mayBeEmpty else { throw .empty(field, at: place) }
        guard text.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else { throw .badText(field, at: place) }
        number(UInt8(text.count))
        bytes += text
    }

    /// Family (4 or 6), address, port.
    mutating func endpoint(_ endpoint: Endpoint) {
        number(UInt8(endpoint.address.family == .ipv4 ? 4 : 6))
        bytes += endpoint.address.networkBytes
        number(endpoint.port)
    }
}
