/// Answers that no UDP datagram can carry, sent as several (`large_answers: parts`): each begins with a header.
///
/// ```
/// 0        4         5    6        8        10       12               20        24       28
/// ┌────────┬─────────┬────┬────────┬────────┬────────┬────────────────┬─────────┬────────┬──────┐
/// │ "ABP1" │ version │ 0  │ part   │ parts  │ 0      │ answer         │ offset  │ total  │ data │
/// │        │ 1       │    │ 2 B    │ 2 B    │ 2 B    │ 8 B            │ 4 B     │ 4 B    │      │
/// └────────┴─────────┴────┴────────┴────────┴────────┴────────────────┴─────────┴────────┴──────┘
/// ```
///
/// Numbers are in network order. `part` counts from 0 to `parts` − 1; `answer` is the same in all parts of one answer and
/// different for two answers of a load balancer; `offset` is the place of the data in the answer of `total` bytes.
public struct AnswerParts: Equatable, Sendable {
    /// Which part this is.
    public var part: Int
    /// How many there are.
    public var parts: Int
    /// Names the answer.
    public var answer: UInt64
    /// The place of ``data`` in the answer.
    public var offset: Int
    /// Bytes of the whole answer.
    public var total: Int
    /// The part's bytes.
    public var data: ArraySlice<UInt8>

    /// What the header begins with.
    public static var magic: [UInt8] { Array("ABP1".utf8) }
    /// The header's version.
    public static var version: UInt8 { 1 }
    /// The header's bytes.
    public static var headerLength: Int { 28 }
    /// What a UDP datagram carries at most: 65,535 bytes without 20 of IPv4 and 8 of UDP. IPv6 would carry 20 more.
    public static var largestDatagram: Int { 65_507 }

    /// Why a datagram is no part of an answer.
    public enum Fault: Error, Equatable, Sendable, CustomStringConvertible {
        /// The datagram does not begin with ``AnswerParts/magic``: it is an answer of its own.
        case notParts
        /// The datagram ends within the header.
        case truncated(bytes: Int)
        /// Another version of the header.
        case version(UInt8)
        /// A reserved byte is not 0.
        case reserved
        /// The part's number is not below their count, or there are none.
        case number(part: Int, parts: Int)
        /// The data do not lie within the answer.
        case place(offset: Int, bytes: Int, total: Int)
        /// The answer is longer than the receiver takes.
        case tooLong(total: Int, allowed: Int)
        /// The part contradicts one that came before.
        case contradiction

        /// What is wrong.
        public var description: String {
            switch self {
            case .notParts: "the datagram has no part header"
            case .truncated(let bytes): "the datagram has \(bytes) bytes: the part header alone has 28"
            case .version(let version): "the part header has version \(version): this program reads 1"
            case .reserved: "a reserved byte of the part header is not 0"
            case .number(let part, let parts): "part \(part) of \(parts)"
            case .place(let offset, let bytes, let total): "\(bytes) bytes at \(offset) of an answer of \(total)"
            case .tooLong(let total, let allowed): "the answer has \(total) bytes: \(allowed) are taken"
            case .contradiction: "the part contradicts an earlier one"
            }
        }
    }

    /// The datagrams of an answer.
    ///
    /// - Parameters:
    ///   - answer: 1 byte … 16 MiB.
    ///   - id: names the answer: a job's number.
    ///   - datagram: bytes of each datagram at most, 512 or more: then 16 bits count the parts.
    public static func datagrams(of answer: [UInt8], id: UInt64, datagram: Int = largestDatagram) -> [[UInt8]] {
        precondition(datagram >= 512 && answer.count <= 16 << 20)
        let room = datagram - headerLength
        let parts = max((answer.count + room - 1) / room, 1)
        return (0..<parts).map { part in
            let offset = part * room
            var bytes = magic + [version, 0]
            bytes.reserveCapacity(datagram)
            append(UInt64(part), 2, to: &bytes)
            append(UInt64(parts), 2, to: &bytes)
            append(0, 2, to: &bytes)
            append(id, 8, to: &bytes)
            append(UInt64(offset), 4, to: &bytes)
            append(UInt64(answer.count), 4, to: &bytes)
            bytes += answer[offset..<min(offset + room, answer.count)]
            return bytes
        }
    }

    /// Reads one datagram.
    public init(_ datagram: [UInt8]) throws(Fault) {
        guard datagram.starts(with: Self.magic) else { throw .notParts }
        if datagram.count < Self.headerLength { throw .truncated(bytes: datagram.count) }
        if datagram[4] != Self.version { throw .version(datagram[4]) }
        if datagram[5] != 0 || datagram[10] != 0 || datagram[11] != 0 { throw .reserved }
        part = Int(Self.number(datagram[6..<8]))
        parts = Int(Self.number(datagram[8..<10]))
        answer = Self.number(datagram[12..<20])
        offset = Int(Self.number(datagram[20..<24]))
        total = Int(Self.number(datagram[24..<28]))
        data = datagram[Self.headerLength...]
        if part >= parts { throw .number(part: part, parts: parts) }
        if offset + data.count > total { throw .place(offset: offset, bytes: data.count, total: total) }
    }

    private static func append(_ value: UInt64, _ width: Int, to bytes: inout [UInt8]) {
        for place in (0..<width).reversed() { bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(8 * place))) }
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }
}

/// Joins the parts of one answer on the client's side, in whatever order they come.
public struct AnswerAssembly: Sendable {
    /// The longest answer that is taken, in bytes.
    public let maximum: Int
    private var first: AnswerParts?
    private var pieces: [AnswerParts?] = []
    private var missing = 0

    /// An assembly that takes at most `maximum` bytes.
    public init(maximum: Int = 16 << 20) { self.maximum = maximum }

    /// Takes a part; a second copy of one changes nothing.
    ///
    /// - Returns: the whole answer when nothing is missing any more; nil before.
    public mutating func take(_ part: AnswerParts) throws(AnswerParts.Fault) -> [UInt8]? {
        if part.total > maximum { throw .tooLong(total: part.total, allowed: maximum) }
        if let first {
            if (first.answer, first.parts, first.total) != (part.answer, part.parts, part.total) {
                throw .contradiction
            }
        } else {
            first = part
            pieces = [AnswerParts?](repeating: nil, count: part.parts)
            missing = part.parts
        }
        if pieces[part.part] == nil {
            pieces[part.part] = part
            missing -= 1
        }
        if missing > 0 { return nil }
        var whole: [UInt8] = []
        whole.reserveCapacity(part.total)
        for case let piece? in pieces {
            if piece.offset != whole.count { throw .contradiction }
            whole += piece.data
        }
        if whole.count != part.total { throw .contradiction }
        return whole
    }
}
