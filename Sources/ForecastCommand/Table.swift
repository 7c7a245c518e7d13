/// The cells of a CSV file with their places.
struct Table {
    struct Cell {
        var text: String
        var line: Int
        /// Column of characters where the cell begins, from 1.
        var column: Int

        func fail(_ message: String) -> TableError { TableError(line: line, column: column, message: message) }

        /// A finite number; an empty cell, `NA` or `NaN` is a gap.
        func number() throws(TableError) -> Double {
            let lower = text.lowercased()
            if lower.isEmpty || lower == "na" || lower == "nan" { return .nan }
            guard let value = Double(text), value.isFinite else { throw fail("'\(text)' is not a number") }
            return value
        }

        /// Seconds since the epoch, or a date and time as in ISO 8601.
        func time() throws(TableError) -> Int64 {
            if let seconds = Int64(text) { return seconds }
            if let seconds = Double(text), seconds.magnitude < 1e15 { return Int64(seconds.rounded()) }
            guard let seconds = Calendar.seconds(text) else {
                throw fail("'\(text)' is not a time: seconds since the epoch or YYYY-MM-DD HH:MM:SS wanted")
            }
            return seconds
        }
    }

    var rows: [[Cell]]

    /// Splits a file into rows; quotes around cells are taken off, empty lines left out.
    init(_ bytes: [UInt8]) throws(TableError) {
        rows = []
        var row: [Cell] = []
        var text: [UInt8] = []
        var line = 1
        var column = 1
        var cellColumn = 1
        var inQuotes = false
        func finished() -> Cell {
            let decoded = String(decoding: text, as: UTF8.self)
            let trimmed = decoded.drop { $0 == " " || $0 == "\t" }.reversed().drop { $0 == " " || $0 == "\t" }
            return Cell(text: String(trimmed.reversed()), line: line, column: cellColumn)
        }
        for byte in bytes + [10] {
            switch byte {
            case UInt8(ascii: "\""): inQuotes.toggle()
            case UInt8(ascii: ",") where !inQuotes, UInt8(ascii: ";") where !inQuotes:
                row.append(finished())
                text = []
                cellColumn = column + 1
            case 10:
                guard !inQuotes else {
                    throw TableError(line: line, column: cellColumn, message: "a quote is not closed")
                }
                row.append(finished())
                if row.count > 1 || !row[0].text.isEmpty { rows.append(row) }
                row = []
                text = []
                line += 1
                column = 0
                cellColumn = 1
            case 13: break
            default: text.append(byte)
            }
            // Continuation bytes of UTF-8 do not begin a character.
            if byte & 0xC0 != 0x80 { column += 1 }
        }
        if rows.first?.first?.text.hasPrefix("\u{FEFF}") == true { rows[0][0].text.removeFirst() }
    }
}
