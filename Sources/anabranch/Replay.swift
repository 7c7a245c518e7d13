import Capture
import Configuration
import Control
import Dataplane
import JSONText
import NetfilterQueue
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
            reason. With --time the packets go through the very loop that serves a queue; only the kernel is left out.
            """
    ) { invocation throws(Failure) in
        let configuration = try LocalCommands.configuration(invocation)
        let file = invocation["--pcap"] ?? ""
        let director: Director
        do throws(DirectorError) {
            director = try Director(configuration, ledger: CounterLedger(workers: 1))
        } catch {
            throw .failed(error.description)
        }
        if let rounds = try invocation.number("--time", in: 1...1_000_000) {
            try time(frames(file), rounds, director, configuration, invocation)
        } else {
            try printLines(file, director, invocation.console)
        }
    }

    private static func frames(_ file: String) throws(Failure) -> [CapturedFrame] {
        do throws(CaptureError) {
            return try CaptureReader.frames(ofFile: file)
        } catch {
            throw .failed(error.description)
        }
    }

    private static func printLines(_ file: String, _ director: Director, _ console: Console) throws(Failure) {
        let snapshot = director.publisher.snapshot
        var writer = JSONWriter(.compact, capacity: 1 << 17)
        do throws(CaptureError) {
            var reader = try CaptureReader(path: file)
            while let frame = try reader.next() {
                writer.write(JSONValue(line(frame, snapshot)))
                writer.newline()
                if writer.bytes.count > 1 << 16 {
                    console.write(writer.text)
                    writer.removeAll()
                }
            }
        } catch {
            console.write(writer.text)
            throw .failed(error.description)
        }
        console.write(writer.text)
    }

    /// What became of one frame, in names.
    static func line(_ frame: CapturedFrame, _ snapshot: Snapshot) -> JSONObject {
        var object: JSONObject = ["number": JSONValue(frame.number)]
        guard frame.content == .ip else {
            for key in ["service", "pool", "shard", "backend", "mark", "fragment"] { object[key] = JSONValue(.null) }
            object["outcome"] = "not_ip"
            object["reason"] = JSONValue(reason(frame.content))
            return object
        }
        let decision = unsafe snapshot.decide(frame.bytes.span.bytes, wireLength: frame.wireLength)
        for member in DecisionText(decision, snapshot).members { object[member.key] = member.value }
        object["fragment"] = fragment(frame)
        object["reason"] = JSONValue(decision.error?.name)
        return object
    }

    private static func fragment(_ frame: CapturedFrame) -> JSONValue {
        let packet = unsafe try? Packet(parsing: frame.bytes.span.bytes, wireLength: frame.wireLength)
        guard let fragment = packet?.fragment else { return JSONValue(.null) }
        return [
            "id": JSONValue(fragment.identification), "offset": JSONValue(fragment.offset),
            "length": JSONValue(fragment.length), "more": JSONValue(fragment.more),
        ]
    }

    private static func reason(_ content: FrameContent) -> String {
        switch content {
        case .ip: "ip"
        case .otherProtocol(let type): "ethertype 0x" + String(type, radix: 16)
        case .llc: "llc"
        case .truncatedLinkHeader: "truncatedLinkHeader"
        }
    }

    private static func time(
        _ frames: [CapturedFrame], _ rounds: Int, _ director: Director, _ configuration: Configuration,
        _ invocation: Invocation
    ) throws(Failure) {
        let packets = frames.filter { $0.content == .ip }.map(\.bytes)
        guard !packets.isEmpty else { throw .failed("the capture holds no IP packet") }
        let settings = configuration.queueSettings(cores: [])[0]
        let queue = RecordedQueue(packets: packets, settings: settings)
        let counters = director.ledger.workers[0]
        // One round warms caches and predictors; it is not counted.
        _ = queue.run(rounds: 1, publisher: director.publisher, counters: counters)
        let result = queue.run(rounds: rounds, publisher: director.publisher, counters: counters)
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
