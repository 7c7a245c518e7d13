import Wire

/// Bytes from hexadecimal text; blanks are skipped.
public func hex(_ text: String) -> [UInt8] {
    let digits = text.compactMap(\.hexDigitValue)
    precondition(digits.count % 2 == 0, "half a byte in \(text)")
    return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
}

/// Numbers that are the same in every run: SplitMix64 (Steele, Lea, Flood 2014).
public struct SeededGenerator: RandomNumberGenerator, Sendable {
    private var state: UInt64

    /// A generator whose numbers follow from the seed alone.
    public init(seed: UInt64) { state = seed }

    /// The next 64 bits.
    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}

extension Packet {
    /// Reads a packet that lies in an array.
    ///
    /// - Parameters:
    ///   - captured: How many of the bytes were captured; all if nil.
    ///   - wireLength: How long the packet was on the wire; as long as the array if nil.
    public init(_ bytes: [UInt8], captured: Int? = nil, wireLength: Int? = nil) throws(WireError) {
        // A copy of the very length, so that a sanitizer sees a load behind the captured bytes.
        let part = Array(bytes.prefix(captured ?? bytes.count))
        self = try unsafe Packet(parsing: part.span.bytes, wireLength: wireLength ?? bytes.count)
    }
}

/// What became of a packet: read, or the error that names what is wrong with it.
public func parse(_ bytes: [UInt8], captured: Int? = nil, wireLength: Int? = nil) -> Result<Packet, WireError> {
    do {
        return .success(try Packet(bytes, captured: captured, wireLength: wireLength))
    } catch {
        return .failure(error)
    }
}

/// The error a packet is refused with; nil if it can be read.
public func parseError(_ bytes: [UInt8], captured: Int? = nil, wireLength: Int? = nil) -> WireError? {
    guard case .failure(let error) = parse(bytes, captured: captured, wireLength: wireLength) else { return nil }
    return error
}
