/// A payload that its client has cut already (`client_shards: true`): a header says where.
///
/// ```
/// 0        4         5         6           8                   8 + 4·count
/// ┌────────┬─────────┬─────────┬───────────┬───────────────────┬────────────┐
/// │ "ABS1" │ version │ 0       │ count     │ count lengths     │ the shards │
/// │        │ 1       │         │ 2 bytes   │ 4 bytes each      │            │
/// └────────┴─────────┴─────────┴───────────┴───────────────────┴────────────┘
/// ```
///
/// Numbers are in network order. The lengths say how many bytes each shard has, 1 or more; together they are exactly what
/// follows. The header itself is not worked on.
public enum ClientShards {
    /// What the header begins with.
    public static var magic: [UInt8] { Array("ABS1".utf8) }
    /// The header's version.
    public static var version: UInt8 { 1 }
    /// Bytes before the lengths.
    public static var fixedLength: Int { 8 }

    /// Why a payload cannot be taken as shards.
    public enum Fault: Error, Equatable, Sendable, CustomStringConvertible {
        /// The payload does not begin with ``ClientShards/magic``.
        case notShards
        /// The payload ends within the header.
        case truncated(bytes: Int, needed: Int)
        /// Another version of the header.
        case version(UInt8)
        /// The byte after the version is not 0.
        case reserved(UInt8)
        /// No shard, or more than are allowed.
        case count(Int, allowed: Int)
        /// A shard of 0 bytes.
        case emptyShard(Int)
        /// The lengths are together not what follows the header.
        case length(claimed: Int, present: Int)

        /// What is wrong, and what to do.
        public var description: String {
            switch self {
            case .notShards: "the payload has no shard header: send one, or turn client_shards off for the request type"
            case .truncated(let bytes, let needed):
                "the payload has \(bytes) bytes, and its shard header needs \(needed)"
            case .version(let version): "the shard header has version \(version): this program reads 1"
            case .reserved(let byte): "byte 5 of the shard header is \(byte): it must be 0"
            case .count(let count, let allowed): "the header names \(count) shards: 1 to \(allowed) are allowed"
            case .emptyShard(let index): "shard \(index) has no bytes"
            case .length(let claimed, let present):
                "the shards have \(claimed) bytes by the header, and \(present) came"
            }
        }
    }

    /// Where the shards lie in the payload.
    ///
    /// - Parameters:
    ///   - payload: header and shards.
    ///   - maximum: how many shards are allowed (`max_chunks`).
    public static func ranges(of payload: borrowing Span<UInt8>, maximum: Int) throws(Fault) -> [Range<Int>] {
        let magic = magic
        if payload.count < magic.count { throw .notShards }
        for place in magic.indices where payload[place] != magic[place] { throw .notShards }
        if payload.count < fixedLength { throw .truncated(bytes: payload.count, needed: fixedLength) }
        if payload[4] != version { throw .version(payload[4]) }
        if payload[5] != 0 { throw .reserved(payload[5]) }
        let count = Int(payload[6]) << 8 | Int(payload[7])
        if count < 1 || count > maximum { throw .count(count, allowed: maximum) }
        let header = fixedLength + 4 * count
        if payload.count < header { throw .truncated(bytes: payload.count, needed: header) }
        var ranges: [Range<Int>] = []
        ranges.reserveCapacity(count)
        var begin = header
        for index in 0..<count {
            let place = fixedLength + 4 * index
            let length = (0..<4).reduce(0) { $0 << 8 | Int(payload[place + $1]) }
            if length == 0 { throw .emptyShard(index) }
            ranges.append(begin..<begin + length)
            begin += length
        }
        if begin != payload.count { throw .length(claimed: begin - header, present: payload.count - header) }
        return ranges
    }

    /// Header and shards in one payload.
    ///
    /// - Parameter shards: 1 … 1024 of them, each of 1 byte or more.
    public static func payload(of shards: [[UInt8]]) throws(Fault) -> [UInt8] {
        if shards.isEmpty || shards.count > JobTerms.maximumTotal {
            throw .count(shards.count, allowed: JobTerms.maximumTotal)
        }
        var bytes = magic + [version, 0, UInt8(shards.count >> 8), UInt8(shards.count & 0xFF)]
        bytes.reserveCapacity(fixedLength + shards.reduce(0) { $0 + 4 + $1.count })
        for (index, shard) in shards.enumerated() {
            if shard.isEmpty { throw .emptyShard(index) }
            for shift in [24, 16, 8, 0] { bytes.append(UInt8(truncatingIfNeeded: shard.count >> shift)) }
        }
        for shard in shards { bytes += shard }
        return bytes
    }

    /// Cuts `data` into `count` nearly equal shards with their header: `anabranch send --shards N`.
    ///
    /// - Parameters:
    ///   - data: as many bytes as shards, or more.
    ///   - count: 1 … 1024.
    public static func payload(cutting data: [UInt8], into count: Int) throws(Fault) -> [UInt8] {
        if count < 1 || count > JobTerms.maximumTotal { throw .count(count, allowed: JobTerms.maximumTotal) }
        if data.count < count { throw .emptyShard(data.count) }
        let shards = (0..<count).map { Array(data[data.count * $0 / count..<data.count * ($0 + 1) / count]) }
        return try payload(of: shards)
    }
}
