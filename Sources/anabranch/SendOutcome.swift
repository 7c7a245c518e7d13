import JSONText
import Wire

/// What came of all requests of one `send`.
struct SendOutcome {
    /// The first answer.
    private(set) var first: [UInt8]?
    /// Nanoseconds, one for each answer.
    private var times: [Int] = []
    /// Datagrams of the first answer.
    private var datagrams = 0
    /// Answers that are not what the first one was.
    private var different = 0

    mutating func add(_ answer: DatagramExchange.Answer) {
        times.append(answer.nanoseconds)
        if let first {
            if answer.bytes != first { different += 1 }
        } else {
            first = answer.bytes
            datagrams = answer.datagrams
        }
    }

    /// The line for people.
    func text(_ request: SendRequest) -> String {
        let sorted = times.sorted()
        let asked = "\(request.payload.count) bytes to \(request.to)"
        guard let first, let last = sorted.last else { return "\(asked): no answer" }
        let answer = "\(first.count) bytes back\(datagrams > 1 ? " in \(datagrams) datagrams" : "")"
        if request.count == 1 { return "\(asked), \(answer) after \(Units.nanoseconds(Double(last)))" }
        return "\(asked), \(answer); \(sorted.count) of \(request.count) answered, "
            + "p50 \(Units.nanoseconds(Double(sorted[sorted.count / 2]))), longest \(Units.nanoseconds(Double(last)))"
            + (different > 0 ? "; \(different) differ from the first" : "")
    }

    /// The same for programs. Times are in seconds, null where there is no answer.
    func json(_ request: SendRequest) -> JSONValue {
        let sorted = times.sorted()
        func seconds(_ nanoseconds: Int?) -> JSONValue {
            nanoseconds.map { JSONValue(Double($0) / 1e9) } ?? JSONValue(.null)
        }
        return [
            "to": JSONValue(request.to.description), "dscp": JSONValue(request.dscp),
            "sent_bytes": JSONValue(request.payload.count), "requests": JSONValue(request.count),
            "answered": JSONValue(times.count), "answer_bytes": first.map { JSONValue($0.count) } ?? JSONValue(.null),
            "datagrams": JSONValue(datagrams), "different": JSONValue(different),
            "shortest_seconds": seconds(sorted.first),
            "p50_seconds": seconds(sorted.isEmpty ? nil : sorted[sorted.count / 2]),
            "longest_seconds": seconds(sorted.last),
        ]
    }
}
