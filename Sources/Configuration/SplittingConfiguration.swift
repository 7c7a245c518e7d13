import JSONText
import Splitting

/// How flagged payloads are split over the nodes that run beside the backends.
public struct SplittingConfiguration: Equatable, Sendable {
    /// The number of the full-copy queue, 0 … 65535; nil: behind the parking queues.
    public var queue: Int?
    /// Who this load balancer is to the nodes; unless the file says it, `load_balancers.name` where there is one.
    public var name = "anabranch"
    /// The file with the key that all load balancers and nodes share.
    public var keyFile = ""
    /// Certificates; nil: links are authenticated, but not encrypted.
    public var tls: TLSConfiguration?
    /// The port on which the nodes listen, at their backends' first address.
    public var nodePort: UInt16 = 9470
    /// Packets that may wait in the kernel while their payload is split.
    public var originals = 65_536
    /// Bytes of payloads whose fragments are being collected.
    public var collectedBytes = 64 << 20
    /// The longest IPv6 packet that answers are sent in, in bytes; nil: what the route carries.
    public var ipv6Packet: Int?
    /// How payloads are split.
    public var settings = SplittingSettings()
    /// Which services' payloads, by the services' names.
    public var services: [SplitServiceConfiguration] = []
    /// Request types by name.
    public var types: [SplitTypeConfiguration] = []

    /// Nothing is split; the key's file must be set.
    public init() {}
}

extension SplittingConfiguration: Block {
    static var blank: SplittingConfiguration { SplittingConfiguration() }

    static var keys: [Key<SplittingConfiguration>] {
        [
            Key("queue", \.queue, .parkingQueue, "Number of the queue that flagged packets reach whole."),
            Key(
                "name", \.name, .name,
                "This load balancer's name to the nodes; by default load_balancers.name if there is one."),
            Key(
                "key_file", \.keyFile, .absolutePath, required: true,
                "File with the key shared with the nodes, mode 0640."),
            Key("tls", \.tls, Rule.block.optional(), "Certificates; links are not encrypted without them."),
            Key(
                "node_port", \.nodePort, .integer(1...65535), "Port on which nodes listen, at their backend's address."),
            Key(
                "originals", \.originals, .integer(1...1_048_576), "Packets that may wait while their payload is split."
            ),
            Key("collect_bytes", \.collectedBytes, .size(1 << 20...1 << 34), "Bytes of payloads being collected."),
            Key("ipv6_mtu", \.ipv6Packet, .packetLength, "Longest IPv6 packet that answers are sent in."),
            Key("services", \.services, .named(atMost: 1024), required: true, "What is split, by service name."),
            Key("request_types", \.types, .named(atMost: 1024), "How payloads of a type are cut, by type name."),
        ] + settingsKeys
    }

    private static var settingsKeys: [Key<SplittingConfiguration>] {
        [
            Key("num_chunks", \.settings.chunks, .integer(1...1024), "Chunks while nothing is known of a type."),
            Key("max_chunks", \.settings.maximumChunks, .integer(1...1024), "Most chunks of a payload."),
            Key("min_chunk_size", \.settings.minimumChunkSize, .size(1...65535), "Bytes that a chunk has at least."),
            Key("replication_factor", \.settings.replicationFactor, .integer(1...8), "Nodes that get each chunk."),
            Key("replication_mode", \.settings.replication, .replication, "What the copies are for."),
            Key("reconcile", \.settings.reconciliation, .reconciliation, "Which of several results is taken."),
            Key(
                "retry_timeout", \.settings.retryTimeout, .duration(.milliseconds(1)...(.seconds(60))),
                "A chunk without a result for so long is asked for again."),
            Key("max_retries", \.settings.maximumRetries, .integer(0...32), "How often a chunk is asked for again."),
            Key("max_takeovers", \.settings.maximumTakeovers, .integer(0...16), "Further reassembly nodes asked."),
            Key(
                "deadline", \.settings.deadline, .duration(.milliseconds(1)...(.seconds(600))),
                "How long a job may take."),
            Key(
                "dht_update_interval", \.settings.updateInterval, .duration(.milliseconds(10)...(.seconds(60))),
                "How often nodes report their load; their own key must not be longer."),
            Key("missed_updates", \.settings.missedUpdates, .integer(2...100), "Reports missed before a node is out."),
            Key("chunk_checksum_algorithm", \.settings.checksums, .checksums, "How chunks and results are checked."),
            Key("on_failure", \.settings.onFailure, .choice, "What becomes of a payload without an answer."),
            Key("hedge_budget", \.settings.hedgeBudget, .integer(0...1000), "Extra work of hedging, in thousandths."),
            Key("max_jobs", \.settings.maximumJobs, .integer(1...65536), "Jobs at once."),
            Key("max_job_bytes", \.settings.maximumJobBytes, .size(65535...1 << 40), "Bytes of payloads at once."),
            Key("large_answers", \.settings.largeAnswers, .choice, "Answers that no datagram can carry."),
            Key("slow_factor", \.settings.slowFactor, .integer(2...1000), "A node this many times slower is out."),
            Key("initial_credit", \.settings.initialCredit, .integer(1...4096), "Chunks a new node may have at once."),
            Key("max_credit", \.settings.maximumCredit, .integer(1...65536), "Chunks a node may have at once at most."),
            Key(
                "target_factor", \.settings.targetFactor, .integer(2...100), "Times a chunk's usual time that are fine."
            ),
            Key(
                "min_target", \.settings.minimumTarget, .duration(.microseconds(100)...(.seconds(10))),
                "No chunk is held to a shorter time."),
            Key("trace_jobs", \.settings.traces, .integer(0...65536), "Ended jobs that keep their time line."),
        ]
    }

    static func check(_ block: SplittingConfiguration, at cursor: Cursor, into decoder: inout Decoder) {
        do throws(SettingsError) {
            try block.settings.validate()
        } catch {
            decoder.report("\(cursor.path).\(error)", at: cursor.position(of: [error.key]))
        }
        for type in block.types {
            do throws(SettingsError) {
                try type.settings.validate(within: block.settings)
            } catch {
                decoder.report(
                    "\(cursor.path).request_types.\(type.name).\(error)",
                    at: cursor.position(of: ["request_types", type.name, error.key]))
            }
        }
        let names = block.types.map(\.name) + ["default"]
        for service in block.services {
            for type in [service.requestType] + service.rules.map(\.requestType) where !names.contains(type) {
                decoder.report(
                    "\(cursor.path).services.\(service.name): there is no request type \"\(type)\"; "
                        + suggestion(for: type, among: names),
                    at: cursor.position(of: ["services", service.name]))
            }
        }
    }
}

/// When payloads of a service are split.
public struct SplitServiceConfiguration: Equatable, Sendable {
    /// The service's name.
    public var name = ""
    /// The value that a packet must carry, 0 … 63.
    public var dscp: UInt8 = 0
    /// Only payloads with more bytes than this are split.
    public var maximumPacketSize = 1400
    /// The type of payloads that no rule names.
    public var requestType = "default"
    /// Which bytes of a payload name its type.
    public var rules: [RequestTypeRule] = []

    /// The module's word for it.
    public var splitting: ServiceSplitting {
        ServiceSplitting(dscp: dscp, maximumPacketSize: maximumPacketSize, requestType: requestType, rules: rules)
    }
}

extension SplitServiceConfiguration: NamedBlock {
    static var blank: SplitServiceConfiguration { SplitServiceConfiguration() }

    static var keys: [Key<SplitServiceConfiguration>] {
        [
            Key("dscp", \.dscp, .integer(0...63), required: true, "DSCP value of packets whose payload may be split."),
            Key("max_packet_size", \.maximumPacketSize, .size(0...65535), "Only longer payloads are split."),
            Key("request_type", \.requestType, .name, "Type of payloads that types_by_prefix does not name."),
            Key("types_by_prefix", \.rules, .typesByPrefix, "Type by the text that a payload begins with."),
        ]
    }
}

/// How payloads of a type are cut.
public struct SplitTypeConfiguration: Equatable, Sendable {
    /// All settings.
    public var settings = RequestTypeSettings(name: "")
    /// The type's name.
    public var name: String {
        get { settings.name }
        set { settings.name = newValue }
    }
    var splitAt: String {
        get { String(decoding: settings.delimiter, as: UTF8.self) }
        set { settings.delimiter = Array(newValue.utf8) }
    }
}

extension SplitTypeConfiguration: NamedBlock {
    static var blank: SplitTypeConfiguration { SplitTypeConfiguration() }

    static var keys: [Key<SplitTypeConfiguration>] {
        [
            Key("num_chunks", \.settings.chunks, Rule.integer(1...1024).optional(), "num_chunks for this type."),
            Key("max_chunks", \.settings.maximumChunks, Rule.integer(1...1024).optional(), "max_chunks for this type."),
            Key(
                "min_chunk_size", \.settings.minimumChunkSize, Rule<Int>.size(1...65535).optional(),
                "min_chunk_size for this type."),
            Key(
                "deadline", \.settings.deadline,
                Rule<Duration>.duration(.milliseconds(1)...(.seconds(600))).optional(), "deadline for this type."),
            Key("align", \.settings.alignment, .integer(1...32768), "Chunks begin at multiples of this many bytes."),
            Key("split_at", \.splitAt, .delimiter, "Chunks end behind this text; records are never cut."),
            Key("client_shards", \.settings.clientShards, .flag, "Payloads say themselves where they may be cut."),
            Key(
                "aggregation", \.settings.aggregation, Rule<String>.name.optional(),
                "Processor that joins the results; concatenation without it."),
        ]
    }
}

extension Rule {
    /// One of some words, each of which stands for a value.
    static func word(_ words: [(word: String, value: Value)]) -> Rule where Value: Equatable {
        Rule(
            words.map { "\"\($0.word)\"" }.joined(separator: " or "), schema: ["enum": JSONValue(words.map(\.word))],
            encode: { value in JSONValue(words.first { $0.value == value }?.word ?? "") },
            decode: { value in value.string.flatMap { word in words.first { $0.word == word }?.value } })
    }
}

extension Rule where Value == Int? {
    /// A length of IPv6 packets (RFC 8200 §5), or `"auto"`.
    static var packetLength: Rule { Rule<Int>.integer(1280...65535).optional().or("auto", for: nil) }
}

extension Rule where Value == ReplicationMode {
    static var replication: Rule { word(ReplicationMode.allCases.map { ("\($0)", $0) }) }
}

extension Rule where Value == Reconciliation {
    static var reconciliation: Rule { word(Reconciliation.allCases.map { ("\($0)", $0) }) }
}

extension Rule where Value == ChecksumAlgorithm {
    static var checksums: Rule { word(ChecksumAlgorithm.allCases.map { ($0.name, $0) }) }
}

extension Rule where Value == String {
    /// Up to 16 bytes of text.
    static var delimiter: Rule {
        Rule(
            "a text of at most 16 bytes", schema: ["type": "string", "maxLength": 16], encode: { JSONValue($0) },
            decode: { $0.string.flatMap { $0.utf8.count <= 16 ? $0 : nil } })
    }
}

extension Rule where Value == [RequestTypeRule] {
    /// `{ "GET ": "page" }`: texts that payloads begin with, and the types they name, tried in this order.
    static var typesByPrefix: Rule {
        Rule(
            "an object of texts and the request types they name, such as { \"GET \": \"page\" }",
            schema: ["type": "object", "additionalProperties": ["type": "string"]],
            encode: { rules in
                var object: JSONObject = [:]
                for rule in rules { object[String(decoding: rule.value, as: UTF8.self)] = JSONValue(rule.requestType) }
                return JSONValue(object)
            },
            decode: { value in
                guard let object = value.object else { return nil }
                var rules: [RequestTypeRule] = []
                for member in object {
                    guard (1...256).contains(member.key.utf8.count), let type = member.value.string, Name.isGood(type)
                    else { return nil }
                    rules.append(RequestTypeRule(requestType: type, prefix: member.key))
                }
                return rules
            })
    }
}
