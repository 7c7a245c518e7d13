import Classification
import JSONText
import Selection
import Wire

// A service of the file is a `ServiceDefinition` of the Classification module.

extension ServiceDefinition: NamedBlock {
    static var blank: ServiceDefinition { ServiceDefinition(name: "", pool: "") }

    static var keys: [Key<ServiceDefinition>] {
        [
            Key("priority", \.priority, .integer(0...1_000_000), "Of the services that match, the highest takes all."),
            Key("protocols", \.match.protocols, .list(of: .transport, atMost: 256), "Protocols; none means any."),
            Key(
                "destinations", \.match.destinations, .list(of: .prefix, atMost: 65536), "Virtual addresses; none: any."
            ),
            Key("sources", \.match.sources, .list(of: .prefix, atMost: 65536), "Clients' addresses; none means any."),
            Key("destination_ports", \.match.destinationPorts, .list(of: .ports, atMost: 4096), "Ports; none: any."),
            Key("source_ports", \.match.sourcePorts, .list(of: .ports, atMost: 4096), "Clients' ports; none: any."),
            Key("hash", \.hash, .hashFields, "What a client's packets must have in common to stay on one backend."),
            Key("pool", \.pool, .name, required: true, "The pool that serves it."),
        ]
    }

    static func check(_ block: ServiceDefinition, at cursor: Cursor, into decoder: inout Decoder) {
        let match = block.match
        let withPorts = [
            TransportProtocol.tcp, TransportProtocol.udp, TransportProtocol.sctp, TransportProtocol.udplite,
        ]
        for (key, ports) in [("destination_ports", match.destinationPorts), ("source_ports", match.sourcePorts)]
        where !ports.isEmpty && !match.protocols.isEmpty && !match.protocols.contains(where: withPorts.contains) {
            let names = match.protocols.map { TransportProtocol.name(of: $0) }.joined(separator: ", ")
            decoder.report(
                "\(cursor.path).\(key) can never match, for \(names) has no ports; add tcp, udp, sctp or udplite to "
                    + "protocols, or remove \(key)",
                at: cursor.position(of: [key]))
        }
        let sourceFamilies = Set(match.sources.map(\.address.family))
        let destinationFamilies = Set(match.destinations.map(\.address.family))
        if !sourceFamilies.isEmpty, !destinationFamilies.isEmpty, sourceFamilies.isDisjoint(with: destinationFamilies) {
            decoder.report(
                "\(cursor.path).sources can never match, for no source has the family of a destination; "
                    + "write both as IPv4 or both as IPv6",
                at: cursor.position(of: ["sources"]))
        }
    }
}

extension Rule where Value == UInt8 {
    /// A protocol by name or number.
    static var transport: Rule {
        Rule(
            "a protocol such as \"tcp\", \"udp\" or \"sctp\", or its number from 0 to 255",
            schema: ["anyOf": [["type": "string"], ["type": "integer", "minimum": 0, "maximum": 255]]],
            encode: { JSONValue(TransportProtocol.name(of: $0)) },
            decode: { value in
                value.integer(as: UInt8.self) ?? value.string.flatMap { TransportProtocol.number(named: $0) }
            })
    }
}

extension Rule where Value == IPPrefix {
    /// An address block; a bare address is the block of that one.
    static var prefix: Rule {
        Rule(
            "an address or block such as \"10.0.0.100\", \"10.0.0.0/24\" or \"fd00::/64\", no bit set behind its length",
            schema: ["type": "string"], encode: { JSONValue("\($0)") },
            decode: { $0.string.flatMap { IPPrefix($0) } })
    }
}

extension Rule where Value == ClosedRange<UInt16> {
    /// A port or a range of ports.
    static var ports: Rule {
        Rule(
            "a port from 0 to 65535 or a range such as \"8000-8100\"",
            schema: [
                "anyOf": [
                    ["type": "integer", "minimum": 0, "maximum": 65535],
                    ["type": "string", "pattern": "^[0-9]{1,5}(-[0-9]{1,5})?$"],
                ]
            ],
            encode: { range in
                range.count == 1 ? JSONValue(range.lowerBound) : "\(range.lowerBound)-\(range.upperBound)"
            },
            decode: { value in
                if let port = value.integer(as: UInt16.self) { return port...port }
                guard let text = value.string else { return nil }
                let ends = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false).map(Self.port)
                guard let first = ends.first ?? nil, let last = ends.last ?? nil, first <= last else { return nil }
                return first...last
            })
    }

    private static func port(_ text: Substring) -> UInt16? {
        text.utf8.allSatisfy { (0x30...0x39).contains($0) } ? UInt16(text) : nil
    }
}

extension Rule where Value == HashFields {
    private static var presets: [(word: String, fields: HashFields)] {
        [
            ("four_tuple", .fourTuple), ("five_tuple", .fiveTuple), ("addresses", .addresses),
            ("source_address", .source), ("ports", .ports),
        ]
    }

    private static var fields: [(word: String, field: HashFields)] {
        [
            ("source_address", .sourceAddress), ("destination_address", .destinationAddress),
            ("protocol", .transport), ("source_port", .sourcePort), ("destination_port", .destinationPort),
        ]
    }

    /// A choice of hash fields by name, or a list of them.
    static var hashFields: Rule {
        Rule(
            "\(quoted(presets.map(\.word))) or a list, [ … ], of \(quoted(fields.map(\.word)))",
            schema: [
                "anyOf": [
                    ["enum": JSONValue(presets.map(\.word))],
                    [
                        "type": "array", "items": ["enum": JSONValue(fields.map(\.word))], "minItems": 1,
                        "uniqueItems": true,
                    ],
                ]
            ],
            encode: { value in
                if let preset = presets.first(where: { $0.fields == value }) { return JSONValue(preset.word) }
                return JSONValue(fields.filter { value.contains($0.field) }.map(\.word))
            },
            decode: { value in
                if let word = value.string { return presets.first { $0.word == word }?.fields }
                guard let words = value.array, !words.isEmpty else { return nil }
                var result: HashFields = []
                for element in words {
                    guard let field = fields.first(where: { $0.word == element.string })?.field,
                        result.insert(field).inserted
                    else { return nil }
                }
                return result
            })
    }

    private static func quoted(_ words: [String]) -> String {
        words.map { "\"\($0)\"" }.joined(separator: ", ")
    }
}
