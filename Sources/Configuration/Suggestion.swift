/// A sentence that helps with a name nobody knows: the one that was probably meant, or all there are.
func suggestion(for name: String, among known: [String]) -> String {
    guard !known.isEmpty else { return "remove it" }
    let ranked = known.map { ($0, editDistance(Array(name.lowercased().utf8), Array($0.lowercased().utf8))) }
    if let (best, distance) = ranked.min(by: { $0.1 < $1.1 }), distance <= max(1, min(3, best.utf8.count / 3)) {
        return "did you mean \"\(best)\"?"
    }
    return "known are \(known.joined(separator: ", "))"
}

/// How many letters must be inserted, removed, replaced or swapped with their neighbour to turn `a` into `b` (optimal
/// string alignment distance).
private func editDistance(_ a: [UInt8], _ b: [UInt8]) -> Int {
    guard a.count <= 64, b.count <= 64 else { return .max }
    var beforeLast = [Int](repeating: 0, count: b.count + 1)
    var last = Array(0...b.count)
    for i in 0..<a.count {
        var row = [i + 1]
        for j in 0..<b.count {
            var cost = min(last[j] + (a[i] == b[j] ? 0 : 1), last[j + 1] + 1, row[j] + 1)
            if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { cost = min(cost, beforeLast[j - 1] + 1) }
            row.append(cost)
        }
        (beforeLast, last) = (last, row)
    }
    return last[b.count]
}
