import Configuration
import Classification
import Dataplane
import Health
import Hosting
import NetfilterQueue
import Tracking
import Wire

extension ControlPlane {
    /// All metrics, in the text format of Prometheus.
    public var metrics: String {
        var page = MetricsText()
        packets(&page)
        batches(&page)
        kernel(&page)
        pools(&page)
        tracking(&page)
        splitting(&page)
        daemon(&page)
        return page.text
    }

    private func packets(_ page: inout MetricsText) {
        page.begin("packets_total", .counter, "Packets by outcome; every packet taken from a queue has exactly one.")
        for (queue, counters) in workers {
            for outcome in Outcome.allCases {
                page.sample(["queue": queue, "outcome": outcome.name], counters.packets(outcome))
            }
        }
        page.begin("malformed_total", .counter, "Packets that could not be read, by reason.")
        for (queue, counters) in workers {
            for error in WireError.allCases {
                page.sample(["queue": queue, "reason": error.name], counters.packets(unreadableFor: error))
            }
        }
        page.begin("rejected_fragments_total", .counter, "Fragments dropped with their packet, by reason.")
        for (queue, counters) in workers {
            for fault in FragmentFault.allCases {
                page.sample(["queue": queue, "reason": fault.name], counters.packets(rejectedFor: fault))
            }
        }
        page.begin("queue_events_total", .counter, "Events of a queue's worker that are no packet's outcome.")
        for (queue, counters) in workers {
            for event in WorkerEvent.allCases where event != .decisionNanoseconds && event != .batches {
                page.sample(["queue": queue, "event": event.name], counters.count(event))
            }
        }
    }

    private func batches(_ page: inout MetricsText) {
        page.begin("batch_packets", .histogram, "Packets received by one call.")
        for (queue, counters) in workers {
            let buckets = (0..<WorkerCounters.buckets).map { index in
                (
                    bound: index == WorkerCounters.buckets - 1 ? "+Inf" : "\((1 << (index + 1)) - 1)",
                    count: counters.batches(inBucket: index)
                )
            }
            page.histogram("queue", queue, buckets: buckets, sum: counters.packets)
        }
        page.begin(
            "decision_seconds", .histogram,
            "Time from the receive call to the encoded verdict, a packet, as its batch's mean.")
        for (queue, counters) in workers {
            let buckets = (0..<WorkerCounters.buckets).map { index in
                (
                    bound: index == WorkerCounters.buckets - 1 ? "+Inf" : "\(Double(1 << (index + 1)) / 1e9)",
                    count: counters.packets(inDecisionTimeBucket: index)
                )
            }
            page.histogram("queue", queue, buckets: buckets, sum: Double(counters.count(.decisionNanoseconds)) / 1e9)
        }
    }

    /// What the kernel says of the queues; left out where /proc hides it.
    private func kernel(_ page: inout MetricsText) {
        guard let rows = KernelQueue.all() else { return }
        let ours = rows.filter { row in queues.contains { $0.number == row.number } }
        page.begin("kernel_queue_waiting", .gauge, "Packets that wait in the kernel for a verdict.")
        for row in ours { page.sample(["queue": "\(row.number)"], row.waiting) }
        page.begin("kernel_queue_length", .gauge, "Packets that may wait.")
        for settings in queues { page.sample(["queue": "\(settings.number)"], settings.length) }
        page.begin("kernel_queue_dropped_total", .counter, "Packets the kernel dropped before the daemon saw them.")
        for row in ours {
            page.sample(["queue": "\(row.number)", "reason": "queue_full"], row.droppedFull)
            page.sample(["queue": "\(row.number)", "reason": "receive_buffer"], row.droppedBuffer)
        }
    }

    private func pools(_ page: inout MetricsText) {
        let view = director.view
        page.begin("service_packets_total", .counter, "Packets that matched a service.")
        for (service, slot) in zip(view.configuration.services, view.serviceSlots) {
            page.sample(["service": service.name, "pool": service.pool], director.ledger.packets(service: slot))
        }
        page.begin("table_epoch", .gauge, "Version of a pool's table in this process.")
        for pool in view.pools { page.sample(["pool": pool.configuration.name], pool.table.epoch) }
        page.begin("table_slots", .gauge, "Slots of a pool's table.")
        for pool in view.pools { page.sample(["pool": pool.configuration.name], pool.configuration.shards) }
        let backends = view.pools.flatMap { pool in pool.backends.map { (pool, $0) } }
        page.begin("backend_up", .gauge, "1 when the backend takes shards: active, healthy, weight above 0.")
        for (_, backend) in backends { page.sample(Self.labels(backend), backend.isUp ? 1 : 0) }
        page.begin("backend_healthy", .gauge, "0 when the backend's checks say it is dead.")
        for (_, backend) in backends { page.sample(Self.labels(backend), backend.healthy ? 1 : 0) }
        page.begin("backend_weight", .gauge, "Weight now, run-time changes included.")
        for (_, backend) in backends { page.sample(Self.labels(backend), backend.weight) }
        page.begin("backend_share_ratio", .gauge, "Part of the pool's shards that are the backend's.")
        for (pool, backend) in backends {
            page.sample(Self.labels(backend), Double(backend.slots) / Double(pool.configuration.shards))
        }
        page.begin("backend_packets_total", .counter, "Packets sent to the backend.")
        for (_, backend) in backends {
            page.sample(Self.labels(backend), director.ledger.traffic(backend: backend.counterSlot).packets)
        }
        page.begin("backend_bytes_total", .counter, "Bytes sent to the backend, from the layer-3 header on.")
        for (_, backend) in backends {
            page.sample(Self.labels(backend), director.ledger.traffic(backend: backend.counterSlot).bytes)
        }
        page.begin("backend_probe_failures_total", .counter, "Health checks that failed.")
        for (_, backend) in backends {
            guard let report = health.report(backend.key.description) else { continue }
            page.sample(Self.labels(backend), report.failures)
        }
    }

    private func daemon(_ page: inout MetricsText) {
        let counts = reloadCounts
        let report = reloadReport
        page.begin("reloads_total", .counter, "Readings of the configuration, the start included.")
        page.sample(["result": "good"], counts.good)
        page.sample(["result": "bad"], counts.bad)
        page.single("last_reload_success", .gauge, "0 when the last reload was refused.", report.isGood ? 1 : 0)
        page.single("last_reload_timestamp_seconds", .gauge, "When the configuration was last read.", report.time)
        page.single("start_time_seconds", .gauge, "When the daemon started.", started)
        page.begin("build_info", .gauge, "Always 1; the label tells the version.")
        page.sample(["version": Version.text], 1)
        let usage = ProcessUsage.now
        page.single("resident_memory_bytes", .gauge, "Memory of the daemon that is resident.", usage.residentBytes)
        page.single("virtual_memory_bytes", .gauge, "Address space of the daemon.", usage.virtualBytes)
        page.single("cpu_seconds_total", .counter, "CPU time of the daemon, user and system.", usage.cpuSeconds)
        page.single("threads", .gauge, "Threads of the daemon.", usage.threads)
    }

    private var workers: [(queue: String, counters: WorkerCounters)] {
        zip(queues, director.ledger.workers).map { ("\($0.number)", $1) }
    }

    private static func labels(_ backend: BackendStatus) -> KeyValuePairs<String, String> {
        ["pool": backend.key.pool, "backend": backend.key.name]
    }
}

extension WorkerCounters {
    /// Buckets of each histogram.
    static var buckets: Int { 16 }
}
