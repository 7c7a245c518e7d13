import Forecasting

/// Reads scheduled events: a header with start, end, name and perhaps factor, then one event a row.
enum EventReader {
    static func read(_ bytes: [UInt8]) throws(TableError) -> [ScheduledEvent] {
        let table = try Table(bytes)
        guard let header = table.rows.first else { return [] }
        let names = header.map { $0.text.lowercased() }
        guard let start = names.firstIndex(of: "start"), let end = names.firstIndex(of: "end"),
            let name = names.firstIndex(of: "name")
        else { throw header[0].fail("a header with start, end and name is wanted") }
        let factor = names.firstIndex(of: "factor")
        var events: [ScheduledEvent] = []
        for row in table.rows.dropFirst() {
            guard row.count == header.count else {
                throw row[row.count - 1].fail("\(row.count) cells where the header has \(header.count)")
            }
            var event = ScheduledEvent(start: try row[start].time(), end: try row[end].time(), name: row[name].text)
            guard event.end >= event.start else { throw row[end].fail("the event ends before it starts") }
            if let factor {
                let value = try row[factor].number()
                guard !(value < 0) else { throw row[factor].fail("a factor below zero") }
                event.factor = value.isNaN ? nil : value
            }
            events.append(event)
        }
        return events
    }
}
