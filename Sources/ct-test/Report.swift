import Simulation
import Tracking

/// Writes JSON objects in the layout of the peer's simulator: one key a line, values in one column.
enum Report {
    /// The column of the values.
    private static let column = 17

    /// The result of one run.
    static func text(_ result: FragmentSimulation.Result, _ settings: Settings) -> String {
        let sum = result.statistics
        var lines = [
            ("ttlMillis", "\(sum.ttlMillis)"),
            ("size", "\(sum.size)"),
            ("active", "\(sum.active)"),
            ("collisions", "\(sum.collisions)"),
            ("inserts", "\(sum.inserts)"),
            ("rejected", "\(sum.rejected)"),
            ("lookups", "\(sum.lookups)"),
            ("objGC", "\(sum.objGC)"),
            ("bucketsMax", "\(sum.bucketsMax)"),
            ("bucketsPeak", "\(sum.bucketsPeak)"),
            ("bucketsStale", "\(sum.bucketsStale)"),
            ("percentLoss", percent(sum.percentLoss)),
            ("stored", "\(sum.stored)"),
            ("released", "\(sum.released)"),
            ("discarded", "\(sum.discarded)"),
            ("reassembled", "\(sum.reassembled)"),
            ("poisoned", "\(sum.poisoned)"),
            ("evicted", "\(sum.evicted)"),
        ]
        if settings.simulation.hasWholePackets {
            lines.append(("honestPackets", "\(result.honestSent)"))
            lines.append(("honestLost", "\(result.honestSent - result.honestWhole)"))
            lines.append(("honestPercent", percent(result.honestPercentLoss)))
        }
        if settings.timing {
            lines.append(("memoryBytes", "\(settings.simulation.limits.memory)"))
            lines.append(("nsPerInsert", fixed(result.nanosecondsPerInsert, 1)))
            lines.append(("cpuPerInsert", fixed(result.processorNanosecondsPerInsert, 1)))
            lines.append(("insertsPerSec", "\(Int(1e9 / max(0.001, result.nanosecondsPerInsert)))"))
        }
        return object(lines)
    }

    /// The answer of a plan.
    static func text(_ answer: FragmentPlan.Answer, _ settings: Settings) -> String {
        object([
            ("rate", plain(settings.simulation.rate)),
            ("ttlMillis", "\(settings.simulation.limits.ttl / 1_000_000)"),
            ("size", "\(answer.size)"),
            ("buckets", "\(answer.buckets)"),
            ("places", "\(answer.size + answer.buckets)"),
            ("percentLoss", percent(answer.percentLoss)),
            ("memoryBytes", "\(answer.memory)"),
        ])
    }

    private static func object(_ lines: [(key: String, value: String)]) -> String {
        let body = lines.map { key, value in
            let head = "\"\(key)\":"
            return "  " + head + String(repeating: " ", count: max(1, column - head.count)) + value
        }
        return "{\n" + body.joined(separator: ",\n") + "\n}\n"
    }

    /// One decimal; but what is not zero does not look like it.
    static func percent(_ value: Double) -> String {
        if value > 0, value < 0.05 { return fixed(max(value, 0.000_001), 6) }
        return fixed(value, 1)
    }

    /// A number without the decimals it does not need.
    static func plain(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e15 ? "\(Int(value))" : "\(value)"
    }

    static func fixed(_ value: Double, _ decimals: Int) -> String {
        var scale = 1
        for _ in 0..<decimals { scale *= 10 }
        let scaled = Int((value * Double(scale)).rounded())
        let fraction = "\(scaled % scale)"
        return "\(scaled / scale)." + String(repeating: "0", count: decimals - fraction.count) + fraction
    }
}
