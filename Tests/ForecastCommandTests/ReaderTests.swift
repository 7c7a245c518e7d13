import Forecasting
import Testing

@testable import ForecastCommand

@Suite struct ReaderTests {
    private func read(_ text: String) throws -> [Series] { try SeriesReader.read(Array(text.utf8)) }

    @Test func aWideFileIsRecognised() throws {
        let series = try read("timestamp,a,b\n100,1,10\n130,2,20\n160,3,30\n")
        #expect(series.map(\.name) == ["a", "b"])
        #expect(series[1].values == [10, 20, 30])
        #expect(series[0].start == 100 && series[0].interval == 30)
    }

    @Test func aLongFileIsRecognised() throws {
        let series = try read("series,timestamp,value\na,0,1\nb,0,5\na,60,2\nb,60,6\n")
        #expect(series.map(\.values) == [[1, 2], [5, 6]])
    }

    @Test func aFileWithASeriesALineIsRecognised() throws {
        let series = try read("H1,605,586,559\n\"H2\",1,2,,\n")
        #expect(series.map(\.name) == ["H1", "H2"])
        #expect(series.map(\.values) == [[605, 586, 559], [1, 2]])
        #expect(series[0].interval == nil)
        #expect(try read("load\n1\n2\n3\n")[0].values == [1, 2, 3])
    }

    @Test func timesMayBeDates() throws {
        let series = try read("time,v\n1998-06-26 11:25:00,1\n1998-06-26T11:26,2\n1998-06-26T11:27:00Z,3\r\n")
        #expect(series[0].start == 898_860_300 && series[0].interval == 60)
        #expect(Calendar.parts(898_860_300) == (1998, 6, 26, 11, 25))
        #expect(Calendar.seconds("1998-13-01") == nil && Calendar.seconds("yesterday") == nil)
    }

    @Test func missingRowsAndCellsAreGaps() throws {
        let values = try read("timestamp,v\n0,1\n10,\n20,3\n50,6\n60,7\n")[0].values
        #expect(values.count == 7)
        #expect(values.indices.filter { values[$0].isNaN } == [1, 3, 4])
    }

    @Test(arguments: [
        ("timestamp,a,b\n0,1,2\n30,x1,4\n", 3, 4, "'x1' is not a number"),
        ("timestamp,a\nsoon,1\n", 2, 1, "'soon' is not a time: seconds since the epoch or YYYY-MM-DD HH:MM:SS wanted"),
        ("timestamp,a,b\n0,1,2\n30,1\n", 3, 4, "2 cells where the header has 3"),
        ("timestamp,a\n0,1\n0,2\n", 3, 1, "a time that is not after the one before it"),
        ("série1,5,é,7\n", 1, 10, "'é' is not a number"),
        ("timestamp,a\n0,\"1\n", 2, 3, "a quote is not closed"),
        ("timestamp,a\n0,inf\n", 2, 3, "'inf' is not a number"),
        ("", 1, 1, "the file is empty"),
    ])
    func aBadCellIsNamedByLineAndColumn(text: String, line: Int, column: Int, message: String) {
        #expect(throws: TableError(line: line, column: column, message: message)) { try read(text) }
    }

    @Test func eventsAreReadWithTheirFactors() throws {
        let events = try EventReader.read(Array("start,end,name,factor\n60,120,\"a, b\",2.5\n300,400,c,\n".utf8))
        #expect(events.map(\.name) == ["a, b", "c"])
        #expect(events.map(\.factor) == [2.5, nil])
        #expect(throws: TableError(line: 2, column: 3, message: "the event ends before it starts")) {
            try EventReader.read(Array("start,end,name\n9,5,x\n".utf8))
        }
    }
}
