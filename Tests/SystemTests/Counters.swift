import Foundation
import Testing

/// What a daemon has counted, as `show counters` and `show fragments` tell it.
struct Counters {
    var received: Int
    var parked: Int
    var outcomes: [String: Int]
    var rejectedFragments: [String: Int]
    /// The statistics of the fragment table.
    var table: [String: Int]

    /// Everything with its name, for messages.
    var text: String {
        "received \(received), parked \(parked), \(Self.list(outcomes)), rejected fragments: "
            + "\(Self.list(rejectedFragments)), table: \(Self.list(table))"
    }

    private static func list(_ counts: [String: Int]) -> String {
        counts.filter { $0.value != 0 }.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
            .joined(separator: " ")
    }

    /// Each packet that a queue gave has its outcome, or waits for one.
    func expectBalance(_ location: SourceLocation = #_sourceLocation) {
        #expect(received == outcomes.values.reduce(0, +) + parked, "\(text)", sourceLocation: location)
    }

    /// No packet is followed and none waits: all that was taken from the pools is back, or in a chain.
    func expectNothingKept(_ location: SourceLocation = #_sourceLocation) {
        #expect(table["active"] == 0 && table["parked"] == 0 && parked == 0, "\(text)", sourceLocation: location)
        #expect(table["unaccounted"] == 0, "\(text)", sourceLocation: location)
    }
}

extension Lab {
    /// The counters of a load balancer.
    func counters(of node: String = "lb") throws -> Counters {
        let shown = try operate("show", "counters", "--json", of: node).json
        let table = try operate("show", "fragments", "--json", of: node).json
        return Counters(
            received: Self.number(shown["packets_received"]), parked: Self.number(shown["parked"]),
            outcomes: Self.numbers(shown["outcomes"]), rejectedFragments: Self.numbers(shown["rejected_fragments"]),
            table: Self.numbers(table))
    }

    /// A part of `show … --json` by path.
    func shown(_ what: String, _ path: String..., of node: String = "lb") throws -> Any? {
        var value: Any? = try operate("show", what, "--json", of: node).json
        for name in path { value = (value as? [String: Any])?[name] }
        return value
    }

    /// A counter of the kernel's IP layer in a node, such as `IcmpOutTimeExcds`.
    func kernelCount(_ name: String, in node: String) throws -> Int {
        let all = try run(node, "nstat", "--zeros", "--ignore", "--noupdate", "--json").json["kernel"]
        return Self.number((all as? [String: Any])?[name])
    }

    private static func numbers(_ value: Any?) -> [String: Int] {
        (value as? [String: Any] ?? [:]).compactMapValues { ($0 as? NSNumber)?.intValue }
    }

    private static func number(_ value: Any?) -> Int { (value as? NSNumber)?.intValue ?? -1 }
}
