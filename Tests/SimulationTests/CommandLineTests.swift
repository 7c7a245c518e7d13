import Simulation
import Testing
import Tracking

@testable import ct_test

@Suite struct CommandLineTests {
    @Test func theDocumentedCommandIsAccepted() throws {
        let line = "--repeat=1 --duration=300 --rate=10000 --ft_ttl=200 --ft_size=2000 --ft_buckets=1500"
        let settings = try Settings(arguments: line.split(separator: " ").map(String.init))
        #expect(settings.simulation.limits.size == 2000)
        #expect(settings.simulation.limits.buckets == 1500)
        #expect(settings.simulation.limits.ttl == 200_000_000)
        #expect(settings.simulation.rate == 10_000)
        #expect(settings.simulation.duration == 300)
        // A space instead of "=" is the same.
        let spaced = line.split { $0 == " " || $0 == "=" }.map(String.init)
        #expect(try Settings(arguments: spaced) == settings)
        #expect(try Settings(arguments: ["--ft_size=77"]).simulation.limits.buckets == 77)
    }

    @Test(arguments: [
        (["--rate=abc"], "--rate is \"abc\"; it must be a number from 0.001 to 1000000000"),
        (["--rate", "-5"], "--rate is \"-5\"; it must be a number from 0.001 to 1000000000"),
        (["--ft_size=0"], "--ft_size is \"0\"; it must be a whole number from 1 to 268435456"),
        (["--ft_sise=5"], "--ft_sise is unknown; did you mean --ft_size? (see --help)"),
        (["--colour"], "--colour is unknown (see --help)"),
        (["--rate"], "--rate needs a value: --rate=N"),
        (["--rate="], "--rate needs a value: --rate=N"),
        (["--plan=1"], "--plan takes no value; leave out \"=1\""),
        (["fast"], "\"fast\" is not an option; options look like --rate=10000 (see --help)"),
        (["--keys=odd"], "--keys is \"odd\"; it must be sequential or random"),
        (
            ["--threads=2", "--flood=5"],
            "--reorder and --flood run on one thread; leave out --threads, or use --parallel"
        ),
        (["--duration=900000"], "--duration is longer than 280000 seconds; choose a shorter one"),
        (
            ["--rate=1e9", "--duration=10000"],
            "--rate times --duration is more than 10^12 packets; choose a shorter --duration"
        ),
    ])
    func aWrongCommandLineSaysWhatToDo(arguments: [String], message: String) {
        #expect(throws: UsageError(message)) { try Settings(arguments: arguments) }
        #expect(CTTest.run(arguments) == 2)
    }

    @Test func theReportHasThePeersKeysAndLayout() throws {
        var settings = try Settings(arguments: ["--ft_size=200", "--rate=1000", "--duration=2"])
        let result = try FragmentSimulation(settings.simulation).run()
        let lines = Report.text(result, settings).split(separator: "\n").map(String.init)
        #expect(lines[0] == "{")
        #expect(lines[1] == "  \"ttlMillis\":     200,")
        #expect(lines[2] == "  \"size\":          200,")
        #expect(lines[5] == "  \"inserts\":       2000,")
        #expect(lines[12] == "  \"percentLoss\":   0.0,")
        #expect(lines.last == "}")
        let keys = lines.dropFirst().dropLast().map { $0.split(separator: "\"")[1] }
        #expect(
            keys == [
                "ttlMillis", "size", "active", "collisions", "inserts", "rejected", "lookups", "objGC", "bucketsMax",
                "bucketsPeak", "bucketsStale", "percentLoss", "stored", "released", "discarded", "reassembled",
                "poisoned", "evicted",
            ])
        settings.timing = true
        #expect(Report.text(result, settings).contains("\"nsPerInsert\":"))
    }

    @Test func aSmallLossDoesNotLookLikeNone() {
        #expect(Report.percent(0) == "0.0")
        #expect(Report.percent(0.9) == "0.9")
        #expect(Report.percent(13.94) == "13.9")
        #expect(Report.percent(0.0123) == "0.012300")
        #expect(Report.percent(1e-9) == "0.000001")
        #expect(Report.fixed(1.05, 1) == "1.1" || Report.fixed(1.05, 1) == "1.0")
    }
}
