import ChunkProcessing
import Hosting
import NodeLinks
import Splitting

extension NodeLoop {
    /// All metrics, in the text format of Prometheus. To be asked for in the loop's thread.
    var metrics: String {
        var page = MetricsText(prefix: "anabranch_node_")
        chunks(&page)
        queue(&page)
        reassembly(&page)
        links(&page)
        machine(&page)
        return page.text
    }

    private func chunks(_ page: inout MetricsText) {
        let counters = agent.counters
        page.begin("chunks_total", .counter, "Chunks that came, to be worked on at once or as copies.")
        page.sample(["kind": "work"], counters.chunksReceived)
        page.sample(["kind": "copy"], counters.copiesReceived)
        page.single("chunk_bytes_total", .counter, "Bytes of the chunks that came.", counters.chunkBytes)
        page.single("chunk_duplicates_total", .counter, "Chunks that came again.", counters.duplicates)
        page.begin("results_total", .counter, "Chunks by what became of them.")
        for status in ChunkResult.Status.allCases {
            page.sample(["status": "\(status)"], counters.results[Int(status.rawValue)])
        }
        page.begin("failures_total", .counter, "Work that a processor did not do, by reason.")
        for (reason, count) in zip(ProcessorError.names, counters.failures) { page.sample(["reason": reason], count) }
        page.single("results_resent_total", .counter, "Results sent again, because asked for.", counters.resent)
        page.single("results_unwanted_total", .counter, "Results whose job was over when they came.", counters.unwanted)
        page.single("results_evicted_total", .counter, "Kept results given up for newer ones.", agent.store.evictions)
        page.single(
            "results_unkept_total", .counter, "Results longer than max_result_bytes, sent and not kept.",
            counters.unkept)
        page.single("demands_received_total", .counter, "Times that a chunk was asked for.", counters.demands)
        page.single("unknown_types_total", .counter, "Messages of types not configured here.", counters.unknownTypes)
        page.single("misplaced_total", .counter, "Messages that their sender must not send.", counters.misplaced)
        page.single("unsent_total", .counter, "Messages that no link took.", counters.unsent)
        page.begin("chunk_seconds", .histogram, "Time of a chunk in the queue, and in its processor.")
        histogram(&page, "waited", counters.waited)
        histogram(&page, "worked", counters.worked)
        page.begin("join_seconds", .histogram, "Time that aggregating the results of a job took.")
        histogram(&page, "joined", counters.joined)
        page.single("kept_chunks", .gauge, "Chunks and results that are kept.", agent.store.count)
        page.begin("kept_bytes", .gauge, "Bytes that are kept.")
        page.sample(["what": "chunks"], agent.store.chunkBytes)
        page.sample(["what": "results"], agent.store.resultBytes)
        page.sample(["what": "jobs"], agent.desk.bytes)
    }

    private func queue(_ page: inout MetricsText) {
        let depth = agent.pool.depth
        page.begin("queue_waiting", .gauge, "Entries of the priority queue that wait.")
        page.sample(["kind": "chunk"], depth.waitingChunks)
        page.sample(["kind": "reassembly"], depth.waitingJobs)
        page.single("queue_reserved", .gauge, "Places of the queue that open jobs keep.", depth.reserved)
        page.single("queue_size", .gauge, "Places of the queue (priority_queue_size).", depth.size)
        page.single(
            "queue_displaced_total", .counter, "Chunks displaced by more urgent ones.", agent.counters.displaced)
        page.single("workers", .gauge, "Worker threads.", agent.pool.count)
        page.single("workers_busy", .gauge, "Worker threads that work.", depth.working)
        page.single("credit", .gauge, "Further chunks that the node would take.", agent.loadReport.credit)
    }

    private func reassembly(_ page: inout MetricsText) {
        let counters = agent.desk.counters
        page.single("jobs", .gauge, "Jobs that are reassembled here and not settled.", agent.desk.jobCount)
        page.begin("jobs_opened_total", .counter, "Jobs opened here, those taken over among them.")
        page.sample([:], counters.opened)
        page.single("jobs_taken_over_total", .counter, "Jobs that another node had before.", counters.takenOver)
        page.single("jobs_refused_total", .counter, "Jobs the queue had no place for.", agent.counters.jobsRefused)
        page.single("jobs_abandoned_total", .counter, "Jobs that nobody settled.", counters.abandoned)
        page.begin("answers_total", .counter, "Jobs by how they ended here.")
        for status in JobAnswer.Status.allCases {
            page.sample(["status": "\(status)"], counters.answers[Int(status.rawValue)])
        }
        page.begin("demands_total", .counter, "Chunks asked for again, by reason.")
        for reason in ChunkDemand.Reason.allCases {
            page.sample(["reason": "\(reason)"], counters.demands[Int(reason.rawValue)])
        }
        page.begin("hedges_total", .counter, "Copies of late chunks, asked for or denied by hedge_budget.")
        page.sample(["outcome": "asked"], agent.desk.budget.spent)
        page.sample(["outcome": "denied"], agent.desk.budget.denied)
        page.begin("reassembly_results_total", .counter, "Results that came for jobs, by what became of them.")
        for (what, count) in [
            ("taken", counters.results), ("duplicate", counters.duplicates), ("damaged", counters.damaged),
            ("out_of_range", counters.outOfRange), ("unknown", counters.unknown),
        ] {
            page.sample(["what": what], count)
        }
        page.single("disagreements_total", .counter, "Results of two nodes that differ.", counters.disagreements)
    }

    private func links(_ page: inout MetricsText) {
        // A peer may have several links, and several load balancers one name.
        var sides: [[String]: (up: Bool, bytesIn: UInt64, bytesOut: UInt64)] = [:]
        for (peer, link) in routes.links {
            let (statistics, key) = (link.statistics, [peer.name, side(link)])
            let sum = sides[key] ?? (false, 0, 0)
            sides[key] = (sum.up || link.isUp, sum.bytesIn + statistics.bytesIn, sum.bytesOut + statistics.bytesOut)
        }
        let links = sides.sorted { $0.key.lexicographicallyPrecedes($1.key) }
        page.begin("link_up", .gauge, "1 when messages come and go.")
        for (key, sum) in links { page.sample(["peer": key[0], "side": key[1]], sum.up ? 1 : 0) }
        page.begin("link_bytes_total", .counter, "Bytes over the peer's links.")
        for (key, sum) in links {
            page.sample(["peer": key[0], "side": key[1], "direction": "in"], sum.bytesIn)
            page.sample(["peer": key[0], "side": key[1], "direction": "out"], sum.bytesOut)
        }
        page.single("balancers", .gauge, "Load balancers that have a link to this node.", routes.balancers.count)
        page.single("balancers_of_one_name", .gauge, "Those whose name another one has too.", routes.namesakes)
        page.begin("link_refusals_total", .counter, "Connections refused or cut, by reason.")
        for reason in LinkRefusal.allCases { page.sample(["reason": reason.name], context.refusals[reason]) }
    }

    private func side(_ link: NodeLink) -> String { routes.isDialled(link) ? "connecting" : "accepting" }

    private func machine(_ page: inout MetricsText) {
        page.single(
            "processor_busy_ratio", .gauge, "Share of the processors busy of late.",
            Double(agent.machine.processor) / 1000)
        page.single(
            "memory_used_ratio", .gauge, "Share of the memory in use.", Double(agent.machine.memory) / 1000)
        let usage = ProcessUsage.now
        page.begin("build_info", .gauge, "Always 1; the label tells the version.")
        page.sample(["version": Version.text], 1)
        page.single("resident_memory_bytes", .gauge, "Memory of the node that is resident.", usage.residentBytes)
        page.single("cpu_seconds_total", .counter, "CPU time of the node, user and system.", usage.cpuSeconds)
        page.single("threads", .gauge, "Threads of the node.", usage.threads)
    }

    private func histogram(_ page: inout MetricsText, _ stage: String, _ times: TimeHistogram) {
        let buckets = times.counts.enumerated().map { (bound: TimeHistogram.bound($0), count: $1) }
        page.histogram("stage", stage, buckets: buckets, sum: Double(times.sum) / 1e6)
    }
}
