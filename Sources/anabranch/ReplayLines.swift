import Capture
import Control
import Dataplane
import JSONText
import Tracking
import Wire

/// What became of the frames of a capture, a line each, in the order of the capture.
///
/// A fragment that waits for the first of its packet holds back the lines behind it until its outcome is known: at most
/// for `ft_ttl` of the capture's time.
struct ReplayLines: ~Copyable {
    private let snapshot: Snapshot
    private var path: PacketPath
    private var lines: [JSONObject] = []
    /// The number of the first of `lines`, counted from 0.
    private var first = 0
    /// Which of `lines` have no outcome yet.
    private var isOpen: [Bool] = []
    private var now: Int64 = 0
    private var writer = JSONWriter(.compact, capacity: 1 << 17)

    init(_ director: Director, _ fragments: FragmentTracking) {
        snapshot = director.publisher.snapshot
        path = PacketPath(publisher: director.publisher, counters: director.ledger.workers[0], fragments: fragments)
    }

    /// Decides a frame.
    mutating func add(_ frame: CapturedFrame) {
        // A capture's clock may go back; the tables' must not.
        now = max(now, min(frame.timestamp, .max / 2))
        path.refresh(now: now)
        var object: JSONObject = ["number": JSONValue(frame.number)]
        guard frame.content == .ip else {
            for key in ["service", "pool", "shard", "backend", "mark", "fragment"] { object[key] = JSONValue(.null) }
            object["outcome"] = "not_ip"
            object["reason"] = JSONValue(Self.reason(frame.content))
            append(object, open: false)
            return
        }
        let decision = unsafe path.process(frame.bytes.span.bytes, wireLength: frame.wireLength)
        object["fragment"] = Self.fragment(frame)
        let parked = decision.verdict.action == .park
        if !parked { object = filled(object, decision) }
        append(object, open: parked)
        if parked {
            let id = UInt32(truncatingIfNeeded: first + lines.count - 1)
            let token = ParkingToken(place: 0, id: id, wireLength: frame.wireLength)
            _ = path.confirm(decision.verdict.mark, token: token)
        }
        takeUnparked()
    }

    /// The capture is at its end: the time of all that wait is over.
    mutating func finish() {
        // The longest ttl that a configuration can have, twice.
        now += 2 * 60_000_000_000 + 1
        path.refresh(now: now)
        takeUnparked()
    }

    /// Prints the lines that are complete.
    mutating func print(to console: Console, all: Bool = false) {
        var count = 0
        while count < lines.count, !isOpen[count] {
            writer.write(JSONValue(lines[count]))
            writer.newline()
            count += 1
        }
        lines.removeFirst(count)
        isOpen.removeFirst(count)
        first += count
        guard all || writer.bytes.count > 1 << 16 else { return }
        console.write(writer.text)
        writer.removeAll()
    }

    private mutating func append(_ object: JSONObject, open: Bool) {
        lines.append(object)
        isOpen.append(open)
    }

    private mutating func takeUnparked() {
        var unparked = InlineArray<16, UnparkedFragment>(repeating: UnparkedFragment())
        while true {
            var span = unparked.mutableSpan
            let count = path.takeUnparked(into: &span)
            if count == 0 { return }
            for index in 0..<count {
                let line = Int(span[index].token.id) - first
                guard lines.indices.contains(line) else { continue }
                lines[line] = filled(lines[line], span[index].decision)
                isOpen[line] = false
            }
        }
    }

    private func filled(_ line: JSONObject, _ decision: Decision) -> JSONObject {
        var object = line
        for member in DecisionText(decision, snapshot).members { object[member.key] = member.value }
        object["reason"] = JSONValue(decision.error?.name ?? decision.fault?.name)
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
}
