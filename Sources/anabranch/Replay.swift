import Capture
import Configuration
import Control
import Dataplane
import JSONText
import NetfilterQueue
import Tracking
import Wire

/// `replay`: a capture through the packet path, one JSON line a packet, or many times over with a clock.
enum Replay {
    static let command = Command(
        words: ["replay"],
        options: [
            LocalCommands.configOption,
            Option(name: "--pcap", value: "FILE", help: "A capture (pcap or pcapng)", required: true),
            Option(name: "--time", value: "N", help: "Run the capture N times and print nanoseconds a packet"),
        ],
        summary: "Decide the packets of a capture, without a daemon",
        details: """
            Each packet gives one line of JSON with number, outcome, service, pool, shard, backend, mark, fragment and
            reason. Fragments are followed, and those that wait for the first of their packet are given their time, by
            the capture's clock. With --time the packets go through the very loop that serves a queue; only the kernel is left out.
            """
    ) { invocation throws(Failure) in
        let configuration = try LocalCommands.configuration(invocation)
        let file = invocation["--pcap"] ?? ""
        let director: Director
        let fragments: FragmentTracking
        do throws(DirectorError) {
            director = try Director(configuration, ledger: CounterLedger(workers: 1))
        } catch {
            throw .failed(error.description)
        }
        do throws(TrackingError) {
            fragments = try FragmentTracking(configuration.fragmentLimits(workers: 1))
        } catch {
            throw .failed("tracking: \(error)")
        }
        if let rounds = try invocation.number("--time", in: 1...1_000_000) {
            try time(frames(file), rounds, director, fragments, configuration, invocation)
        } else {
            try printLines(file, ReplayLines(director, fragments), invocation.console)
        }
    }

    private static func frames(_ file: String) throws(Failure) -> [CapturedFrame] {
        do throws(CaptureError) {
            return try CaptureReader.frames(ofFile: file)
        } catch {
            throw .failed(error.description)
        }
    }

    private static func printLines(
        _ file: String, _ consumed: consuming ReplayLines, _ console: Console
    ) throws(Failure) {
        var lines = consumed
        do throws(CaptureError) {
            var reader = try CaptureReader(path: file)
            while let frame = try reader.next() {
                lines.add(frame)
                lines.print(to: console)
            }
        } catch {
            lines.finish()
            lines.print(to: console, all: true)
            throw .failed(error.description)
        }
        lines.finish()
        lines.print(to: console, all: true)
    }

    private static func time(
        _ frames: [CapturedFrame], _ rounds: Int, _ director: Director, _ fragments: FragmentTracking,
        _ configuration: Configuration, _ invocation: Invocation
    ) throws(Failure) {
        let packets = frames.filter { $0.content == .ip }.map(\.bytes)
        guard !packets.isEmpty else { throw .failed("the capture holds no IP packet") }
        let settings = configuration.queueSettings(cores: [])[0]
        let queue = RecordedQueue(packets: packets, settings: settings)
        let counters = director.ledger.workers[0]
        // One round warms caches and predictors; it is not counted.
        _ = queue.run(rounds: 1, publisher: director.publisher, counters: counters, fragments: fragments)
        let result = queue.run(
            rounds: rounds, publisher: director.publisher, counters: counters, fragments: fragments)
        let each = Double(result.nanoseconds) / Double(result.packets)
        let json: JSONValue = [
            "packets": JSONValue(result.packets), "nanoseconds": JSONValue(result.nanoseconds),
            "nanoseconds_per_packet": JSONValue(each), "verdict_messages": JSONValue(result.verdictMessages),
        ]
        let text =
            "\(result.packets) packets, \(Units.nanoseconds(each)) a packet from received to encoded verdict, "
            + "\(Units.si(Double(result.verdictMessages))) verdict messages"
        invocation.console.write((invocation.has("--json") ? json.description : text) + "\n")
    }
}
