/// Writes the numbers of a state in a fixed order, or reads them back: little-endian, eight bytes each, floats four.
///
/// One list of fields per type (`carry`) serves both directions, so they cannot drift apart.
struct StateCodec {
    /// "ABF" and the version of the format.
    static var signature: UInt32 { 0x0146_4241 }

    private(set) var bytes: [UInt8]
    private var position = 0
    let isReading: Bool
    /// Whether the bytes ended early or held something impossible.
    private(set) var hasFailed = false

    /// A codec to write with.
    init() {
        bytes = []
        isReading = false
        var signature = Self.signature
        carry(&signature)
    }

    /// A codec to read with.
    /// - Throws: `badState` unless the signature and the checksum at the end are right.
    init(reading bytes: [UInt8]) throws(ForecastError) {
        guard bytes.count >= 12, Self.checksum(bytes.dropLast(8)) == Self.word(bytes, bytes.count - 8) else {
            throw .badState
        }
        self.bytes = bytes.dropLast(8)
        isReading = true
        var signature: UInt32 = 0
        carry(&signature)
        guard signature == Self.signature else { throw .badState }
    }

    /// What was written, with its checksum.
    func finished() -> [UInt8] {
        var result = bytes
        let sum = Self.checksum(bytes[...])
        for shift in stride(from: 0, to: 64, by: 8) { result.append(UInt8(truncatingIfNeeded: sum >> UInt64(shift))) }
        return result
    }

    /// Whether all bytes were read and nothing was wrong.
    var isComplete: Bool { !hasFailed && position == bytes.count }

    mutating func fail() { hasFailed = true }

    mutating func carry(_ value: inout UInt32) {
        var wide = UInt64(value)
        carry(&wide, size: 4)
        value = UInt32(truncatingIfNeeded: wide)
    }

    mutating func carry(_ value: inout Float) {
        var bits = value.bitPattern
        carry(&bits)
        value = Float(bitPattern: bits)
    }

    mutating func carry(_ value: inout Double) {
        var bits = value.bitPattern
        carry(&bits, size: 8)
        value = Double(bitPattern: bits)
    }

    mutating func carry(_ value: inout Int64) {
        var bits = UInt64(bitPattern: value)
        carry(&bits, size: 8)
        value = Int64(bitPattern: bits)
    }

    /// A whole number that must lie in a range.
    mutating func carry(_ value: inout Int, in range: ClosedRange<Int>) {
        var wide = Int64(value)
        carry(&wide)
        if isReading, !range.contains(Int(wide)) { fail() } else { value = Int(wide) }
    }

    mutating func carry(_ value: inout Bool) {
        var bit = value ? 1 : 0
        carry(&bit, in: 0...1)
        value = bit == 1
    }

    /// Cells whose number both sides know.
    mutating func carry(_ cells: inout Cells) {
        var count = cells.count
        carry(&count, in: cells.count...cells.count)
        guard !hasFailed else { return }
        for index in 0..<count { carry(&cells[index]) }
    }

    private mutating func carry(_ value: inout UInt64, size: Int) {
        guard isReading else {
            for byte in 0..<size { bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(8 * byte))) }
            return
        }
        guard !hasFailed, position + size <= bytes.count else { return fail() }
        value = 0
        for byte in 0..<size { value |= UInt64(bytes[position + byte]) << UInt64(8 * byte) }
        position += size
    }

    private static func word(_ bytes: [UInt8], _ start: Int) -> UInt64 {
        (0..<8).reduce(0) { $0 | UInt64(bytes[start + $1]) << UInt64(8 * $1) }
    }

    /// FNV-1a, 64 bits.
    private static func checksum(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        var sum: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in bytes { sum = (sum ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return sum
    }
}
