/// Where a payload is cut.
public enum PayloadCut {
    /// Nearly equal chunks that keep the rules of a request type.
    ///
    /// The chunks cover the payload without gaps, and there are at most `count`. Fewer come when a rule wants longer ones.
    /// Of the places where a rule allows a cut, the one nearest to the even cut is taken.
    ///
    /// - Parameters:
    ///   - payload: 1 byte or more.
    ///   - count: how many chunks are wanted; 1 or more.
    ///   - minimum: bytes of each chunk at least, unless the payload is shorter than that.
    ///   - alignment: chunks begin at multiples of this.
    ///   - delimiter: chunks end behind this; empty: anywhere.
    public static func ranges(
        of payload: borrowing Span<UInt8>, into count: Int, minimum: Int, alignment: Int, delimiter: [UInt8]
    ) -> [Range<Int>] {
        let size = payload.count
        var ranges: [Range<Int>] = []
        ranges.reserveCapacity(count)
        let ends = delimiter.isEmpty ? [] : recordEnds(of: payload, delimiter: delimiter)
        var begin = 0
        for number in 1..<max(count, 1) {
            let earliest = begin + minimum
            let latest = size - minimum
            if earliest > latest { break }
            let even = min(max(size * number / count, earliest), latest)
            let cut =
                delimiter.isEmpty
                ? alignedPlace(near: even, in: earliest...latest, alignment: alignment)
                : nearest(to: even, in: earliest...latest, of: ends)
            guard let cut else { continue }
            ranges.append(begin..<cut)
            begin = cut
        }
        ranges.append(begin..<size)
        return ranges
    }

    /// The multiple of `alignment` nearest to `place`.
    private static func alignedPlace(near place: Int, in allowed: ClosedRange<Int>, alignment: Int) -> Int? {
        let nearest = (place + alignment / 2) / alignment * alignment
        if allowed.contains(nearest) { return nearest }
        let other = nearest < allowed.lowerBound ? nearest + alignment : nearest - alignment
        return allowed.contains(other) ? other : nil
    }

    /// Where records end: behind each delimiter, as one finds them from the beginning on.
    private static func recordEnds(of payload: borrowing Span<UInt8>, delimiter: [UInt8]) -> [Int] {
        var ends: [Int] = []
        let first = delimiter[0]
        var place = 0
        while place + delimiter.count <= payload.count {
            guard payload[place] == first, matches(delimiter, at: place, of: payload) else {
                place += 1
                continue
            }
            place += delimiter.count
            ends.append(place)
        }
        return ends
    }

    private static func matches(_ delimiter: [UInt8], at place: Int, of payload: borrowing Span<UInt8>) -> Bool {
        for offset in delimiter.indices where payload[place + offset] != delimiter[offset] { return false }
        return true
    }

    /// The member of `ends` nearest to `place`; of two equally near ones the later.
    private static func nearest(to place: Int, in allowed: ClosedRange<Int>, of ends: [Int]) -> Int? {
        var low = 0
        var high = ends.count
        while low < high {
            let middle = (low + high) / 2
            if ends[middle] < place { low = middle + 1 } else { high = middle }
        }
        let after = low < ends.count && allowed.contains(ends[low]) ? ends[low] : nil
        let before = low > 0 && allowed.contains(ends[low - 1]) ? ends[low - 1] : nil
        guard let after else { return before }
        guard let before else { return after }
        return after - place <= place - before ? after : before
    }
}
