import Glibc

/// The order of members in a table: by the bytes of their names, not by what Unicode holds equal, so that it can never
/// change with a version of the Unicode tables.
enum NameOrder {
    /// Below 0 when `first` comes first, above 0 when `second` does, 0 when both are the same bytes.
    static func compare(_ first: String, _ second: String) -> Int {
        // SAFETY: memcmp reads the shorter length, which both buffers have.
        let compared = unsafe first.utf8.withContiguousStorageIfAvailable { left in
            unsafe second.utf8.withContiguousStorageIfAvailable { right in
                let shared = min(left.count, right.count)
                let order = shared == 0 ? 0 : unsafe memcmp(left.baseAddress!, right.baseAddress!, shared)
                return order != 0 ? Int(order) : left.count - right.count
            }
        }
        if let compared, let order = compared { return order }
        // Strings bridged from elsewhere: never on Linux, still right.
        if first.utf8.elementsEqual(second.utf8) { return 0 }
        return first.utf8.lexicographicallyPrecedes(second.utf8) ? -1 : 1
    }

    /// The places of the names in their order.
    ///
    /// Backends' names mostly begin alike, so most comparisons are settled by the eight bytes behind what all share.
    static func sortedPlaces(of names: [String]) -> [Int] {
        let shared = sharedPrefix(of: names)
        var keys = names.indices.map { place in
            Key(digits: digits(of: names[place], from: shared), place: place)
        }
        keys.sort { first, second in
            if first.digits != second.digits { return first.digits < second.digits }
            return compare(names[first.place], names[second.place]) < 0
        }
        return keys.map(\.place)
    }

    private struct Key {
        let digits: UInt64
        let place: Int
    }

    /// How many bytes all names begin with.
    private static func sharedPrefix(of names: [String]) -> Int {
        guard let first = names.first.map({ Array($0.utf8) }) else { return 0 }
        var shared = first.count
        for name in names {
            let bytes = name.utf8Span.span
            var count = 0
            while count < min(shared, bytes.count), bytes[count] == first[count] { count += 1 }
            shared = count
        }
        return shared
    }

    /// Eight bytes as one number that sorts like them; zeros behind the end.
    private static func digits(of name: String, from start: Int) -> UInt64 {
        let bytes = name.utf8Span.span
        var digits: UInt64 = 0
        for place in start..<start + 8 { digits = digits << 8 | (place < bytes.count ? UInt64(bytes[place]) : 0) }
        return digits
    }
}
