import Dataplane
import JSONText
import NetfilterQueue
import Tracking
import Wire

extension ControlPlane {
    var showQueues: JSONValue {
        let kernel = KernelQueue.all()
        let rows = zip(queues, director.ledger.workers).map { settings, counters -> JSONValue in
            let row = kernel?.first { $0.number == settings.number }
            let packets = counters.packets
            let batches = counters.count(.batches)
            let nanoseconds = counters.count(.decisionNanoseconds)
            var object: JSONObject = [
                "number": JSONValue(settings.number), "cpu": JSONValue(settings.cpu),
                "parking": JSONValue(settings.parking),
                "parked": JSONValue(kernel?.first { $0.number == settings.parking }?.waiting),
                "length": JSONValue(settings.length), "waiting": JSONValue(row?.waiting),
                "dropped_full": JSONValue(row?.droppedFull), "dropped_buffer": JSONValue(row?.droppedBuffer),
                "packets": JSONValue(packets),
                "mean_batch": JSONValue(batches == 0 ? nil : Double(packets) / Double(batches)),
                "mean_decision_nanoseconds": JSONValue(packets == 0 ? nil : Double(nanoseconds) / Double(packets)),
            ]
            for event in WorkerEvent.allCases where event != .decisionNanoseconds {
                object[event.name] = JSONValue(counters.count(event))
            }
            return JSONValue(object)
        }
        return ["queues": JSONValue(rows)]
    }

    var showCounters: JSONValue {
        let ledger = director.ledger
        let balance = ledger.balance
        var outcomes: JSONObject = [:]
        for (outcome, packets) in balance.outcomes { outcomes[outcome.name] = JSONValue(packets) }
        var malformed: JSONObject = [:]
        for error in WireError.allCases { malformed[error.name] = JSONValue(ledger.packets(unreadableFor: error)) }
        var events: JSONObject = [:]
        for event in WorkerEvent.allCases { events[event.name] = JSONValue(ledger.count(event)) }
        var rejected: JSONObject = [:]
        for fault in FragmentFault.allCases { rejected[fault.name] = JSONValue(ledger.packets(rejectedFor: fault)) }
        return [
            "packets_received": JSONValue(balance.received), "parked": JSONValue(balance.parked),
            "outcomes": JSONValue(outcomes), "malformed": JSONValue(malformed),
            "rejected_fragments": JSONValue(rejected),
            "events": JSONValue(events), "kernel": kernelTotals,
        ]
    }

    /// The kernel's own count of what it put into our queues, to compare with; null where /proc hides it.
    private var kernelTotals: JSONValue {
        guard let rows = KernelQueue.all()?.filter({ row in queues.contains { $0.number == row.number } }) else {
            return JSONValue(.null)
        }
        return [
            // The id of the newest packet: a count modulo 2^32 since the queue was bound.
            "queued": JSONValue(rows.reduce(0) { $0 + $1.lastID }),
            "waiting": JSONValue(rows.reduce(0) { $0 + $1.waiting }),
            "dropped_full": JSONValue(rows.reduce(0) { $0 + $1.droppedFull }),
            "dropped_buffer": JSONValue(rows.reduce(0) { $0 + $1.droppedBuffer }),
        ]
    }
}
