import Simulation
import Tracking

/// What the command line asks for.
struct Settings: Equatable {
    var simulation = FragmentSimulation.Options()
    /// Independent tables to simulate, and how many of them at once.
    var runs = 1
    var parallel = 1
    /// Print the real time for one packet.
    var timing = false
    /// Find a size instead of trying one.
    var plan = false
    /// The plan's goal in percent.
    var lossGoal = 0.1
    var help = false
    /// ft_buckets follows ft_size unless it is given.
    var bucketsGiven = false
}

/// A command line that makes no sense; says what to do.
struct UsageError: Error, Equatable, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

extension Settings {
    /// Reads `--option=value`, `--option value` and `--flag`.
    init(arguments: [String]) throws(UsageError) {
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            guard argument.hasPrefix("-") else {
                throw UsageError("\"\(argument)\" is not an option; options look like --rate=10000 (see --help)")
            }
            let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = parts[0] == "-h" ? "--help" : String(parts[0])
            guard let option = Option.all.first(where: { "--" + $0.name == name }) else {
                let near = Option.nearest(to: name)
                throw UsageError("\(name) is unknown\(near.map { "; did you mean \($0)?" } ?? "") (see --help)")
            }
            guard option.value != nil else {
                guard parts.count == 1 else { throw UsageError("\(name) takes no value; leave out \"=\(parts[1])\"") }
                try option.apply(&self, "")
                continue
            }
            guard let value = parts.count == 2 ? String(parts[1]) : rest.popFirst(), !value.isEmpty else {
                throw UsageError("\(name) needs a value: \(name)=\(option.value ?? "")")
            }
            do throws(UsageError) {
                try option.apply(&self, value)
            } catch {
                throw UsageError("\(name) is \"\(value)\"; it must be \(error.description)")
            }
        }
        if help { return }
        if !bucketsGiven { simulation.limits.buckets = simulation.limits.size }
        try check()
    }

    /// What only shows when all options are known.
    private func check() throws(UsageError) {
        if simulation.duration > VirtualClock.limit {
            throw UsageError("--duration is longer than \(Int(VirtualClock.limit)) seconds; choose a shorter one")
        }
        if simulation.rate * simulation.duration > 1e12 {
            throw UsageError("--rate times --duration is more than 10^12 packets; choose a shorter --duration")
        }
        if simulation.hasWholePackets && simulation.limits.workers > 1 {
            throw UsageError("--reorder and --flood run on one thread; leave out --threads, or use --parallel")
        }
        if plan && simulation.hasWholePackets {
            throw UsageError("--plan looks at the plain run; leave out --reorder and --flood")
        }
        if plan && simulation.rate * Double(simulation.limits.ttl) * 1e-9 > 5e7 {
            throw UsageError("--plan is for at most 50,000,000 packets alive; lower --rate or --ft_ttl")
        }
    }
}
