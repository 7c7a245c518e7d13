import Wire

/// Takes the fields of one body, one after another, and never reads outside it.
public struct FrameReader {
    private let bytes: [UInt8]
    private let start: Int
    private let end: Int
    private var next: Int

    /// A reader of the bytes in that range.
    ///
    /// - Precondition: the range lies inside the bytes.
    public init(_ bytes: [UInt8], _ range: Range<Int>) {
        precondition(range.lowerBound >= 0 && range.upperBound <= bytes.count)
        self.bytes = bytes
        start = range.lowerBound
        next = range.lowerBound
        end = range.upperBound
    }

    /// Bytes taken so far.
    public var place: Int { next - start }
    /// Bytes that are left.
    public var remaining: Int { end - next }

    /// An unsigned number.
    public mutating func number<Number: FixedWidthInteger & UnsignedInteger>(
        _ field: LinkField, as type: Number.Type = Number.self
    ) throws(LinkError) -> Number {
        let width = Number.bitWidth / 8
        guard remaining >= width else { throw .truncated(field, at: place) }
        var value: Number = 0
        for index in next..<next + width { value = value << 8 | Number(truncatingIfNeeded: bytes[index]) }
        next += width
        return value
    }

    /// A number of two bytes in a range.
    mutating func count16(_ field: LinkField, in range: ClosedRange<Int>) throws(LinkError) -> Int {
        let at = place
        let value = Int(try number(field, as: UInt16.self))
        guard range.contains(value) else { throw .badValue(field, value: value, at: at) }
        return value
    }

    /// A number of one byte that stands for a case.
    mutating func choice<Choice: RawRepresentable<UInt8>>(
        _ field: LinkField, of type: Choice.Type = Choice.self
    ) throws(LinkError) -> Choice {
        let at = place
        let value = try number(field, as: UInt8.self)
        guard let choice = Choice(rawValue: value) else { throw .badValue(field, value: Int(value), at: at) }
        return choice
    }

    /// 0 or 1.
    mutating func flag(_ field: LinkField) throws(LinkError) -> Bool {
        let at = place
        let value = try number(field, as: UInt8.self)
        guard value <= 1 else { throw .badValue(field, value: Int(value), at: at) }
        return value == 1
    }

    /// That many bytes.
    public mutating func run(_ field: LinkField, count: Int) throws(LinkError) -> [UInt8] {
        guard count >= 0, remaining >= count else { throw .truncated(field, at: place) }
        defer { next += count }
        return Array(bytes[next..<next + count])
    }

    /// A length of four bytes and as many bytes.
    mutating func payload(_ field: LinkField, limit: Int) throws(LinkError) -> [UInt8] {
        let at = place
        let length = Int(try number(field, as: UInt32.self))
        guard length <= limit else { throw .tooLong(field, length: length, limit: limit, at: at) }
        guard remaining >= length else { throw .truncated(field, at: at) }
        return try run(field, count: length)
    }

    /// A length of one byte and as many bytes.
    mutating func checksum() throws(LinkError) -> [UInt8] {
        let at = place
        let length = Int(try number(.checksum, as: UInt8.self))
        guard length <= ChecksumAlgorithm.maximumLength else {
            throw .tooLong(.checksum, length: length, limit: ChecksumAlgorithm.maximumLength, at: at)
        }
        guard remaining >= length else { throw .truncated(.checksum, at: at) }
        return try run(.checksum, count: length)
    }

    /// A length of one byte and as many bytes of text.
    public mutating func name(_ field: LinkField, mayBeEmpty: Bool = false) throws(LinkError) -> String {
        let at = place
        let length = Int(try number(field, as: UInt8.self))
        guard length <= LinkFrame.maximumName else {
            throw .tooLong(field, length: length, limit: LinkFrame.maximumName, at: at)
        }
        guard length > 0 || mayBeEmpty else { throw .empty(field, at: at) }
        guard remaining >= length else { throw .truncated(field, at: at) }
        let slice = bytes[next..<next + length]
        // What a peer names must not steer a terminal that prints it.
        guard slice.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }), let text = String(validating: slice, as: UTF8.self) else {
            throw .badText(field, at: at)
        }
        next += length
        return text
    }

    /// Family (4 or 6), address, port.
    mutating func endpoint(address: LinkField, port: LinkField) throws(LinkError) -> Endpoint {
        let at = place
        let length: Int
        switch try number(address, as: UInt8.self) {
        case 4: length = 4
        case 6: length = 16
        case let family: throw .badValue(address, value: Int(family), at: at)
        }
        guard remaining >= length else { throw .truncated(address, at: at) }
        guard let parsed = IPAddress(networkBytes: bytes[next..<next + length]) else {
            throw .badValue(address, value: length, at: at)
        }
        next += length
        return Endpoint(address: parsed, port: try number(port))
    }
}
