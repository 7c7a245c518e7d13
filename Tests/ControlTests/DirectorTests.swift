import Configuration
import Dataplane
import Selection
import Testing

@testable import Control

/// A small deterministic generator, so that a failure can be had again (SplitMix64).
struct Seeded: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

/// A configuration of pools with backends, as the file would give it.
func configuration(
    pools: [String: [String]] = ["web": ["a", "b", "c"]], shards: Int = 251, health: Bool = false,
    weights: [String: Int] = [:], states: [String: String] = [:], extra: String = ""
) throws -> Configuration {
    var mark = 100
    let poolText = pools.sorted { $0.key < $1.key }.map { name, backends in
        let entries = backends.map { backend in
            mark += 1
            let weight = weights["\(name)/\(backend)"].map { ", weight: \($0)" } ?? ""
            let state = states["\(name)/\(backend)"].map { ", state: \"\($0)\"" } ?? ""
            return "\"\(backend)\": { mark: \(mark), address: \"10.1.0.\(mark - 100)\"\(weight)\(state) }"
        }
        let check = health ? ", health: { port: 80 }" : ""
        return "\(name): { shards: \(shards), backends: { \(entries.joined(separator: ", ")) }\(check) }"
    }
    let services = pools.keys.sorted().enumerated().map { index, name in
        "s\(index): { pool: \"\(name)\", protocols: [\"udp\"], destinations: [\"10.0.0.\(index + 1)\"] }"
    }
    let text = """
        { queues: { count: 2 }, pools: { \(poolText.joined(separator: ", ")) },
          services: { \(services.joined(separator: ", ")) } \(extra) }
        """
    return try Configuration.parse(text: text, file: "test.json")
}

func director(_ configuration: Configuration, capacity: CounterCapacity = CounterCapacity()) throws -> Director {
    try Director(configuration, ledger: CounterLedger(workers: 1, capacity: capacity))
}

extension Director {
    func table(_ pool: String) -> PoolTable { view.pools.first { $0.configuration.name == pool }!.table }
    func backend(_ name: String) -> BackendStatus {
        view.pools.flatMap(\.backends).first { $0.key.description == name }!
    }
}

struct DirectorTests {
    @Test func fiveThousandOrdersOfCommandsGiveOneDigest() throws {
        let names = (0..<12).map { "b\($0)" }
        let start = try DirectorState(try configuration(pools: ["web": names]), capacity: CounterCapacity(), workers: 1)
        let wanted: [(name: String, weight: Int, state: BackendConfiguration.State)] = names.enumerated().map {
            ($1, [10, 100, 250][$0 % 3], [.active, .active, .draining, .inactive][$0 % 4])
        }
        var random = Seeded(state: 42)
        var digests: Set<String> = []
        for _ in 0..<5000 {
            var state = start
            for command in wanted.shuffled(using: &random) {
                let key = BackendKey(pool: "web", name: command.name)
                if Bool.random(using: &random) {
                    try state.set(weight: command.weight, of: key)
                    try state.set(command.state, of: key)
                } else {
                    try state.set(command.state, of: key)
                    try state.set(weight: command.weight, of: key)
                }
            }
            _ = try state.rebuild()
            digests.insert(state.tables["web"]!.digestText)
        }
        #expect(digests.count == 1)
        #expect(digests != ["-"])
    }

    @Test func ordersWithATableBuiltAtEveryStepAgreeToo() throws {
        let start = try configuration(pools: ["web": ["a", "b", "c", "d"]])
        var random = Seeded(state: 7)
        var digests: Set<String> = []
        for _ in 0..<100 {
            let director = try director(start)
            for name in ["a", "b", "c"].shuffled(using: &random) {
                _ = try director.set(weight: name == "b" ? 7 : 70, of: name)
                _ = try director.set(name == "c" ? .draining : .active, of: name)
            }
            digests.insert(director.table("web").digestText)
        }
        #expect(digests.count == 1)
    }

    @Test func aReloadThatChangesNothingMovesNothing() throws {
        let same = try configuration(pools: ["web": ["a", "b", "c"], "dns": ["d", "e"]])
        let director = try director(same)
        let before = ["web", "dns"].map { (director.table($0).digestText, director.table($0).epoch) }
        for _ in 0..<10 { #expect(try director.take(same).changedPools.isEmpty) }
        let after = ["web", "dns"].map { (director.table($0).digestText, director.table($0).epoch) }
        #expect(before.map(\.0) == after.map(\.0))
        #expect(after.map(\.1) == [1, 1])
    }

    @Test func onlyThePoolThatChangedGetsANewEpoch() throws {
        let director = try director(try configuration(pools: ["web": ["a", "b"], "dns": ["d", "e"]]))
        let changed = try director.take(try configuration(pools: ["web": ["a", "b"], "dns": ["d", "e", "f"]]))
            .changedPools
        #expect(changed == ["dns"])
        #expect(director.table("web").epoch == 1)
        #expect(director.table("dns").epoch == 2)
        #expect((director.table("dns").moved ?? 0) > 0)
    }

    @Test func aPoolThatComesBackDoesNotCountItsEpochsAgain() throws {
        let both = try configuration(pools: ["web": ["a"], "dns": ["d"]])
        let director = try director(both)
        _ = try director.take(try configuration(pools: ["web": ["a"]]))
        _ = try director.take(both)
        #expect(director.table("dns").epoch == 2)
    }

    @Test func drainingAndInactiveBackendsTakeNoShards() throws {
        let director = try director(try configuration())
        for state in [BackendConfiguration.State.draining, .inactive] {
            #expect(try director.set(state, of: "b").slots == 0)
            #expect(try director.set(.active, of: "b").slots > 0)
        }
        #expect(director.backend("web/b").overridden == false, "the file's own value ends the override")
    }

    @Test func weightsShareTheTable() throws {
        let director = try director(try configuration(shards: 1009))
        let status = try director.set(weight: 300, of: "web/a")
        #expect(abs(Double(status.slots) / 1009 - 0.6) < 0.002)
        #expect(try director.set(weight: 0, of: "a").slots == 0)
    }

    @Test func overridesSurviveAReloadUntilTheFilesEntryChanges() throws {
        let first = try configuration()
        let director = try director(first)
        _ = try director.set(.draining, of: "a")
        _ = try director.set(weight: 5, of: "b")
        // Another backend's entry changes: both stay.
        #expect(try director.take(try configuration(weights: ["web/c": 50])).endedOverrides == [])
        #expect(director.backend("web/a").state == .draining)
        #expect(director.backend("web/b").weight == 5)
        // b's own entry changes: the file wins there, and only there.
        let ended = try director.take(try configuration(weights: ["web/b": 60])).endedOverrides
        #expect(ended == [BackendKey(pool: "web", name: "b")])
        #expect(director.backend("web/b").weight == 60)
        #expect(director.backend("web/a").state == .draining)
    }

    @Test func aDeadBackendLeavesAndComesBackToTheSameTable() throws {
        let director = try director(try configuration(health: true))
        let before = director.table("web").digestText
        let key = BackendKey(pool: "web", name: "b")
        #expect(try director.set(healthy: false, of: key))
        #expect(director.backend("web/b").slots == 0)
        #expect(director.backend("web/b").condition == "down")
        #expect(try director.set(healthy: false, of: key) == false, "said twice, nothing changes")
        #expect(try director.set(healthy: true, of: key))
        #expect(director.table("web").digestText == before)
    }

    @Test func aPoolWithoutHealthyBackendsGivesNoBackend() throws {
        let director = try director(try configuration(pools: ["web": ["a", "b"]], health: true))
        for name in ["a", "b"] { try director.set(healthy: false, of: BackendKey(pool: "web", name: name)) }
        #expect(director.table("web").table == nil)
        #expect(director.publisher.snapshot.plan.pools[0].table == nil)
        #expect(!director.view.isUp("web"))
        try director.set(healthy: true, of: BackendKey(pool: "web", name: "a"))
        #expect(director.backend("web/a").slots == 251)
    }

    @Test func checksThatEndWithAReloadAreForgotten() throws {
        let director = try director(try configuration(health: true))
        try director.set(healthy: false, of: BackendKey(pool: "web", name: "a"))
        _ = try director.take(try configuration(health: false))
        #expect(director.backend("web/a").isUp)
        // A late word of the old checks changes nothing.
        #expect(try director.set(healthy: false, of: BackendKey(pool: "web", name: "a")) == false)
        #expect(try director.set(healthy: false, of: BackendKey(pool: "web", name: "zz")) == false)
    }

    @Test func aRefusedCommandChangesNothing() throws {
        let director = try director(
            try configuration(pools: ["web": ["a", "b", "c"], "dns": ["a"]], shards: 2, states: ["web/c": "inactive"]))
        let before = (director.table("web").digestText, director.publisher.generation)
        #expect(throws: DirectorError.ambiguousBackend("a", pools: ["dns", "web"])) {
            try director.set(.draining, of: "a")
        }
        #expect(throws: DirectorError.unknownBackend("web/bb", suggestion: "web/b")) {
            try director.set(.draining, of: "web/bb")
        }
        #expect(throws: DirectorError.badWeight(65_536)) { try director.set(weight: 65_536, of: "b") }
        #expect(throws: DirectorError.badWeight(-1)) { try director.set(weight: -1, of: "b") }
        // Two slots cannot serve three backends.
        #expect(throws: DirectorError.self) { try director.set(.active, of: "web/c") }
        #expect(director.table("web").digestText == before.0)
        #expect(director.publisher.generation == before.1)
    }

    @Test func everyChangeIsPublishedBeforeTheCallReturns() throws {
        let director = try director(try configuration())
        let generation = director.publisher.generation
        _ = try director.set(.draining, of: "a")
        #expect(director.publisher.generation == generation + 1)
        let pool = director.publisher.snapshot.plan.pools[0]
        #expect(pool.table?.digestText == director.table("web").digestText)
        #expect(pool.backends.map(\.name) == ["a", "b", "c"])
    }

    @Test func moreBackendsThanCountersIsAClearErrorAndChangesNothing() throws {
        let small = CounterCapacity(services: 2, backends: 3)
        let director = try director(try configuration(), capacity: small)
        #expect(throws: DirectorError.tooManyBackends(4, capacity: 3)) {
            try director.take(try configuration(pools: ["web": ["a", "b", "c", "d"]]))
        }
        #expect(director.view.pools[0].backends.count == 3)
    }
}

struct SlotAllocatorTests {
    @Test func namesKeepTheirSlotsAlsoWhenTheyComeBack() {
        var slots = SlotAllocator<String>(capacity: 10)
        #expect(slots.use(["a", "b", "c"]) == [])
        let of = ["a", "b", "c"].map { slots[$0] }
        #expect(of == [0, 1, 2])
        #expect(slots.use(["c"]) == [])
        #expect(slots.use(["d", "c", "a"]) == [])
        #expect(slots["a"] == 0)
        #expect(slots["d"] == 3)
    }

    @Test func theOneOutOfUseLongestMakesRoomFirst() {
        var slots = SlotAllocator<String>(capacity: 3)
        #expect(slots.use(["a", "b", "c"]) == [])
        #expect(slots.use(["a", "c"]) == [])
        #expect(slots.use(["c"]) == [])
        #expect(slots.use(["c", "x"]) == [1], "b left first")
        #expect(slots.use(["c", "x", "y"]) == [0])
        #expect(slots.use(["c", "x", "y", "z"]) == nil)
        #expect(slots["y"] == 0, "a refusal changes nothing")
    }

    @Test func noTwoNamesInUseEverShareASlot() {
        var random = Seeded(state: 3)
        var slots = SlotAllocator<Int>(capacity: 20)
        for _ in 0..<2000 {
            let names = Array((0..<60).shuffled(using: &random).prefix(Int.random(in: 0...20, using: &random)))
            #expect(slots.use(names) != nil)
            let given = names.map { slots[$0]! }
            #expect(Set(given).count == names.count)
            #expect(given.allSatisfy { (0..<20).contains($0) })
        }
    }
}
