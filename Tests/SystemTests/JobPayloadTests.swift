import Foundation
import Testing

/// What is taken for one payload, and who says where it is cut.
@Suite("Job payloads", .serialized, .exclusive, .enabled(if: Host.obstacle == nil))
struct JobPayloadTests {
    private static let addresses = [Lab.virtual4, Lab.virtual6]

    /// Forty times ten datagrams; those that find no answer end the test before long.
    private static func bundles(to address: String, first: Int) -> JobPlan {
        JobPlan(
            to: address, jobs: 400, size: "1400", concurrency: 1, bundle: 10, first: first, timeout: 1_000)
    }

    /// Ten datagrams leave the client as one packet of 14,000 bytes (GSO), and the kernels on the way leave it at that. The
    /// rule that sends long payloads to the full-copy queue sees the one; what comes to the queue are the ten.
    @Test func datagramsThatTravelInOnePacketAreNotOnePayload() throws {
        let lab = try JobLab()
        let before = try lab.counters()
        for (index, address) in Self.addresses.enumerated() {
            let hits = try lab.fullCopyHits(address)
            let run = try lab.run(
                Self.bundles(to: address, first: 10_000 * (1 + index)))
            #expect(run.faults == "" && run.forwarded == 400, "\(run.faults); \(run.text)")
            let seen = try lab.fullCopyHits(address)
            // 14,000 bytes and the headers.
            let length = 14_000 + (address == Lab.virtual4 ? 28 : 48)
            #expect(seen.packets - hits.packets == 40, "the packets did not arrive as they left: \(seen), \(hits)")
            #expect(seen.bytes - hits.bytes == 40 * length, "\(seen), \(hits)")
        }
        let after = try lab.counters()
        #expect(after.offered == before.offered, "\(after.text)")
        let packets = try lab.lab.counters()
        packets.expectBalance()
        packets.expectNothingKept()
        #expect(lab.daemon.isRunning)
    }

    /// The same where each is long enough to be split: then each is a job.
    @Test func longDatagramsThatTravelInOnePacketAreOneJobEach() throws {
        let lab = try JobLab(.init(service: "max_packet_size: 1000"))
        for (index, address) in Self.addresses.enumerated() {
            let before = try lab.counters()
            let run = try lab.run(
                Self.bundles(to: address, first: 10_000 * (1 + index)))
            try lab.expectAnswers(run)
            let after = try lab.counters()
            #expect(after.since(before, "offered") == 400, "\(after.text)")
            let lengths = try lab.jobs().suffix(400).compactMap { $0["bytes"] as? Int }
            #expect(lengths.count == 400 && lengths.allSatisfy { $0 == 1_400 }, "\(Set(lengths))")
        }
        try lab.lab.counters().expectBalance()
    }

    /// The queue hands over 65,531 bytes of a packet at most.
    @Test func aPayloadThatCannotBeCopiedToItsEndGoesToABackendWhole() throws {
        let lab = try JobLab(.init(isWide: true))
        for (index, address) in Self.addresses.enumerated() {
            let longest = 65_531 - (address == Lab.virtual4 ? 28 : 48)
            for (size, isSplit) in [(longest, true), (longest + 1, false)] {
                let before = try lab.counters()
                let first = 10_000 * (1 + 2 * index) + (isSplit ? 0 : 10_000)
                let run = try lab.run(JobPlan(to: address, jobs: 50, size: "\(size)", concurrency: 2, first: first))
                #expect(run.faults == "", "\(run.faults); \(run.text)")
                #expect(run.answered == (isSplit ? 50 : 0), "\(run.text)")
                #expect(try lab.counters().since(before, "offered") == (isSplit ? 50 : 0))
            }
        }
    }

    private static let cut = JobLab.Setup(
        // No node is given less because one answer was late: each job finds credit for as many chunks as it has.
        splitting: "request_types: { cut: { client_shards: true } }, initial_credit: 64, min_target: \"1s\",",
        service: "max_packet_size: 1400, types_by_prefix: { ABS1: \"cut\" }")

    @Test func aPayloadThatItsClientHasCutIsCutThere() throws {
        let lab = try JobLab(Self.cut)
        var first = 0
        for address in Self.addresses {
            for shards in [1, 2, 5, 16] {
                first += 10_000
                let before = try lab.counters()
                let run = try lab.run(
                    JobPlan(to: address, jobs: 100, concurrency: 2, shards: shards, first: first, timeout: 1_000))
                try lab.expectAnswers(run)
                let after = try lab.counters()
                #expect(after.since(before, "offered") == 100, "\(after.text)")
                #expect(after.since(before, "chunks") == 100 * shards, "\(after.text)")
                let jobs = try lab.jobs().suffix(100)
                #expect(jobs.allSatisfy { $0["request_type"] as? String == "cut" && $0["chunks"] as? Int == shards })
            }
        }
        // One more than max_chunks: a backend gets the payload, header and all.
        let before = try lab.counters()
        let run = try lab.run(JobPlan(to: Lab.virtual4, jobs: 50, shards: 17, first: first + 10_000))
        #expect(run.faults == "" && run.forwarded == 50, "\(run.faults); \(run.text)")
        let after = try lab.counters()
        #expect((after.refusals["shards"] ?? 0) - (before.refusals["shards"] ?? 0) == 50, "\(after.text)")
    }

    @Test func theOperatorsToolCutsPayloadsToo() throws {
        let lab = try JobLab(Self.cut)
        var random = SystemRandomNumberGenerator()
        let data = Data((0..<50_000).map { _ in UInt8.random(in: 0...255, using: &random) })
        let (file, answer) = ("\(lab.lab.directory)/data", "\(lab.lab.directory)/answer")
        try data.write(to: URL(fileURLWithPath: file))
        for (address, shards) in [("\(Lab.virtual4):9000", 3), ("[\(Lab.virtual6)]:9000", 7)] {
            let sent = try lab.lab.run(
                "client", "\(Host.programs)/anabranch", "send", "--to", address, "--file", file, "--dscp", "46",
                "--shards", "\(shards)", "--output", answer)
            #expect(sent.status == 0, "\(sent.error)")
            #expect(try Data(contentsOf: URL(fileURLWithPath: answer)) == data)
            let job = try #require(try lab.jobs().last)
            #expect(job["request_type"] as? String == "cut" && job["chunks"] as? Int == shards, "\(job)")
            #expect(job["outcome"] as? String == "answered", "\(job)")
        }
    }

    /// Settings of the file, and those of the nodes', in jobs that ran.
    @Test func theKeysOfTheFilesHoldForTheJobsThatRun() throws {
        let splitting =
            "num_chunks: 3, replication_factor: 3, dht_update_interval: \"1s\", chunk_checksum_algorithm: \"sha256\","
        let lab = try JobLab(
            .init(splitting: splitting, node: "dht_update_interval: \"20ms\", priority_queue_size: 99,"))
        let job = try #require(try lab.jobs().first)
        #expect(job["chunks"] as? Int == 3, "\(job)")
        let name = try #require(job["job"] as? String)
        let traced = try lab.lab.operate("show", "jobs", "--job", name, "--json").json["jobs"] as? [[String: Any]]
        let entries = try #require(traced?.first?["entries"] as? [[String: Any]])
        let sent = entries.filter { $0["event"] as? String == "sent" }
        #expect(sent.count == 9, "\(entries)")
        #expect(sent.count { ($0["detail"] as? String ?? "").contains("kept") } == 6, "\(entries)")
        #expect(Set(sent.filter { $0["chunk"] as? Int == 0 }.compactMap { $0["node"] as? String }).count == 3)
        let begin = try lab.nodes()
        usleep(1_000_000)
        for (name, node) in try lab.nodes() {
            let reports = (node["reports"] as? Int ?? 0) - (begin[name]?["reports"] as? Int ?? 0)
            #expect(reports >= 20, "\(name) reported \(reports) times in a second")
            #expect(node["queue_size"] as? Int == 99, "\(node)")
        }
    }
}

extension JobLab {
    /// The jobs that have kept their time line, the oldest first.
    func jobs() throws -> [[String: Any]] { try lab.shown("jobs", "jobs") as? [[String: Any]] ?? [] }

    /// What the rule for long flagged payloads to an address has seen.
    func fullCopyHits(_ address: String) throws -> (packets: Int, bytes: Int) {
        let program = address == Lab.virtual4 ? "iptables" : "ip6tables"
        let rules = try lab.run("lb", program, "-t", "mangle", "-L", "ANABRANCH", "-v", "-n", "-x").output
        let rule = rules.split(separator: "\n").first { $0.contains("length") && $0.contains("NFQUEUE") }
        let counts = rule?.split(separator: " ").prefix(2).compactMap { Int($0) } ?? []
        guard counts.count == 2 else { throw LabError(what: "no rule for long payloads in \(rules)") }
        return (counts[0], counts[1])
    }
}
