import Tracking
import Wire

/// The fragments of one packet that have come, and what they say of the whole.
///
/// Nothing overlaps, so the packet is whole when as many bytes have come as it has (RFC 815 comes to the same).
struct PartialPayload {
    /// One fragment.
    struct Piece {
        var offset: UInt16
        var length: UInt16
        /// Where its bytes are in `bytes`.
        var place: UInt16
        var original: UInt32

        var end: Int { Int(offset) + Int(length) }
    }

    /// What a fragment does to the packet.
    enum Acceptance: Equatable {
        case new(index: Int)
        case duplicate
        case fault(FragmentFault)
    }

    /// In offset order.
    private(set) var pieces: [Piece] = []
    /// Payloads in the order in which they came: fragments in order need no second copy.
    private var bytes: [UInt8] = []
    /// Bytes there is memory for in `bytes`.
    private var room = 0
    /// Payload bytes of the packet; nil while the last fragment is missing.
    private var total: Int?
    private(set) var wireLength = 0

    /// Memory for one piece: an array grows to at most twice of what it holds.
    private static var pieceCost: Int { 2 * MemoryLayout<Piece>.stride }
    /// The longest payload, IPv6's.
    private static var longest: Int { 65_535 }

    /// Bytes of memory.
    var cost: Int { room + pieces.count * Self.pieceCost }
    var isWhole: Bool { bytes.count == total }
    var hasFirst: Bool { pieces.first?.offset == 0 }
    var originals: [UInt32] { pieces.map(\.original) }

    /// What can be held against a fragment without knowing the others.
    static func violation(_ fragment: FragmentInfo, isIPv4: Bool) -> FragmentFault? {
        if fragment.length <= 0 { return .empty }
        if fragment.more && fragment.length & 7 != 0 || fragment.offset & 7 != 0 { return .unalignedLength }
        // 65,535 bytes are the whole packet in IPv4, header included, and the payload in IPv6.
        if fragment.offset < 0 || fragment.end > (isIPv4 ? 65_515 : 65_535) { return .tooLong }
        // Less than a UDP header.
        return fragment.isFirst && fragment.length < 8 ? .tinyFirst : nil
    }

    /// Judges a fragment that is in order by itself; changes nothing.
    func judge(_ fragment: FragmentInfo, _ payload: borrowing RawSpan) -> Acceptance {
        // The first piece that does not lie before the fragment altogether.
        var index = 0
        var high = pieces.count
        while index < high {
            let middle = (index + high) / 2
            if pieces[middle].end <= fragment.offset { index = middle + 1 } else { high = middle }
        }
        if let total {
            // The length is known: nothing may lie beyond it, and only one fragment may end there.
            if fragment.end > total || fragment.more != (fragment.end < total) { return .fault(.contradictoryLength) }
        } else if !fragment.more, let last = pieces.last, last.end > fragment.end {
            return .fault(.contradictoryLength)
        }
        guard index < pieces.count, Int(pieces[index].offset) < fragment.end else { return .new(index: index) }
        let known = pieces[index]
        let isCopy =
            Int(known.offset) == fragment.offset && known.end == fragment.end
            && fragment.more == (known.end != total) && holds(payload, at: Int(known.place))
        return isCopy ? .duplicate : .fault(.overlap)
    }

    private func holds(_ payload: borrowing RawSpan, at place: Int) -> Bool {
        unsafe payload.withUnsafeBytes { given in
            unsafe bytes[place..<place + given.count].elementsEqual(given)
        }
    }

    /// Bytes of memory that keeping a new fragment of that length takes.
    func growth(_ length: Int) -> Int { roomFor(length) - room + Self.pieceCost }

    private func roomFor(_ length: Int) -> Int {
        let needed = bytes.count + length
        if needed <= room { return room }
        return min(max(needed, 2 * room, 2 * length), max(needed, Self.longest))
    }

    /// Keeps a fragment that was judged new.
    mutating func keep(
        _ fragment: FragmentInfo, _ payload: borrowing RawSpan, at index: Int, original: UInt32, wireLength: Int
    ) {
        let wanted = roomFor(fragment.length)
        if wanted != room {
            bytes.reserveCapacity(wanted)
            room = wanted
        }
        let piece = Piece(
            offset: UInt16(fragment.offset), length: UInt16(fragment.length), place: UInt16(bytes.count),
            original: original)
        pieces.insert(piece, at: index)
        unsafe payload.withUnsafeBytes { unsafe bytes.append(contentsOf: $0) }
        if !fragment.more { total = fragment.end }
        self.wireLength += wireLength
    }

    /// The fragments as they came, in offset order.
    func fragments(of identification: UInt32) -> [WithdrawnFragment] {
        pieces.map { piece in
            WithdrawnFragment(
                original: piece.original,
                fragment: FragmentInfo(
                    identification: identification, offset: Int(piece.offset), length: Int(piece.length),
                    more: piece.end != total),
                bytes: Array(bytes[Int(piece.place)..<Int(piece.place) + Int(piece.length)]))
        }
    }

    /// The whole payload in order.
    consuming func payload() -> [UInt8] {
        if pieces.allSatisfy({ $0.place == $0.offset }) { return bytes }
        var ordered: [UInt8] = []
        ordered.reserveCapacity(bytes.count)
        for piece in pieces { ordered += bytes[Int(piece.place)..<Int(piece.place) + Int(piece.length)] }
        return ordered
    }
}
