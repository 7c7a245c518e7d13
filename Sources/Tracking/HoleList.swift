/// What is missing of a packet: RFC 815's hole descriptors, in units of 8 bytes, at most 20 of them.
///
/// Fragments in order, or in reverse, leave one or two holes. A shuffled packet of n fragments has n/4 ± √n/4 holes when
/// half of it is there: 65,507 bytes in 45 fragments 11 ± 2, so 20 is more than five standard deviations away.
struct HoleList: BitwiseCopyable {
    /// Most holes an entry can note.
    static var capacity: Int { 20 }
    /// The end of the hole behind everything seen, while the packet's length is unknown.
    static var open: UInt16 { .max }

    /// Units first ..< end are missing.
    struct Hole: BitwiseCopyable, Equatable {
        var first: UInt16
        var end: UInt16
    }

    private(set) var count: UInt8 = 1
    private var holes = InlineArray<20, Hole>(repeating: Hole(first: 0, end: HoleList.open))

    /// Everything is missing.
    @inline(__always)
    init() {}

    /// Everything is missing again. Writes one hole, not twenty.
    @inline(__always)
    mutating func reset() {
        count = 1
        holes[0] = Hole(first: 0, end: Self.open)
    }

    /// Everything behind unit `end` is missing.
    @inline(__always)
    mutating func begin(behind end: UInt16) {
        count = 1
        holes[0] = Hole(first: end, end: Self.open)
    }

    subscript(index: Int) -> Hole { holes[index] }

    enum Result: Equatable {
        case filled
        /// Every unit has been received before.
        case nothingNew
        case overlap
        case tooMany
    }

    /// Whether a hole without an end is left, and where it begins: the end of what has been received.
    var openBegin: UInt16? {
        for index in 0..<Int(count) where holes[index].end == Self.open { return holes[index].first }
        return nil
    }

    /// Fills units first ..< end; `isLast` says that nothing is behind them. The caller has made sure that a last
    /// fragment lies behind everything received.
    @inline(__always)
    mutating func fill(_ first: UInt16, _ end: UInt16, isLast: Bool) -> Result {
        for index in 0..<Int(count) {
            let hole = holes[index]
            if end <= hole.first || first >= hole.end { continue }
            guard first >= hole.first, end <= hole.end else { return .overlap }
            let before = first > hole.first
            let after = end < hole.end && !isLast
            if before {
                if after {
                    guard Int(count) < Self.capacity else { return .tooMany }
                    holes[Int(count)] = Hole(first: end, end: hole.end)
                    count += 1
                }
                holes[index].end = first
            } else if after {
                holes[index].first = end
            } else {
                count -= 1
                holes[index] = holes[Int(count)]
            }
            return .filled
        }
        return .nothingNew
    }
}
