/// Recognises the three ways in which files hold series.
///
/// * wide: a header, then a time and one value per series in each row (`timestamp,a,b`);
/// * long: a header, then `series,timestamp,value` in each row;
/// * lines: a series in each row, its name first (`H1,605,586,…`), or numbers alone.
enum SeriesReader {
    static func read(_ bytes: [UInt8]) throws(TableError) -> [Series] {
        let table = try Table(bytes)
        guard let first = table.rows.first else {
            throw TableError(line: 1, column: 1, message: "the file is empty")
        }
        if first.count >= 2, isTimeName(first[0].text) { return try wide(table) }
        if first.count == 3, isTimeName(first[1].text) { return try long(table) }
        return try lines(table)
    }

    private static func isTimeName(_ text: String) -> Bool {
        ["timestamp", "time", "date", "datetime", "ts"].contains(text.lowercased())
    }

    private static func wide(_ table: Table) throws(TableError) -> [Series] {
        let header = table.rows[0]
        var times: [(Int64, Table.Cell)] = []
        var columns = [[Double]](repeating: [], count: header.count - 1)
        for row in table.rows.dropFirst() {
            guard row.count == header.count else {
                throw row[row.count - 1].fail("\(row.count) cells where the header has \(header.count)")
            }
            times.append((try row[0].time(), row[0]))
            for index in columns.indices { columns[index].append(try row[index + 1].number()) }
        }
        var result: [Series] = []
        for (index, values) in columns.enumerated() {
            let name = header[index + 1].text
            result.append(try grid(name.isEmpty ? "series\(index + 1)" : name, times, values))
        }
        return result
    }

    private static func long(_ table: Table) throws(TableError) -> [Series] {
        var order: [String] = []
        var parts: [String: (times: [(Int64, Table.Cell)], values: [Double])] = [:]
        for row in table.rows.dropFirst() {
            guard row.count == 3 else { throw row[row.count - 1].fail("\(row.count) cells where 3 are wanted") }
            let name = row[0].text
            if parts[name] == nil {
                parts[name] = ([], [])
                order.append(name)
            }
            parts[name]?.times.append((try row[1].time(), row[1]))
            parts[name]?.values.append(try row[2].number())
        }
        var result: [Series] = []
        for name in order {
            if let part = parts[name] { result.append(try grid(name, part.times, part.values)) }
        }
        return result
    }

    private static func lines(_ table: Table) throws(TableError) -> [Series] {
        var rows = table.rows[...]
        // A header over a column of numbers, or over names and numbered columns.
        if let first = rows.first, rows.count > 1, first.allSatisfy({ Double($0.text) == nil }) { rows.removeFirst() }
        if rows.allSatisfy({ $0.count == 1 }) {
            var values: [Double] = []
            for row in rows { values.append(try row[0].number()) }
            return [Series(name: "series1", values: values)]
        }
        var result: [Series] = []
        for (index, row) in rows.enumerated() {
            let isNamed = Double(row[0].text) == nil
            var cells = row[...]
            if isNamed { cells.removeFirst() }
            // Short series in a rectangular file end in empty cells.
            while let last = cells.last, last.text.isEmpty || last.text == "NA" { cells.removeLast() }
            var values: [Double] = []
            for cell in cells { values.append(try cell.number()) }
            guard !values.isEmpty else { throw row[0].fail("a series without values") }
            result.append(Series(name: isNamed ? row[0].text : "series\(index + 1)", values: values))
        }
        return result
    }

    /// Puts values on an even grid of the commonest distance; what is missing becomes a gap.
    private static func grid(
        _ name: String, _ times: [(Int64, Table.Cell)], _ values: [Double]
    ) throws(TableError) -> Series {
        guard let first = times.first else { return Series(name: name, values: []) }
        guard times.count > 1 else { return Series(name: name, values: values, start: first.0, interval: 1) }
        var counts: [Int64: Int] = [:]
        for index in times.indices.dropFirst() {
            let distance = times[index].0 - times[index - 1].0
            guard distance > 0 else { throw times[index].1.fail("a time that is not after the one before it") }
            counts[distance, default: 0] += 1
        }
        let step = counts.max { ($0.value, -$0.key) < ($1.value, -$1.key) }?.key ?? 1
        var placed: [Double] = []
        for index in times.indices {
            let place = Int((times[index].0 - first.0 + step / 2) / step)
            guard place <= placed.count + 1_000_000 else { throw times[index].1.fail("a gap of over a million steps") }
            if place < placed.count { throw times[index].1.fail("two values within one step of \(step) s") }
            while placed.count < place { placed.append(.nan) }
            placed.append(values[index])
        }
        return Series(name: name, values: placed, start: first.0, interval: Int(step))
    }
}
