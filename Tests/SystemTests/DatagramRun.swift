import Foundation
import Testing

/// Datagrams in fragments that a client sent, and what became of them at the backends.
struct DatagramRun {
    /// Datagrams, those among them that went out whole, and fragments that went out.
    var sent: Int
    var whole: Int
    var fragments: Int
    /// By backend, what its receiver saw.
    var arrived: [String: Finished]

    /// Packets that went out.
    var packets: Int { whole + fragments }
    /// Different datagrams that arrived anywhere.
    var distinct: Int { total("distinct") }
    var lost: Int { sent - distinct }

    func total(_ key: String) -> Int { arrived.values.reduce(0) { $0 + $1.number(key) } }

    /// By flow, how many datagrams each backend got.
    private var flows: [String: [String: (whole: Int, fragmented: Int)]] {
        var flows: [String: [String: (whole: Int, fragmented: Int)]] = [:]
        for (backend, finished) in arrived {
            for (flow, counts) in finished.json["flows"] as? [String: [String: Int]] ?? [:] {
                flows[flow, default: [:]][backend] = (counts["whole"] ?? 0, counts["fragmented"] ?? 0)
            }
        }
        return flows
    }

    /// Flows that more than one backend got something of.
    var torn: [String] { flows.filter { $0.value.count > 1 }.map { "\($0.key): \($0.value)" }.sorted() }

    /// What went wrong, in words; empty when every datagram arrived once, byte for byte, at the backend that the whole
    /// packets of its flow went to.
    var faults: String {
        var faults: [String] = []
        if lost != 0 { faults.append("\(lost) of \(sent) datagrams lost") }
        for key in ["corrupt", "duplicated", "foreign", "overrun"] where total(key) != 0 {
            faults.append("\(total(key)) \(key)")
        }
        if !torn.isEmpty { faults.append("\(torn.count) flows at more than one backend, such as \(torn[0])") }
        let compared = flows.values.filter { $0.values.contains { $0.whole > 0 && $0.fragmented > 0 } }
        if compared.count != flows.count { faults.append("\(flows.count - compared.count) flows without comparison") }
        if arrived.values.contains(where: { $0.number("received") <= 0 }) { faults.append("a backend got nothing") }
        return faults.joined(separator: "; ")
    }
}

/// How to send datagrams in fragments.
struct DatagramPlan {
    var to: String
    var size = 8_000
    var order = "random"
    var datagrams = 300
    /// Datagrams a second.
    var rate = 1_000
    /// A number for a network of its own: what a run leaves half-done at a receiver must not meet the next.
    var network: Int

    var isIPv6: Bool { to.contains(":") }
    var source: String { isIPv6 ? "fd78:\(network)::" : "10.78.\(network).0" }
    var arguments: [String] {
        [
            "fragments", "--to", to, "--source", source, "--size", "\(size)", "--order", order, "--datagrams",
            "\(datagrams)", "--rate", "\(rate)", "--seed", "\(network)",
        ]
    }
    var text: String { "\(datagrams) datagrams of \(size) bytes to \(to), \(order)" }
}

/// A run that goes on beside the test.
final class DatagramTraffic {
    private let receivers: [String: Running]
    private let senders: [Running]

    /// Starts the receivers, then the senders, whose flows are told apart by the receivers.
    init(_ lab: Lab, _ plans: [DatagramPlan]) throws {
        var receivers: [String: Running] = [:]
        for backend in Lab.backends { receivers[backend] = try lab.traffic(backend, "datagrams") }
        self.receivers = receivers
        for (backend, receiver) in receivers where !receiver.wait(for: "ready") {
            throw LabError(what: "the receiver in \(backend): \(receiver.error)")
        }
        senders = try plans.enumerated().map { index, plan in
            try lab.traffic("client", plan.arguments + ["--first-flow", "\(1000 * index)"])
        }
    }

    /// Whether a sender still sends.
    var isRunning: Bool { senders.contains { $0.isRunning } }

    /// Waits for the senders, then for what is under way.
    func finish() throws -> DatagramRun {
        let sent = senders.map { $0.finish() }
        for sender in sent where sender.status != 0 { throw LabError(what: "sender: \(sender.error)") }
        usleep(500_000)
        for receiver in receivers.values { receiver.kill(SIGTERM) }
        let arrived = receivers.mapValues { $0.finish() }
        return DatagramRun(
            sent: sent.reduce(0) { $0 + $1.number("sent") }, whole: sent.reduce(0) { $0 + $1.number("whole") },
            fragments: sent.reduce(0) { $0 + $1.number("fragments") }, arrived: arrived)
    }
}

extension Lab {
    /// Sends datagrams in fragments and waits until they have arrived or are lost.
    func send(_ plan: DatagramPlan) throws -> DatagramRun { try DatagramTraffic(self, [plan]).finish() }

    /// Sends datagrams in fragments: every one must arrive once, byte for byte, where the whole packets of its flow go.
    ///
    /// - Parameter balancers: Whose counters a failure shows.
    @discardableResult
    func expectArrival(
        _ plan: DatagramPlan, through balancers: [String] = ["lb"], _ remark: String = "",
        _ location: SourceLocation = #_sourceLocation
    ) throws -> DatagramRun {
        let run = try send(plan)
        let counted = try balancers.map { "\($0): \(try counters(of: $0).text)" }.joined(separator: "; ")
        #expect(run.faults == "", "\(remark)\(plan.text): \(counted)", sourceLocation: location)
        return run
    }
}
