import JSONText
import Testing

@testable import anabranch

private let plain = Console(hasColours: false)
private let coloured = Console(hasColours: true)

private func value(_ text: String) throws -> JSONValue { try JSONValue(parsing: text, dialect: .json5) }

struct RenderingTests {
    @Test func columnsLineUpAndLinesEndWithoutSpaces() {
        var table = TextTable(["NAME", "N#", "NOTE", "LAST#"])
        table.add(["a", "1", "", "10"])
        table.add(["longer", "1000", "x", "9"])
        table.add(["b", "22", "", .init("")])
        #expect(
            table.text(plain) == """
                NAME       N  NOTE  LAST
                a          1          10
                longer  1000  x        9
                b         22

                """)
    }

    @Test func colourChangesNoWidth() {
        var table = TextTable(["STATE", "N#"])
        table.add([.init("up", .good), "1"])
        table.add([.init("down", .bad), "22"])
        let text = table.text(coloured)
        #expect(text.contains("\u{1B}[32mup\u{1B}[0m"))
        var stripped = text
        for code in ["\u{1B}[32m", "\u{1B}[31m", "\u{1B}[2m", "\u{1B}[0m"] {
            stripped = stripped.replacing(code, with: "")
        }
        #expect(stripped == table.text(plain))
    }

    @Test(arguments: [
        (0.0, "0"), (999, "999"), (999.6, "1.00k"), (1234, "1.23k"), (12_345, "12.3k"), (123_456, "123k"),
        (999_499, "999k"), (999_500, "1.00M"), (1.5e9, "1.50G"), (0.25, "0.25"), (-1234, "-1.23k"),
    ])
    func numbersHaveThreeFiguresAndAnSIPrefix(number: Double, text: String) {
        #expect(Units.si(number) == text)
    }

    @Test func unitsOfTimeAndSize() {
        #expect(Units.bytes(0) == "0 B")
        #expect(Units.bytes(1_500_000) == "1.50 MB")
        #expect(Units.nanoseconds(87.4) == "87.4 ns")
        #expect(Units.nanoseconds(1500) == "1.50 µs")
        #expect(Units.nanoseconds(12_000_000) == "12.0 ms")
        #expect(Units.duration(0) == "0 s")
        #expect(Units.duration(59) == "59 s")
        #expect(Units.duration(3600) == "1 h")
        #expect(Units.duration(93_784) == "1 d 2 h")
        #expect(Units.percent(0.3333) == "33.3 %")
        #expect(Units.percent(1) == "100.0 %")
    }

    @Test func tablesOfShares() throws {
        let data = try value(
            """
            { tables: [ { pool: "web", size: 4093, epoch: 2, digest: "00ff00ff00ff00ff", moved: 41, shares: [
              { backend: "a", slots: 2047, share: 0.5, wanted: 0.5 },
              { backend: "b", slots: 2046, share: 0.4999, wanted: 0.5 } ] },
              { pool: "dns", size: 251, epoch: 1, digest: null, moved: null, shares: [] } ] }
            """)
        #expect(
            ShowText.tables(data, plain) == """
                POOL  SIZE  EPOCH  DIGEST            MOVED  MOVED
                web   4093      2  00ff00ff00ff00ff     41  1.0 %
                dns    251      1  -                     -      -

                POOL  BACKEND  SLOTS   SHARE     DUE
                web   a         2047  50.0 %  50.0 %
                web   b         2046  50.0 %  50.0 %

                """)
    }

    @Test func tableOfQueues() throws {
        let data = try value(
            """
            { queues: [ { number: 0, cpu: 1, waiting: 3, dropped_full: 10, dropped_buffer: 2, overruns: 1,
              batches: 1000,
              mean_batch: 33.04, mean_decision_nanoseconds: 87.2, packets: 33040 },
              { number: 1, cpu: null, waiting: null, dropped_full: null, overruns: 0, batches: 0, mean_batch: null,
              mean_decision_nanoseconds: null, packets: 0 } ] }
            """)
        #expect(
            ShowText.queues(data, plain) == """
                QUEUE  CPU  WAITING  DROPPED  OVERRUNS  BATCHES  MEAN BATCH  MEAN DECISION  PACKETS
                    0    1        3       12         1    1.00k        33.0        87.2 ns    33.0k
                    1    -        -        -         0        0           -              -        0

                """)
    }

    @Test func backendsShowWhyTheyTakeNothing() throws {
        let data = try value(
            """
            { backends: [
              { pool: "web", name: "a", condition: "up", overridden: false, weight: 100, slots: 2047, flows: 9, mark: 101,
                addresses: ["10.1.0.1", "fd01::1"], health: "up", packets: 1200, bytes: 96000 },
              { pool: "web", name: "b", condition: "down", overridden: true, weight: 50, slots: 0, mark: 4294967295,
                addresses: [], health: "down", health_detail: "Connection refused", packets: 0, bytes: 0 } ] }
            """)
        #expect(
            ShowText.backends(data, plain) == """
                POOL  BACKEND  STATE  CHECK               WEIGHT  SLOTS  FLOWS        MARK  ADDRESS           PACKETS    BYTES
                web   a        up     up                     100   2047      9         101  10.1.0.1,fd01::1    1.20k  96.0 kB
                web   b        down*  Connection refused      50      0      -  4294967295  -                       0      0 B
                * changed at run time; the file's value returns when its entry changes or at a restart

                """)
    }

    @Test func theSumOfOutcomesStandsBesideThePacketsReceived() throws {
        let data = try value(
            "{ packets_received: 7, outcomes: { forwarded: 4, no_service: 3 }, malformed: {}, events: {} }")
        let lines = ShowText.counters(data, plain).split(separator: "\n")
        #expect(lines.contains("sum of outcomes         7"))
        #expect(lines.contains("packets received        7"))
    }

    @Test func showJobsTellsHowOftenChunksWereAskedForAgain() throws {
        let text = ShowText.jobs(try value("{retries_per_chunk: [90, 5, 0, 1, 0, 0, 0, 0, 2]}"), plain)
        let rows = text.split(separator: "\n").map { $0.split(separator: " ").joined(separator: " ") }
        for row in ["ASKED FOR AGAIN CHUNKS", "never 90", "once 5", "3 times 1", "8 times or more 2"] {
            #expect(rows.contains(row))
        }
        #expect(!rows.contains { $0.hasPrefix("2 times") })
        let nothing = ShowText.jobs(try value("{retries_per_chunk: [0, 0]}"), plain)
        #expect(!nothing.contains("ASKED FOR AGAIN"))
    }
}
