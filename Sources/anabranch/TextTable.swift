/// A table whose columns line up: words to the left, numbers to the right.
struct TextTable {
    /// One column's heading and side.
    struct Column {
        let title: String
        var isNumber = false
    }

    /// A cell: what it says, and in which colour.
    struct Cell: ExpressibleByStringLiteral, ExpressibleByStringInterpolation {
        let text: String
        var colour: Console.Colour?

        init(_ text: String, _ colour: Console.Colour? = nil) {
            self.text = text
            self.colour = colour
        }

        init(stringLiteral value: String) { self.init(value) }
    }

    let columns: [Column]
    private(set) var rows: [[Cell]] = []

    /// Titles; those that end in "#" head columns of numbers.
    init(_ titles: [String]) {
        columns = titles.map { title in
            title.hasSuffix("#")
                ? Column(title: String(title.dropLast()), isNumber: true) : Column(title: title)
        }
    }

    mutating func add(_ cells: [Cell]) {
        precondition(cells.count == columns.count)
        rows.append(cells)
    }

    /// The table, two spaces between columns, no space at a line's end.
    func text(_ console: Console) -> String {
        let widths = columns.indices.map { index in
            max(columns[index].title.count, rows.map { $0[index].text.count }.max() ?? 0)
        }
        var result = line(columns.map { Cell($0.title, .faint) }, widths, console)
        for row in rows { result += line(row, widths, console) }
        return result
    }

    private func line(_ cells: [Cell], _ widths: [Int], _ console: Console) -> String {
        var text = ""
        // Spaces are written only before the next text, so that no line ends with them.
        var gap = 0
        for (index, cell) in cells.enumerated() {
            let space = widths[index] - cell.text.count
            if index > 0 { gap += 2 }
            if columns[index].isNumber { gap += space }
            if !cell.text.isEmpty {
                text += String(repeating: " ", count: gap) + console.paint(cell.text, cell.colour)
                gap = 0
            }
            if !columns[index].isNumber { gap += space }
        }
        return text + "\n"
    }
}
