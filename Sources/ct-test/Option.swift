import Simulation
import Tracking

/// One option of the command line.
struct Option: Sendable {
    let name: String
    /// What its value is called in the help; nil for a flag.
    let value: String?
    let help: String
    /// Takes the value over; throws what it must be.
    let apply: @Sendable (inout Settings, String) throws(UsageError) -> Void

    init(
        _ name: String, _ value: String?, _ help: String,
        _ apply: @escaping @Sendable (inout Settings, String) throws(UsageError) -> Void
    ) {
        self.name = name
        self.value = value
        self.help = help
        self.apply = apply
    }

    static let all: [Option] = [
        Option("ft_size", "N", "main buckets of the hash table, any number (2000)") {
            settings, text throws(UsageError) in
            settings.simulation.limits.size = try integer(text, 1...(1 << 28))
        },
        Option("ft_buckets", "N", "extra buckets for collisions (as many as ft_size)") {
            settings, text throws(UsageError) in
            settings.simulation.limits.buckets = try integer(text, 0...(1 << 28))
            settings.bucketsGiven = true
        },
        Option("ft_ttl", "MS", "longest time between fragments of a packet, in milliseconds (200)") {
            settings, text throws(UsageError) in
            settings.simulation.limits.ttl = Int64(try integer(text, 1...3_600_000)) * 1_000_000
        },
        Option("rate", "N", "fragmented packets per second (10000)") { settings, text throws(UsageError) in
            settings.simulation.rate = try number(text, 0.001...1e9)
        },
        Option("duration", "S", "simulated seconds (60)") { settings, text throws(UsageError) in
            settings.simulation.duration = try number(text, 0.001...1e6)
        },
        Option("repeat", "N", "independent tables to simulate, one object each (1)") {
            settings, text throws(UsageError) in
            settings.runs = try integer(text, 1...1_000_000)
        },
        Option("parallel", "N", "how many of them at once (1)") { settings, text throws(UsageError) in
            settings.parallel = try integer(text, 1...64)
        },
        Option("threads", "N", "threads on one table (1)") { settings, text throws(UsageError) in
            settings.simulation.limits.workers = try integer(text, 1...64)
        },
        Option("keys", "KIND", "sequential: ids that count up, from few sources; or random (sequential)") {
            settings, text throws(UsageError) in
            guard text == "sequential" || text == "random" else { throw UsageError("sequential or random") }
            settings.simulation.randomKeys = text == "random"
        },
        Option("arrivals", "KIND", "constant: at equal distances; or poisson (constant)") {
            settings, text throws(UsageError) in
            guard let arrivals = VirtualClock.Arrivals(rawValue: text) else { throw UsageError("constant or poisson") }
            settings.simulation.arrivals = arrivals
        },
        Option("reorder", "PERCENT", "packets of three fragments, so many of them out of order (0)") {
            settings, text throws(UsageError) in
            settings.simulation.reorder = try number(text, 0...100)
        },
        Option("flood", "N", "hostile packets per second besides, against packets of three fragments (0)") {
            settings, text throws(UsageError) in
            settings.simulation.flood = try number(text, 0...1e9)
        },
        Option("flood_sources", "N", "hosts of the hostile packets, 0: a random one for each (10)") {
            settings, text throws(UsageError) in
            settings.simulation.floodSources = try integer(text, 0...65_536)
        },
        Option("seed", "N", "the same seed gives the same run (1)") { settings, text throws(UsageError) in
            guard let seed = UInt64(text) else { throw UsageError("a number from 0 to 2^64 - 1") }
            settings.simulation.seed = seed
        },
        Option("plan", nil, "find the smallest size for --rate, --ft_ttl and --loss") { settings, _ in
            settings.plan = true
        },
        Option("loss", "PERCENT", "goal of --plan (0.1)") { settings, text throws(UsageError) in
            settings.lossGoal = try number(text, 0...50)
        },
        Option("timing", nil, "also print the real time for one packet") { settings, _ in settings.timing = true },
        Option("help", nil, "print this") { settings, _ in settings.help = true },
    ]

    private static func integer(_ text: String, _ range: ClosedRange<Int>) throws(UsageError) -> Int {
        guard let value = Int(text), range.contains(value) else {
            throw UsageError("a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    private static func number(_ text: String, _ range: ClosedRange<Double>) throws(UsageError) -> Double {
        guard let value = Double(text), range.contains(value) else {
            throw UsageError("a number from \(Report.plain(range.lowerBound)) to \(Report.plain(range.upperBound))")
        }
        return value
    }

    /// The option whose name has the fewest letters to be changed, if few are.
    static func nearest(to text: String) -> String? {
        let best = all.map { option in (name: "--" + option.name, distance: distance("--" + option.name, text)) }
            .min { $0.distance < $1.distance }
        return best.flatMap { $0.distance <= 3 ? $0.name : nil }
    }

    /// Levenshtein's distance.
    private static func distance(_ a: String, _ b: String) -> Int {
        var row = Array(0...b.utf8.count)
        for (i, x) in a.utf8.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, y) in b.utf8.enumerated() {
                let changed = min(diagonal + (x == y ? 0 : 1), row[j] + 1, row[j + 1] + 1)
                diagonal = row[j + 1]
                row[j + 1] = changed
            }
        }
        return row[b.utf8.count]
    }
}
