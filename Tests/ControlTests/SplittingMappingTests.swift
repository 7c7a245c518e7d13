import Configuration
import Foundation
import NetfilterQueue
import NodeLinks
import Splitter
import Splitting
import StateStore
import Testing
import Wire

@testable import Control

/// What the splitting thread is told of a configuration.
struct SplittingMappingTests {
    private func parse(_ keys: String, keyFile: String = "/k") throws -> Configuration {
        try Configuration.parse(
            text: """
                {
                    queues: { first: 10, count: 2, length: 77 }, tracking: { ft_ttl: "300ms", parked: 55 },
                    pools: { nodes: { backends: {
                        b1: { mark: 1, address: ["10.0.0.11", "fd00::11"] }, b2: { mark: 2, address: "fd00::12" } } } },
                    services: { jobs: { pool: "nodes", protocols: ["udp"], destinations: ["10.0.0.100"] } },
                    splitting: { key_file: "\(keyFile)", \(keys) },
                }
                """, file: "f")
    }

    /// A configuration with a key file, which goes when the body is done.
    private func withKey(_ keys: String, _ body: (Configuration) throws -> Void) throws {
        let path = NSTemporaryDirectory() + "ab-\(UUID().uuidString).key"
        try Data("a key that is long enough for tests".utf8).write(to: URL(fileURLWithPath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
        try body(parse(keys, keyFile: path))
    }

    @Test func everySettingReachesTheSplittingThread() throws {
        let keys = """
            name: "lb3", originals: 123, collect_bytes: "3MiB", ipv6_mtu: 1280, services: { jobs: { dscp: 46 } },
            num_chunks: 7, max_chunks: 33, min_chunk_size: 300, replication_factor: 3, replication_mode: "hedged",
            reconcile: "agree", retry_timeout: "33ms", max_retries: 9, max_takeovers: 6, deadline: "700ms",
            dht_update_interval: "40ms", missed_updates: 11, chunk_checksum_algorithm: "sha256", on_failure: "drop",
            hedge_budget: 120, max_jobs: 77, max_job_bytes: "5MiB", large_answers: "parts", slow_factor: 8,
            initial_credit: 12, max_credit: 99, target_factor: 13, min_target: "4ms", trace_jobs: 21
            """
        try withKey(keys) { configuration in
            let settings = try #require(try configuration.splitterSettings(workers: 2, store: EmbeddedStore()))
            let splitting = try #require(configuration.splitting).settings
            #expect(settings.splitting == splitting && splitting != SplittingSettings())
            #expect(settings.maximumOriginals == 123 && settings.collectedBytes == 3 << 20)
            #expect(settings.ipv6Fragment == 1280 && settings.fragmentTime == 300_000_000)
            #expect(settings.identity.name == "lb3")
            // Behind two queues and their two parking queues: fragments, originals, the full-copy queue.
            #expect(settings.queue.parking == 14 && settings.originals == 15 && settings.queue.number == 16)
            #expect(settings.queue.length == 77 && settings.queue.parkingLength == 55)
            // A packet that the kernel has joined from several is never taken for one payload.
            #expect(!settings.queue.aggregates && settings.queue.copyRange == 65_531)
        }
    }

    @Test func theQueueIsTheOneThatIsNamed() throws {
        try withKey("queue: 99, services: { jobs: { dscp: 46 } }") { configuration in
            #expect(configuration.copyQueue(workers: 2) == 99)
            let settings = try #require(try configuration.splitterSettings(workers: 2, store: EmbeddedStore()))
            #expect(settings.queue.number == 99 && settings.originals == 15)
        }
    }

    @Test func servicesTypesAndNodesReachThePlan() throws {
        let keys = """
            node_port: 9999, services: { jobs: { dscp: 12, max_packet_size: 900, types_by_prefix: { X: "page" } } },
            request_types: { page: { num_chunks: 2, split_at: "\\n" } }
            """
        let plan = try parse(keys).splitterPlan
        let service = try #require(plan.services["jobs"])
        #expect(service.triggers(dscp: 12, payloadBytes: 901) && !service.triggers(dscp: 12, payloadBytes: 900))
        #expect(service.requestType(of: [0x58].span) == "page" && service.requestType(of: [1].span) == "default")
        #expect(plan.types["page"]?.chunks == 2 && plan.types["page"]?.delimiter == [10])
        #expect(plan.nodes == ["b1": Endpoint("10.0.0.11:9999")!, "b2": Endpoint("[fd00::12]:9999")!])
    }

    @Test func aReloadTakesOverTypesAndServicesAndAsksForARestartForTheRest() throws {
        let running = try parse("services: { jobs: { dscp: 46 } }")
        func needsRestart(_ keys: String) throws -> Bool {
            try parse("services: { jobs: { dscp: 45 } }, \(keys)").splittingNeedsRestart(running: running)
        }
        #expect(try !needsRestart("request_types: { page: {} }, node_port: 9471"))
        for key in [
            "num_chunks: 3", "retry_timeout: \"1s\"", "dht_update_interval: \"1s\"", "queue: 99", "name: \"x\"",
        ] {
            #expect(try needsRestart(key), "\(key)")
        }
    }
}
