import Configuration
import Testing

@Suite struct ConfigurationDiagnosticTests {
    static let pool = "pools: {p: {backends: {b: {mark: 1}}}}"

    static let faults: [(text: String, messages: [String])] = [
        // Keys
        ("{queue: {}}", ["1:2: unknown key \"queue\" at the top level; did you mean \"queues\"?"]),
        ("{queues: {lenght: 1}}", ["1:11: unknown key \"lenght\" in queues; did you mean \"length\"?"]),
        ("{log: {colour: true}}", ["1:8: unknown key \"colour\" in log; known are level"]),
        (
            "{metrics: {port: 1, port: 2}}",
            ["1:21: the key \"port\" is there already, at 1:12; remove one of them"]
        ),
        // Types
        ("[]", ["1:1: the configuration must be an object, { … }, not a list"]),
        ("{queues: []}", ["1:10: queues must be an object, { … }, not a list"]),
        ("{queues: {gso: 1}}", ["1:16: queues.gso must be true or false, not 1"]),
        ("{queues: {first: \"0\"}}", ["1:18: queues.first must be a whole number from 0 to 65535, not \"0\""]),
        ("{queues: {first: null}}", ["1:18: queues.first must be a whole number from 0 to 65535, not null"]),
        ("{hash_seed: 1.5}", ["1:13: hash_seed must be a whole number from 0 to 4294967295, not 1.5"]),
        ("{hash_seed: NaN}", ["1:13: hash_seed must be a whole number from 0 to 4294967295, not NaN"]),
        ("{hash_seed: -Infinity}", ["1:13: hash_seed must be a whole number from 0 to 4294967295, not -Infinity"]),
        // Ranges
        ("{queues: {first: 65536}}", ["1:18: queues.first must be a whole number from 0 to 65535, not 65536"]),
        (
            "{queues: {first: 65535, count: 2}}",
            ["1:18: queues: queues 65535 to 65536 go beyond 65535; lower first or count"]
        ),
        ("{queues: {count: 0}}", ["1:18: queues.count must be a whole number from 1 to 62, or \"auto\", not 0"]),
        (
            "{queues: {first: 65500}}",
            ["1:18: queues: queues 65500 to 65561 go beyond 65535; lower first or count"]
        ),
        (
            "{queues: {parking: 65500}}",
            ["1:20: queues: parking queues 65500 to 65561 go beyond 65535; lower parking or count"]
        ),
        ("{queues: {count: 63}}", ["1:18: queues.count must be a whole number from 1 to 62, or \"auto\", not 63"]),
        (
            "{queues: {count: \"all\"}}",
            ["1:18: queues.count must be a whole number from 1 to 62, or \"auto\", not \"all\""]
        ),
        (
            "{queues: {cpus: 3}}",
            [
                "1:17: queues.cpus must be a list, [ … ], of a whole number from 0 to 4095, or \"auto\", not 3"
            ]
        ),
        (
            "{queues: {cpus: [0, -1, 0]}}",
            [
                "1:21: queues.cpus[1] must be a whole number from 0 to 4095, not -1",
                "1:25: queues.cpus[2] repeats 0 from 1:18; remove one of them",
            ]
        ),
        ("{hash_seed: 0x100000000}", ["1:13: hash_seed must be a whole number from 0 to 4294967295, not 4294967296"]),
        // Units
        (
            "{control: {timeout: 5}}",
            ["1:21: control.timeout must be a time with a unit from \"100ms\" to \"10min\", not 5"]
        ),
        (
            "{control: {timeout: \"5 s\"}}",
            ["1:21: control.timeout must be a time with a unit from \"100ms\" to \"10min\", not \"5 s\""]
        ),
        (
            "{tracking: {ft_ttl: \"2min\"}}",
            ["1:21: tracking.ft_ttl must be a time with a unit from \"1ms\" to \"1min\", not \"2min\""]
        ),
        (
            "{queues: {receive_buffer: \"8MiBs\"}}",
            ["1:27: queues.receive_buffer must be a size from \"64KiB\" to \"1GiB\", not \"8MiBs\""]
        ),
        (
            "{queues: {receive_buffer: 100}}",
            ["1:27: queues.receive_buffer must be a size from \"64KiB\" to \"1GiB\", not 100"]
        ),
        // Words
        (
            "{log: {level: \"verbose\"}}",
            ["1:15: log.level must be \"error\" or \"warning\" or \"info\" or \"debug\", not \"verbose\""]
        ),
        (
            "{fallback: {on_no_service: {mark: 0}}}",
            [
                "1:28: fallback.on_no_service must be \"accept\", \"drop\" or { mark: N } with N from 1 to 4294967295, "
                    + "not an object"
            ]
        ),
        // Metrics and control
        (
            "{metrics: {address: \"0.0.0.0\"}}",
            ["1:21: metrics.address must be a loopback address, \"127.0.0.1\" or \"::1\", not \"0.0.0.0\""]
        ),
        (
            "{control: {socket: \"control.sock\"}}",
            ["1:20: control.socket must be an absolute path of at most 107 bytes, not \"control.sock\""]
        ),
        ("{control: {group: \"two words\"}}", ["1:19: control.group must be the name of a group, not \"two words\""]),
        // Pools
        (
            "{pools: {p: {}}}",
            [
                "1:13: pools.p.backends is missing; write an object with a name before each entry, { name: { … }, … }"
            ]
        ),
        (
            "{pools: {'a b': {backends: {}}}}",
            [
                "1:10: the name \"a b\" in pools must be 1 to 63 letters, digits, '.', '_' or '-', the first a letter or digit"
            ]
        ),
        (
            "{pools: {p: {backends: {b: {}}}}}",
            ["1:28: pools.p.backends.b.mark is missing; write a whole number from 1 to 4294967295"]
        ),
        (
            "{pools: {p: {backends: {b: {mark: 0}}}}}",
            ["1:35: pools.p.backends.b.mark must be a whole number from 1 to 4294967295, not 0"]
        ),
        (
            "{pools: {p: {backends: {b: {mark: 1, address: \"10.0.0\"}}}}}",
            [
                "1:47: pools.p.backends.b.address must be an address such as \"10.0.0.11\" or \"fd00::11\", "
                    + "not \"10.0.0\""
            ]
        ),
        (
            "{pools: {p: {backends: {b: {mark: 1, state: \"up\"}}}}}",
            [
                "1:45: pools.p.backends.b.state must be \"active\" or \"draining\" or \"inactive\", not \"up\""
            ]
        ),
        (
            "{pools: {p: {shards: 4096, backends: {b: {mark: 1}}}}}",
            ["1:22: pools.p.shards: table size 4096 is not a prime number: take 4099, the nearest one"]
        ),
        (
            "{pools: {p: {backends: {b: {mark: 1}}, health: {}}}}",
            ["1:48: pools.p.health.port is missing; write a whole number from 1 to 65535"]
        ),
        (
            "{pools: {p: {backends: {b: {mark: 1}}, health: {port: 80}}}}",
            ["1:28: pools.p.backends.b has no address to send health checks to; write address or remove health"]
        ),
        (
            "{pools: {p: {backends: {}, health: {port: 80, timeout: '2s'}}}}",
            ["1:56: pools.p.health: timeout 2s is longer than interval 1s; lower timeout or raise interval"]
        ),
        (
            "{pools: {p: {backends: {b2: {mark: 7}, b1: {mark: 7}}}}}",
            [
                "1:51: pools.p.backends.b1.mark: 0x7 is the mark of pools.p.backends.b2 (at 1:36); "
                    + "give each server a mark of its own"
            ]
        ),
        (
            "{pools: {p: {backends: {b: {mark: 7, address: 'fd00::1'}}}, q: {backends: {b: {mark: 7, address: 'fd00::2'}}}}}",
            [
                "1:86: pools.q.backends.b.mark: 0x7 is the mark of pools.p.backends.b (at 1:35); "
                    + "give each server a mark of its own"
            ]
        ),
        // Services
        (
            "{services: {s: {pool: 'p'}}}",
            ["1:23: services.s.pool: there is no pool \"p\"; add it to pools"]
        ),
        (
            "{pools: {web: {backends: {}}}, services: {s: {pool: 'wbe'}}}",
            ["1:53: services.s.pool: there is no pool \"wbe\"; did you mean \"web\"?"]
        ),
        (
            "{\(pool), services: {s: {}}}",
            [
                "1:56: services.s.pool is missing; "
                    + "write 1 to 63 letters, digits, '.', '_' or '-', the first a letter or digit"
            ]
        ),
        (
            "{\(pool), services: {s: {pool: 'p', protocols: ['tpc', 256]}}}",
            [
                "1:80: services.s.protocols[0] must be a protocol such as \"tcp\", \"udp\" or \"sctp\", "
                    + "or its number from 0 to 255, not \"tpc\"",
                "1:87: services.s.protocols[1] must be a protocol such as \"tcp\", \"udp\" or \"sctp\", "
                    + "or its number from 0 to 255, not 256",
            ]
        ),
        (
            "{\(pool), services: {s: {pool: 'p', destinations: ['10.0.0.1/8']}}}",
            [
                "1:83: services.s.destinations[0] must be an address or block such as \"10.0.0.100\", \"10.0.0.0/24\" "
                    + "or \"fd00::/64\", no bit set behind its length, not \"10.0.0.1/8\""
            ]
        ),
        (
            "{\(pool), services: {s: {pool: 'p', destination_ports: [65536, '9-8', '-1', 80, '80']}}}",
            [
                "1:88: services.s.destination_ports[0] must be a port from 0 to 65535 or a range such as \"8000-8100\", "
                    + "not 65536",
                "1:95: services.s.destination_ports[1] must be a port from 0 to 65535 or a range such as \"8000-8100\", "
                    + "not \"9-8\"",
                "1:102: services.s.destination_ports[2] must be a port from 0 to 65535 or a range such as "
                    + "\"8000-8100\", not \"-1\"",
                "1:112: services.s.destination_ports[4] repeats \"80\" from 1:108; remove one of them",
            ]
        ),
        (
            "{\(pool), services: {s: {pool: 'p', protocols: ['icmp'], destination_ports: [80]}}}",
            [
                "1:108: services.s.destination_ports can never match, for icmp has no ports; "
                    + "add tcp, udp, sctp or udplite to protocols, or remove destination_ports"
            ]
        ),
        (
            "{\(pool), services: {s: {pool: 'p', sources: ['fd00::/8'], destinations: ['10.0.0.1']}}}",
            [
                "1:77: services.s.sources can never match, for no source has the family of a destination; "
                    + "write both as IPv4 or both as IPv6"
            ]
        ),
        (
            "{\(pool), services: {s: {pool: 'p', hash: 'src'}}}",
            [
                "1:74: services.s.hash must be \"four_tuple\", \"five_tuple\", \"addresses\", \"source_address\", "
                    + "\"ports\" or a list, [ … ], of \"source_address\", \"destination_address\", \"protocol\", "
                    + "\"source_port\", \"destination_port\", not \"src\""
            ]
        ),
    ]

    @Test(arguments: faults)
    func aBadFileIsRefusedWithItsFaults(_ text: String, _ messages: [String]) {
        let errors = #expect(throws: ConfigurationErrors.self) { try Configuration.parse(text: text, file: "f.json") }
        #expect(errors?.diagnostics.map(\.description) == messages.map { "f.json:\($0)" })
    }

    @Test func allFaultsComeAtOnceInTextOrder() {
        let text = """
            {
              queues: { lenght: 1, batch: 0 },
              hash_seed: -1,
              services: {
                dns: { pool: "names", hash: "x" },
                web: { pool: "web" port: 80 },
              },
              pools: {
                web: {
                  backends: { b1: { mark: 1 }, b2: { mark: 1, weight: 65536 } },
                  health: { type: "http", port: 80 },
                },
              },
              metrics: { address: "10.0.0.1" }
            """
        let errors = #expect(throws: ConfigurationErrors.self) { try Configuration.parse(text: text, file: "f") }
        let lines = errors?.description.split(separator: "\n").map { $0.prefix { $0 != " " } }
        #expect(
            lines == [
                "f:1:1:", "f:2:13:", "f:2:31:", "f:3:14:", "f:5:18:", "f:5:33:", "f:6:24:", "f:6:24:", "f:10:48:",
                "f:10:59:", "f:11:23:", "f:14:23:",
            ])
    }

    @Test func aPartThatCannotBeReadBringsNoFurtherComplaints() {
        let text = "{pools: {web: {backends: {b1: {mark: }}}}, services: {s: {pool: 'web'}}}"
        let errors = #expect(throws: ConfigurationErrors.self) { try Configuration.parse(text: text, file: "f") }
        #expect(errors?.diagnostics.first?.description == "f:1:38: a value is missing before '}'")
        #expect(errors?.description.contains("is missing; write") == false)
        let broken = "{pools: {w'b: {}}, services: {s: {pool: 'web'}}}"
        let others = #expect(throws: ConfigurationErrors.self) { try Configuration.parse(text: broken, file: "f") }
        #expect(others?.description.contains("there is no pool") == false)
    }
}
