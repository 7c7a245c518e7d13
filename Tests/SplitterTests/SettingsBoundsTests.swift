import Control
import Foundation
import NetfilterQueue
import NodeLinks
import Splitting
import StateStore
import Testing
import Tracking

@testable import Configuration
@testable import Dataplane
@testable import Splitter

/// In CI a privileged test that cannot run has to fail, not to be skipped.
private let inCI = unsafe getenv("CI") != nil

@Suite("What the check passes, the start takes", .serialized, .enabled(if: geteuid() == 0 || inCI))
struct SettingsBoundsTests {
    /// The bounds that a rule names: `… from 1 to 1024`, or with units in quotes.
    private static func bounds(_ expectation: String) -> [String] {
        let pattern = /from ("[^"]+"|-?[0-9]+) to ("[^"]+"|-?[0-9]+)/
        guard let match = try? pattern.firstMatch(in: expectation) else { return [] }
        return [String(match.1), String(match.2)]
    }

    /// Keys that others depend on.
    private static let companions = [
        "num_chunks": "max_chunks: 1024", "max_chunks": "num_chunks: 1", "initial_credit": "max_credit: 65536",
        "max_credit": "initial_credit: 1",
    ]

    private static func configuration(_ splitting: String, _ tracking: String = "", key: String) -> String {
        """
        {
            queues: { first: 10, count: 1 },
            pools: { servers: { backends: { b1: { mark: 1, address: "10.77.2.1" } } } },
            services: { jobs: { protocols: ["udp"], destinations: ["10.77.100.1"], pool: "servers" } },
            tracking: { \(tracking) },
            splitting: { key_file: "\(key)", services: { jobs: { dscp: 46 } }, \(splitting) },
        }
        """
    }

    /// Starts what the configuration says, as the daemon does.
    private static func start(_ text: String) throws {
        let configuration = try Configuration.parse(text: text, file: "test")
        let settings = try #require(
            try configuration.splitterSettings(workers: 1, store: EmbeddedStore()))
        let publisher = SnapshotPublisher(try Snapshot(SnapshotPlan(), generation: 1, capacity: CounterCapacity()))
        let counters = WorkerCounters(capacity: CounterCapacity())
        let fragments = try FragmentTracking(FragmentLimits(workers: 1))
        let queues = QueueGroup(
            [], publisher: publisher, counters: [], fragments: fragments, guests: [settings.queue])
        try queues.start()
        defer { queues.stop() }
        let engine = try SplitEngine(
            settings, loop: EventLoop(),
            path: PacketPath(publisher: publisher, counters: counters, fragments: fragments, now: MonotonicClock.now),
            parking: queues.parking, place: 0)
        engine.take(configuration.splitterPlan)
        engine.receive()
    }

    @Test func everyBoundOfEveryKeyCanBeStarted() throws {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("anabranch-\(UUID().uuidString)")
        try Data((0..<64).map { _ in UInt8(ascii: "a") }).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file.path)
        var walked: [String] = []
        try TwoHosts.run { _ in
            for key in SplittingConfiguration.keys {
                for bound in Self.bounds(key.expectation) {
                    let also = Self.companions[key.name].map { ", \($0)" } ?? ""
                    try Self.start(Self.configuration("\(key.name): \(bound)\(also)", key: file.path))
                    walked.append(key.name)
                }
            }
            for key in TrackingConfiguration.keys where key.name == "ft_ttl" {
                for bound in Self.bounds(key.expectation) {
                    try Self.start(Self.configuration("", "ft_ttl: \(bound)", key: file.path))
                    walked.append(key.name)
                }
            }
        }
        // All keys with bounds were found: a rule that says them otherwise would go unnoticed.
        #expect(walked.count >= 46, "\(walked)")
        for key in ["originals", "collect_bytes", "max_job_bytes", "deadline", "ipv6_mtu", "ft_ttl"] {
            #expect(walked.contains(key), "\(key)")
        }
    }

    @Test func lessMemoryThanOnePayloadTakesIsRefusedByTheCheck() throws {
        #expect(throws: ConfigurationErrors.self) {
            try Configuration.parse(
                text: Self.configuration("collect_bytes: \"1023KiB\"", key: "/k"), file: "test")
        }
        _ = try Configuration.parse(text: Self.configuration("collect_bytes: \"1MiB\"", key: "/k"), file: "test")
    }
}
