import Classification
import Configuration
import Selection
import Testing
import Wire

@Suite struct ValueTests {
    func parse(_ text: String) throws -> Configuration {
        try Configuration.parse(text: text, file: "f")
    }

    static let times: [(String, Duration)] = [
        ("100ms", .milliseconds(100)), ("0.5s", .milliseconds(500)), ("1.25s", .milliseconds(1250)),
        ("10min", .seconds(600)), ("0.1h", .seconds(360)), ("0.001d", .milliseconds(86400)),
        ("100000us", .milliseconds(100)), ("100000001ns", .nanoseconds(100_000_001)),
    ]

    @Test(arguments: times)
    func timesTakeUnits(_ text: String, _ expected: Duration) throws {
        #expect(try parse("{control: {timeout: '\(text)'}}").control.timeout == expected)
    }

    static let sizes: [(String, Int)] = [
        ("65536", 65536), ("'65536B'", 65536), ("'64KiB'", 65536), ("'100kB'", 100_000), ("'100KB'", 100_000),
        ("'1.5MiB'", 1_572_864), ("'1MB'", 1_000_000), ("'1GiB'", 1 << 30), ("'0.25GB'", 250_000_000),
    ]

    @Test(arguments: sizes)
    func sizesTakeUnits(_ text: String, _ expected: Int) throws {
        #expect(try parse("{queues: {receive_buffer: \(text)}}").queues.receiveBuffer == expected)
    }

    static let noTimes = [
        "", "s", "5", "5 s", "-5s", "5.s", ".5s", "5.5.5s", "5S", "5m", "5sec", "0.5ns", "99999999999999999999s",
        "999999999999999d", "1.0000000001s", "\u{FF15}s",
    ]

    @Test(arguments: noTimes)
    func whatIsNoTimeIsRefused(_ text: String) {
        #expect(throws: ConfigurationErrors.self) { try parse("{control: {timeout: '\(text)'}}") }
    }

    @Test func fallbacksMayMark() throws {
        let fallback = try parse(
            "{fallback: {on_no_service: {mark: 0xfe}, on_no_backend: 'accept', on_malformed: 'drop'}}"
        ).fallback
        #expect(fallback.onNoService == .mark(0xFE))
        #expect(fallback.onNoBackend == .accept)
        #expect(fallback.onMalformed == .drop)
    }

    static let hashes: [(String, HashFields)] = [
        ("'four_tuple'", .fourTuple), ("'five_tuple'", .fiveTuple), ("'addresses'", .addresses),
        ("'source_address'", .source), ("'ports'", .ports), ("['source_address']", .source),
        ("['destination_port', 'protocol']", [.destinationPort, .transport]),
        ("['destination_port', 'source_port', 'destination_address', 'source_address']", .fourTuple),
    ]

    @Test(arguments: hashes)
    func hashFieldsAreChosenByNameOrOneByOne(_ text: String, _ expected: HashFields) throws {
        let file = try parse("{pools: {p: {backends: {}}}, services: {s: {pool: 'p', hash: \(text)}}}")
        #expect(file.services.first?.hash == expected)
    }

    @Test(arguments: ["[]", "['source_port', 'source_port']", "['port']", "7", "'FOUR_TUPLE'"])
    func aHashOfNothingIsRefused(_ text: String) {
        #expect(throws: ConfigurationErrors.self) {
            try parse("{pools: {p: {backends: {}}}, services: {s: {pool: 'p', hash: \(text)}}}")
        }
    }

    @Test func queuesMayFollowTheCores() throws {
        let queues = try parse("{queues: {count: 'auto', cpus: [3, 1]}}").queues
        #expect(queues.count.resolved(cores: 6) == 6)
        #expect(queues.count.resolved(cores: 0) == 1)
        #expect(queues.cpus == .list([3, 1]))
        #expect(try parse("{queues: {count: 3}}").queues.count.resolved(cores: 6) == 3)
        #expect(try parse("{queues: {cpus: []}}").queues.cpus == .automatic)
    }

    @Test func onlyActiveBackendsTakeShards() throws {
        let pool = try parse(
            """
            {pools: {p: {backends: {
                a: {mark: 1, weight: 7}, b: {mark: 2, state: 'draining'}, c: {mark: 3, state: 'inactive'},
                d: {mark: 4, weight: 0},
            }}}}
            """
        ).pools[0]
        #expect(
            pool.tableMembers == [("a", 7), ("b", 0), ("c", 0), ("d", 0)].map { TableMember(name: $0.0, weight: $0.1) })
    }

    @Test func poolsMayShareAServerButNotAMarkForTwo() throws {
        let shared = "{pools: {p: {backends: {a: {mark: 1, address: '10.0.0.1'}}}, "
        _ = try parse(shared + "q: {backends: {b: {mark: 1, address: '10.0.0.1'}}}}}")
        #expect(throws: ConfigurationErrors.self) {
            try parse(shared + "q: {backends: {a: {mark: 1, address: '10.0.0.2'}}}}}")
        }
    }

    @Test func theOrderInTheFileDoesNotMatter() throws {
        let one = try parse("{pools: {a: {backends: {x: {mark: 1}, y: {mark: 2}}}, b: {backends: {}}}}")
        let two = try parse("{pools: {b: {backends: {}}, a: {backends: {y: {mark: 2}, x: {mark: 1}}}}}")
        #expect(one == two)
    }

    @Test func aReloadSeesWhatChanged() throws {
        let before = try parse("{pools: {a: {backends: {x: {mark: 1}}}, b: {backends: {y: {mark: 2}}}}}")
        let after = try parse("{pools: {a: {backends: {x: {mark: 1}}}, b: {backends: {y: {mark: 2, weight: 9}}}}}")
        #expect(before != after)
        #expect(before.pool(named: "a") == after.pool(named: "a"))
        #expect(before.pool(named: "b") != after.pool(named: "b"))
        #expect(before.queues == after.queues)
    }
}
