import Configuration
import JSONText
import Splitting
import Testing

/// The daemon's block `splitting`: every key that the file may have is read, and means what its name says.
@Suite struct SplittingConfigurationTests {
    private static let least = "key_file: \"/k\", services: {jobs: {dscp: 46}}"

    private static func parse(_ keys: String) throws -> SplittingConfiguration {
        let file = try Configuration.parse(
            text: """
                {
                    pools: {p: {backends: {b: {mark: 1, address: "10.0.0.11"}}}},
                    services: {jobs: {pool: "p", protocols: ["udp"], destinations: ["10.0.0.100"]}},
                    splitting: {\(keys)},
                }
                """, file: "f")
        return try #require(file.splitting)
    }

    private static func settings(_ key: String) throws -> SplittingSettings { try parse("\(least), \(key)").settings }

    /// A value for each key that is not its default, and whether the settings then have it.
    private static let settings: [(key: String, value: String, has: @Sendable (SplittingSettings) -> Bool)] = [
        ("num_chunks", "7", { $0.chunks == 7 }),
        ("max_chunks", "33", { $0.maximumChunks == 33 }),
        ("min_chunk_size", "\"3KiB\"", { $0.minimumChunkSize == 3072 }),
        ("replication_factor", "5", { $0.replicationFactor == 5 }),
        ("replication_mode", "\"hedged\"", { $0.replication == .hedged }),
        ("replication_mode", "\"parallel\"", { $0.replication == .parallel }),
        ("reconcile", "\"agree\", replication_factor: 2", { $0.reconciliation == .agree }),
        ("retry_timeout", "\"33ms\"", { $0.retryTimeout == .milliseconds(33) }),
        ("max_retries", "9", { $0.maximumRetries == 9 }),
        ("max_takeovers", "6", { $0.maximumTakeovers == 6 }),
        ("deadline", "\"700ms\"", { $0.deadline == .milliseconds(700) }),
        ("dht_update_interval", "\"40ms\"", { $0.updateInterval == .milliseconds(40) }),
        ("missed_updates", "11", { $0.missedUpdates == 11 }),
        ("chunk_checksum_algorithm", "\"crc32c\"", { $0.checksums == .crc32c }),
        ("chunk_checksum_algorithm", "\"sha256\"", { $0.checksums == .sha256 }),
        ("on_failure", "\"drop\"", { $0.onFailure == .drop }),
        ("hedge_budget", "120", { $0.hedgeBudget == 120 }),
        ("max_jobs", "77", { $0.maximumJobs == 77 }),
        ("max_job_bytes", "\"5MiB\"", { $0.maximumJobBytes == 5 << 20 }),
        ("large_answers", "\"parts\"", { $0.largeAnswers == .parts }),
        ("slow_factor", "8", { $0.slowFactor == 8 }),
        ("initial_credit", "12", { $0.initialCredit == 12 }),
        ("max_credit", "99", { $0.maximumCredit == 99 }),
        ("target_factor", "13", { $0.targetFactor == 13 }),
        ("min_target", "\"4ms\"", { $0.minimumTarget == .milliseconds(4) }),
        ("trace_jobs", "21", { $0.traces == 21 }),
    ]

    /// And that no other setting has moved with it.
    @Test(arguments: settings.indices) func eachKeyChangesWhatItNamesAndNothingElse(_ index: Int) throws {
        let (key, value, has) = Self.settings[index]
        let settings = try Self.settings("\(key): \(value)")
        #expect(has(settings), "\(key): \(value)")
        #expect(!has(SplittingSettings()), "\(key): \(value) is the default")
        for other in Self.settings where !"\(key): \(value)".contains(other.key) {
            #expect(!other.has(settings), "\(key): \(value) changed \(other.key)")
        }
    }

    /// A key that comes to the schema has to come to the tests of this suite.
    @Test func noKeyIsWithoutATest() {
        let block = Configuration.jsonSchema["properties"]?["splitting"]?["properties"]
        func keys(_ value: JSONValue?) -> Set<String> { Set((value?.object ?? JSONObject()).map(\.key)) }
        let setUp: Set = [
            "queue", "name", "key_file", "tls", "node_port", "originals", "collect_bytes", "ipv6_mtu", "services",
            "request_types",
        ]
        #expect(keys(block) == setUp.union(Self.settings.map(\.key)))
        #expect(
            keys(block?["services"]?["additionalProperties"]?["properties"])
                == ["dscp", "max_packet_size", "request_type", "types_by_prefix"])
        #expect(
            keys(block?["request_types"]?["additionalProperties"]?["properties"])
                == [
                    "num_chunks", "max_chunks", "min_chunk_size", "deadline", "align", "split_at", "client_shards",
                    "aggregation",
                ])
    }

    @Test func theSetUpIsKept() throws {
        let splitting = try Self.parse(
            """
            queue: 77, name: "lb7", key_file: "/etc/key", node_port: 9999, originals: 123, collect_bytes: "2MiB",
            ipv6_mtu: 1280, tls: {certificate: "/c", private_key: "/p", authority: "/a"}, services: {jobs: {dscp: 1}}
            """)
        #expect(splitting.queue == 77 && splitting.name == "lb7" && splitting.keyFile == "/etc/key")
        #expect(splitting.nodePort == 9999 && splitting.originals == 123 && splitting.collectedBytes == 2 << 20)
        #expect(splitting.ipv6Packet == 1280 && splitting.tls?.certificate == "/c")
        #expect(splitting.tls?.privateKey == "/p" && splitting.tls?.authority == "/a")
    }

    @Test func flagSizeAndTypeOfAServiceAreKept() throws {
        let splitting = try Self.parse(
            """
            key_file: "/k", services: {jobs: {
                dscp: 12, max_packet_size: "9KiB", request_type: "page", types_by_prefix: {"IMG": "image", "I": "page"},
            }}, request_types: {page: {}, image: {}}
            """)
        let service = try #require(splitting.services.first).splitting
        #expect(service.dscp == 12 && service.maximumPacketSize == 9216 && service.requestType == "page")
        #expect(service.rules.map(\.requestType) == ["image", "page"])
        #expect(service.requestType(of: Array("IMG1".utf8).span) == "image")
        #expect(try Self.parse(Self.least).services.first?.splitting.maximumPacketSize == 1400)
    }

    @Test func whatHoldsForOneTypeIsKept() throws {
        let types = try Self.parse(
            """
            \(Self.least), request_types: {
                full: {num_chunks: 2, max_chunks: 3, min_chunk_size: 500, deadline: "9s", align: 4096, aggregation: "sum"},
                lines: {split_at: "\\r\\n"}, cut: {client_shards: true}, plain: {},
            }
            """
        ).types.map(\.settings)
        var full = RequestTypeSettings(name: "full")
        (full.chunks, full.maximumChunks, full.minimumChunkSize) = (2, 3, 500)
        (full.deadline, full.alignment, full.aggregation) = (.seconds(9), 4096, "sum")
        var lines = RequestTypeSettings(name: "lines")
        lines.delimiter = [13, 10]
        var cut = RequestTypeSettings(name: "cut")
        cut.clientShards = true
        #expect(types == [cut, full, lines, RequestTypeSettings(name: "plain")])
    }

    @Test func valuesOutOfTheirRangeAreRefused() {
        for key in [
            "num_chunks: 0", "num_chunks: 17", "replication_factor: 9", "retry_timeout: \"0ms\"", "max_retries: 33",
            "dht_update_interval: \"9ms\"", "chunk_checksum_algorithm: \"md5\"", "replication_mode: \"cold\"",
            "reconcile: \"agree\"", "on_failure: \"retry\"", "hedge_budget: 1001", "max_credit: 1",
            // Less than the collector can work with.
            "collect_bytes: \"1023KiB\"",
        ] {
            #expect(throws: ConfigurationErrors.self, "\(key)") { try Self.settings(key) }
        }
        #expect(throws: ConfigurationErrors.self) {
            try Self.parse("key_file: \"/k\", services: {jobs: {dscp: 46, max_packet_size: 65536}}")
        }
    }
}
