import Classification
import Configuration
import Glibc
import JSONText
import Testing
import Wire

@Suite struct NodeConfigurationTests {
    static let least = "name: \"n\", links: {key_file: \"/k\"}"

    static func parse(_ keys: String, linked: [String] = []) throws(ConfigurationErrors) -> NodeConfiguration {
        try NodeConfiguration.parse(text: "{\(least), \(keys)}", file: "f", linked: linked)
    }

    @Test func theDefaultFileIsValidAndShowsTheDefaults() throws {
        let file = try NodeConfiguration.load(path: PackageFile.path("Config/anabranch-node.json"))
        #expect(file.name == "b1")
        #expect(file.nodes.map(\.name) == ["b2", "b3"])
        #expect(file.nodes.first?.address == Endpoint("10.0.0.12:9470"))
        #expect(file.processors.map(\.name) == ["tight"])
        #expect(file.requestTypes.map(\.name) == ["compress", "default"])
        var rest = file
        rest.name = ""
        rest.links.keyFile = ""
        (rest.nodes, rest.processors, rest.requestTypes) = ([], [], [])
        #expect(rest == .defaults)
    }

    /// Every key of the table is in the default file, perhaps behind `//`, so that none goes unexplained.
    @Test func theDefaultFileExplainsEveryKey() throws {
        let lines = try PackageFile.text("Config/anabranch-node.json").split(
            separator: "\n", omittingEmptySubsequences: false)
        func check(_ schema: JSONValue, _ path: String) {
            for member in schema["properties"]?.object ?? JSONObject() {
                let place = lines.firstIndex { line in
                    line.drop { $0 == " " || $0 == "/" }.hasPrefix("\(member.key):")
                }
                #expect(
                    place.map { $0 > 0 && lines[$0 - 1].contains("//") } == true || path.isEmpty, "\(path)\(member.key)"
                )
                check(member.value, "\(path)\(member.key).")
                if let inner = member.value["additionalProperties"] { check(inner, "\(path)\(member.key).*.") }
            }
        }
        check(NodeConfiguration.jsonSchema, "")
    }

    /// The load balancer's example and the node's mean the same nodes, key, port and request types.
    @Test func theExamplesOfSplittingFitTogether() throws {
        let balancer = try Configuration.load(path: PackageFile.path("Config/examples/splitting.json"))
        let node = try NodeConfiguration.load(path: PackageFile.path("Config/examples/splitting-node.json"))
        let splitting = try #require(balancer.splitting)
        let service = try #require(splitting.services.first)
        let pool = try #require(balancer.services.first { $0.name == service.name }).pool
        let backends = try #require(balancer.pool(named: pool)).backends
        let here = try #require(backends.first { $0.name == node.name })
        let peers = backends.filter { $0.name != here.name }
        #expect(node.nodes.map(\.name) == peers.map(\.name))
        #expect(
            node.nodes.map(\.address) == peers.map { Endpoint(address: $0.addresses[0], port: splitting.nodePort) })
        #expect(node.links.keyFile == splitting.keyFile && node.links.endpoint.port == splitting.nodePort)
        let types = Set(node.requestTypes.map(\.name))
        #expect(types.isSuperset(of: splitting.types.map(\.name)) && types.contains("default"))
    }

    /// What stands commented out as a default is the default.
    @Test func theCommentedDefaultsAreTheDefaults() throws {
        let text = try PackageFile.text("Config/anabranch-node.json")
        func value(_ key: String, after block: String = "") -> Substring? {
            var lines = text.split(separator: "\n")[...]
            if !block.isEmpty { lines = lines.drop { !$0.contains(" \(block): {") } }
            let line = lines.first { $0.drop { $0 == " " || $0 == "/" }.hasPrefix("\(key): ") }
            return line.map { $0.drop { $0 != ":" }.dropFirst(2) }.map { $0.hasSuffix(",") ? $0.dropLast() : $0 }
        }
        let defaults = NodeConfiguration.defaults.json
        for key in ["workers", "priority_queue_size", "priority_queue_weight", "dht_update_interval", "drain_timeout"] {
            #expect(value(key).map(String.init) == defaults[key]?.description, "\(key)")
        }
        for block in ["links", "memory", "metrics", "log"] {
            for member in defaults[block]?.object ?? JSONObject() where member.key != "key_file" {
                #expect(value(member.key, after: block).map(String.init) == member.value.description, "\(member.key)")
            }
        }
    }

    /// To renew the file after a change of the keys: `ANABRANCH_WRITE_SCHEMA=1 swift test --filter NodeConfigurationTests`.
    @Test func theSchemaFileIsTheOneThatTheKeysGive() throws {
        var writer = JSONWriter(.pretty)
        writer.write(NodeConfiguration.jsonSchema)
        writer.newline()
        if unsafe getenv("ANABRANCH_WRITE_SCHEMA") != nil {
            try PackageFile.write(writer.bytes, to: "Config/anabranch-node.schema.json")
        }
        #expect(try PackageFile.text("Config/anabranch-node.schema.json") == writer.text)
    }

    @Test func whatIsWrittenOutReadsBackTheSame() throws {
        let file = try NodeConfiguration.load(path: PackageFile.path("Config/anabranch-node.json"))
        let full = try Self.parse(
            """
            workers: 3, priority_queue_size: 7, memory: {max_jobs: 2}, processors: {
                e: {kind: "exec", command: ["/bin/a", "-x", "-x"], environment: ["A=b"], children: 2},
                s: {kind: "socket", address: "tcp:[::1]:1", connections: 4},
                d: {kind: "delay", per_chunk: "1ms", per_byte: "2us", then: "e"},
            }, request_types: {t: {processor: "d", class: 7, time_limit: "2s", aggregation: "s"}}
            """)
        for configuration in [file, full] {
            #expect(try NodeConfiguration.parse(text: configuration.json.description, file: "f") == configuration)
        }
    }

    @Test func everyKeyIsKept() throws {
        let file = try NodeConfiguration.parse(
            text: """
                {
                    name: "n1", links: {
                        address: "::", port: 1234, key_file: "/key",
                        tls: {certificate: "/c", private_key: "/p", authority: "/a"},
                    },
                    nodes: {n2: {address: "[fd00::2]:9470"}}, workers: 5, priority_queue_size: 10,
                    priority_queue_weight: 3, dht_update_interval: "250ms",
                    memory: {
                        max_chunk_bytes: "1MiB", max_result_bytes: "2MiB", max_jobs: 3, max_job_bytes: "4MiB",
                        max_answer_size: "5KiB",
                    },
                    processors: {x: {kind: "gzip", level: 2}},
                    request_types: {t: {processor: "x", class: 1, time_limit: "3s", aggregation: "crc32"}},
                    drain_timeout: "7s", metrics: {enabled: false, address: "127.0.0.2", port: 81}, log: {level: "debug"},
                }
                """, file: "f")
        #expect(file.name == "n1")
        #expect(file.links.endpoint == Endpoint("[::]:1234") && file.links.keyFile == "/key")
        #expect(file.links.tls?.certificate == "/c" && file.links.tls?.privateKey == "/p")
        #expect(file.links.tls?.authority == "/a")
        #expect(file.nodes.map(\.address) == [Endpoint("[fd00::2]:9470")!])
        #expect(file.workers.resolved(cores: 1) == 5)
        #expect(file.priorityQueueSize == 10 && file.priorityQueueWeight == 3)
        #expect(file.updateInterval == .milliseconds(250) && file.drainTimeout == .seconds(7))
        #expect(file.memory.chunks == 1 << 20 && file.memory.results == 2 << 20 && file.memory.jobs == 3)
        #expect(file.memory.jobBytes == 4 << 20 && file.memory.answer == 5 << 10)
        #expect(file.processors.map(\.level) == [2])
        let type = try #require(file.requestTypes.first)
        #expect(type.processor == "x" && type.urgency == 1 && type.timeLimit == .seconds(3))
        #expect(type.aggregation == "crc32")
        #expect(!file.metrics.enabled && file.metrics.port == 81 && file.metrics.address == IPAddress(127, 0, 0, 2))
        #expect(file.log.level == .debug)
    }

    static let faults: [(keys: String, message: String)] = [
        ("nodez: {}", "1:38: unknown key \"nodez\" at the top level; did you mean \"nodes\"?"),
        ("nodes: {n: {address: \"1.2.3.4:5\"}}", "1:49: nodes.n has this node's own name; list the other nodes only"),
        (
            "nodes: {m: {address: \"1.2.3.4\"}}",
            "1:59: nodes.m.address must be an address with a port, such as \"10.0.0.11:9470\" or \"[fd00::11]:9470\", "
                + "not \"1.2.3.4\""
        ),
        (
            "request_types: {t: {processor: \"gzlp\"}}",
            "1:69: request_types.t.processor: there is no processor \"gzlp\"; did you mean \"gzip\"?"
        ),
        (
            "request_types: {t: {processor: \"gzip\", aggregation: \"nobody\"}}",
            "1:90: request_types.t.aggregation: there is no processor \"nobody\"; "
                + "known are identity, sha256, crc32, gzip"
        ),
        (
            "processors: {x: {kind: \"exec\"}}",
            "1:54: processors.x.command is missing; write the program by its absolute path, and its arguments"
        ),
        (
            "processors: {x: {kind: \"exec\", command: [\"cat\"]}}",
            "1:78: processors.x.command: \"cat\" must be an absolute path; no shell looks for it"
        ),
        (
            "processors: {x: {kind: \"exec\", command: [\"/a\"], level: 3}}",
            "1:86: processors.x.level is not for \"exec\"; it has command, environment, children"
        ),
        (
            "processors: {x: {kind: \"socket\", address: \"http://a\"}}",
            "1:80: processors.x.address must be \"udp:ADDRESS:PORT\", \"tcp:ADDRESS:PORT\" or \"unix:/path\", "
                + "not \"http://a\""
        ),
        (
            "processors: {gzip: {kind: \"gzip\"}}",
            "1:57: processors.gzip has the name of a processor that is there already; choose another"
        ),
        (
            "processors: {a: {kind: \"delay\", then: \"b\"}, b: {kind: \"delay\"}}",
            "1:76: processors.a.then: \"b\" waits as well; name one that works"
        ),
        ("priority_queue_size: 0", "1:59: priority_queue_size must be a whole number from 1 to 1048576, not 0"),
    ]

    @Test(arguments: faults) func faultsAreSaidWithTheirPlace(_ keys: String, _ message: String) {
        let errors = #expect(throws: ConfigurationErrors.self) { try Self.parse(keys) }
        #expect(errors?.description == "f:" + message)
    }

    @Test func whatIsRequiredIsAskedFor() {
        let errors = #expect(throws: ConfigurationErrors.self) { try NodeConfiguration.parse(text: "{}", file: "f") }
        #expect(errors?.diagnostics.map(\.message).contains { $0.hasPrefix("name is missing") } == true)
        #expect(errors?.diagnostics.map(\.message).contains { $0.hasPrefix("links is missing") } == true)
    }

    @Test func linkedProcessorsAreKnownAndKeepTheirNames() throws {
        #expect(throws: ConfigurationErrors.self) { try Self.parse("request_types: {t: {processor: \"mine\"}}") }
        let file = try Self.parse("request_types: {t: {processor: \"mine\"}}", linked: ["mine"])
        #expect(file.requestTypes.first?.processor == "mine")
        #expect(throws: ConfigurationErrors.self) {
            try Self.parse("processors: {mine: {kind: \"gzip\"}}", linked: ["mine"])
        }
    }
}
