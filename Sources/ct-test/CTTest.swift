import Glibc
import Simulation
import Synchronization
import Tracking

/// The fragment-table simulator: `ct-test --help`.
@main
struct CTTest {
    static func main() {
        exit(run(Array(CommandLine.arguments.dropFirst())))
    }

    /// Does what the arguments say. Gives the exit code: 0 good, 1 failed, 2 usage.
    static func run(_ arguments: [String]) -> Int32 {
        let settings: Settings
        do throws(UsageError) {
            settings = try Settings(arguments: arguments)
        } catch {
            complain(error.description)
            return 2
        }
        if settings.help {
            print(help, terminator: "")
            return 0
        }
        do throws(TrackingError) {
            if settings.plan { try plan(settings) } else { try simulate(settings) }
            return 0
        } catch {
            complain(error.description)
            return 1
        }
    }

    private static func plan(_ settings: Settings) throws(TrackingError) {
        var question = FragmentPlan.Question()
        question.rate = settings.simulation.rate
        question.ttl = settings.simulation.limits.ttl
        question.percentLoss = settings.lossGoal
        question.arrivals = settings.simulation.arrivals
        question.parked = settings.simulation.limits.parked
        question.workers = settings.simulation.limits.workers
        question.seed = settings.simulation.seed
        let progress = Progress(runs: 1)
        let answer = try FragmentPlan(question).find { progress.report(0, $0) }
        progress.finish()
        print(Report.text(answer, settings), terminator: "")
    }

    /// Runs all tables, `parallel` at once; prints them in their order.
    private static func simulate(_ settings: Settings) throws(TrackingError) {
        let progress = Progress(runs: settings.runs)
        let outcomes = Outcomes(settings.runs)
        onThreads(min(settings.parallel, settings.runs)) { _ in
            while let number = outcomes.begin() {
                var options = settings.simulation
                options.seed = options.seed &+ UInt64(number)
                do throws(TrackingError) {
                    let result = try FragmentSimulation(options).run { progress.report(number, $0) }
                    outcomes.end(number, Report.text(result, settings))
                } catch {
                    outcomes.fail(error)
                }
            }
        }
        progress.finish()
        if let error = outcomes.error { throw error }
    }

    private static func complain(_ text: String) {
        var line = "ct-test: \(text)\n"
        line.withUTF8 { bytes in _ = unsafe write(STDERR_FILENO, bytes.baseAddress, bytes.count) }
    }

    private static var help: String {
        let lines = Option.all.map { option in
            let left = "  --\(option.name)" + (option.value.map { "=\($0)" } ?? "")
            return left + String(repeating: " ", count: 24 - left.count) + option.help + "\n"
        }
        return """
            Simulates the fragment table under a virtual clock and prints its statistics, one JSON object per run.

            ct-test --repeat=1 --duration=300 --rate=10000 --ft_ttl=200 --ft_size=2000 --ft_buckets=2000
            ct-test --plan --rate=10000 --ft_ttl=200 --loss=0.1

            \(lines.joined())
            Exit status: 0 good, 1 failed, 2 usage.

            """
    }
}

/// Hands out run numbers, and prints results in the order of the numbers.
private final class Outcomes: Sendable {
    private struct State {
        var begun = 0
        var printed = 0
        var waiting: [Int: String] = [:]
        var error: TrackingError?
    }

    private let count: Int
    private let state = Mutex(State())

    init(_ count: Int) { self.count = count }

    func begin() -> Int? {
        state.withLock { state in
            guard state.begun < count, state.error == nil else { return nil }
            state.begun += 1
            return state.begun - 1
        }
    }

    func end(_ number: Int, _ text: String) {
        state.withLock { state in
            state.waiting[number] = text
            while let next = state.waiting.removeValue(forKey: state.printed) {
                print(next, terminator: "")
                state.printed += 1
            }
        }
    }

    func fail(_ error: TrackingError) { state.withLock { $0.error = error } }

    var error: TrackingError? { state.withLock { $0.error } }
}
