import Splitting
import Testing

@Suite("Settings")
struct SettingsTests {
    @Test func theDefaultsAreValid() throws {
        try SplittingSettings().validate()
        try ReassemblySettings().validate()
        try ServiceSplitting().validate()
        try RequestTypeSettings(name: "t").validate(within: SplittingSettings())
    }

    private static let wrong: [(String, @Sendable (inout SplittingSettings) -> Void)] = [
        ("num_chunks", { $0.chunks = 0 }), ("num_chunks", { $0.chunks = 17 }),
        ("max_chunks", { $0.maximumChunks = 1025 }),
        ("min_chunk_size", { $0.minimumChunkSize = 0 }), ("replication_factor", { $0.replicationFactor = 9 }),
        ("retry_timeout", { $0.retryTimeout = .zero }), ("max_retries", { $0.maximumRetries = 33 }),
        ("max_takeovers", { $0.maximumTakeovers = -1 }), ("deadline", { $0.deadline = .seconds(601) }),
        ("dht_update_interval", { $0.updateInterval = .milliseconds(9) }), ("missed_updates", { $0.missedUpdates = 1 }),
        ("hedge_budget", { $0.hedgeBudget = 1001 }), ("max_jobs", { $0.maximumJobs = 0 }),
        ("max_job_bytes", { $0.maximumJobBytes = 65_534 }), ("slow_factor", { $0.slowFactor = 1 }),
        ("initial_credit", { $0.initialCredit = 257 }), ("max_credit", { $0.maximumCredit = 0 }),
        ("target_factor", { $0.targetFactor = 1 }), ("min_target", { $0.minimumTarget = .zero }),
        ("trace_jobs", { $0.traces = -1 }), ("reconcile", { $0.reconciliation = .agree }),
    ]

    @Test(arguments: wrong.indices) func whatIsOutOfRangeIsNamed(index: Int) {
        var settings = SplittingSettings()
        Self.wrong[index].1(&settings)
        let error = #expect(throws: SettingsError.self) { try settings.validate() }
        #expect(error?.key == Self.wrong[index].0)
        #expect(error?.problem.isEmpty == false)
    }

    @Test func typesCannotAlignAndSplitAtOnce() {
        var type = RequestTypeSettings(name: "t")
        type.alignment = 4096
        type.delimiter = [10]
        #expect(throws: SettingsError.self) { try type.validate(within: SplittingSettings()) }
        type.delimiter = []
        #expect(throws: Never.self) { try type.validate(within: SplittingSettings()) }
        type.clientShards = true
        #expect(throws: SettingsError.self) { try type.validate(within: SplittingSettings()) }
        #expect(throws: SettingsError.self) {
            try RequestTypeSettings(name: String(repeating: "x", count: 64)).validate(within: SplittingSettings())
        }
    }

    @Test func reassemblyBoundsAreChecked() {
        var settings = ReassemblySettings()
        settings.maximumAnswer = (16 << 20) + 1
        #expect(throws: SettingsError.self) { try settings.validate() }
        settings = ReassemblySettings()
        settings.maximumDemands = 0
        #expect(throws: SettingsError.self) { try settings.validate() }
    }
}
