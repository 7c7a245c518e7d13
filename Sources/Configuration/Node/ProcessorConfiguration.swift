import JSONText
import Wire

/// A processor with settings of its own.
public struct ProcessorConfiguration: Equatable, Sendable {
    /// What it does.
    public enum Kind: String, CaseIterable, Sendable {
        /// Compresses to gzip members.
        case gzip
        /// Waits, then lets another processor work.
        case delay
        /// Lets children work.
        case exec
        /// Lets a local application work.
        case socket
    }

    /// Processors that are there by these names without being configured.
    public static var builtIn: [String] { ["identity", "sha256", "crc32", "gzip"] }

    /// What request types call it.
    public var name = ""
    /// What it does.
    public var kind = Kind.gzip
    /// gzip: how hard it compresses, 1…9.
    public var level = 6
    /// delay: how long for each chunk.
    public var perChunk = Duration.zero
    /// delay: how long for each byte of a chunk.
    public var perByte = Duration.zero
    /// delay: the processor that works then.
    public var then = "identity"
    /// exec: the program and its arguments.
    public var command: [String] = []
    /// exec: `NAME=value`.
    public var environment: [String] = []
    /// exec: how many children; nil: one per worker.
    public var children: Int?
    /// socket: where the application is.
    public var address = ""
    /// socket: how many connections; nil: one per worker.
    public var connections: Int?

    /// The keys that a kind has, next to `kind`.
    static func keys(of kind: Kind) -> [String] {
        switch kind {
        case .gzip: ["level"]
        case .delay: ["per_chunk", "per_byte", "then"]
        case .exec: ["command", "environment", "children"]
        case .socket: ["address", "connections"]
        }
    }
}

extension ProcessorConfiguration: NamedBlock {
    static var blank: ProcessorConfiguration { ProcessorConfiguration() }

    static var keys: [Key<ProcessorConfiguration>] {
        let time = Rule<Duration>.duration(.zero...(.seconds(600)))
        return [
            Key("kind", \.kind, .choice, required: true, "What it does."),
            Key("level", \.level, .integer(1...9), "gzip: 1 is fast, 9 is small."),
            Key("per_chunk", \.perChunk, time, "delay: how long for each chunk."),
            Key("per_byte", \.perByte, time, "delay: how long for each byte of a chunk."),
            Key("then", \.then, .name, "delay: the processor that works then."),
            Key(
                "command", \.command, .words(atMost: 256),
                "exec: the program by its absolute path, and its arguments. No shell reads them."),
            Key(
                "environment", \.environment, .list(of: .assignment, atMost: 256),
                "exec: \"NAME=value\"; children get nothing else but PATH and LANG."),
            Key("children", \.children, Rule.integer(1...1024).optional(), "exec: one per worker if absent."),
            Key(
                "address", \.address, .applicationAddress,
                "socket: \"udp:127.0.0.1:9000\", \"tcp:[::1]:9000\" or \"unix:/run/application.sock\"."),
            Key("connections", \.connections, Rule.integer(1...1024).optional(), "socket: one per worker if absent."),
        ]
    }

    func has(_ key: String) -> Bool { key == "kind" || Self.keys(of: kind).contains(key) }

    static func check(_ block: ProcessorConfiguration, at cursor: Cursor, into decoder: inout Decoder) {
        let possible = keys(of: block.kind)
        for member in cursor.value.object ?? JSONObject()
        where member.key != "kind" && !possible.contains(member.key) {
            decoder.report(
                "\(cursor.path).\(member.key) is not for \"\(block.kind.rawValue)\"; "
                    + "it has \(possible.joined(separator: ", "))",
                at: member.keyPosition ?? cursor.position)
        }
        func needs(_ key: String, _ what: String) {
            guard cursor.value[key] == nil else { return }
            decoder.report("\(cursor.path).\(key) is missing; write \(what)", at: cursor.position)
        }
        switch block.kind {
        case .exec:
            needs("command", "the program by its absolute path, and its arguments")
            if let program = block.command.first, program.utf8.first != UInt8(ascii: "/") {
                decoder.report(
                    "\(cursor.path).command: \"\(program)\" must be an absolute path; no shell looks for it",
                    at: cursor.position(of: ["command"]))
            }
        case .socket: needs("address", "where the application is")
        case .delay, .gzip: break
        }
        if ProcessorConfiguration.builtIn.contains(block.name) {
            decoder.report(
                "\(cursor.path) has the name of a processor that is there already; choose another", at: cursor.position)
        }
    }
}

extension Rule where Value == [String] {
    /// A command: words that may repeat, at least one.
    static func words(atMost limit: Int) -> Rule {
        Rule(
            "a list, [ … ], of 1 to \(limit) strings",
            schema: ["type": "array", "items": ["type": "string"], "minItems": 1, "maxItems": JSONValue(limit)],
            encode: { JSONValue($0) },
            decode: { value in
                guard let words = value.array?.compactMap(\.string), words.count == value.array?.count,
                    (1...limit).contains(words.count), words.allSatisfy({ !$0.utf8.contains(0) })
                else { return nil }
                return words
            })
    }
}

extension Rule where Value == String {
    /// An entry of an environment.
    static var assignment: Rule {
        string("NAME=value", pattern: "^[A-Za-z_][A-Za-z0-9_]*=") { text in
            let name = text.utf8.prefix { $0 != UInt8(ascii: "=") }
            func isLetter(_ byte: UInt8) -> Bool {
                (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) || byte == 0x5F
            }
            return name.count < text.utf8.count && name.first.map(isLetter) == true
                && name.allSatisfy { isLetter($0) || (0x30...0x39).contains($0) } && !text.utf8.contains(0)
        }
    }

    /// Where a local application is asked.
    static var applicationAddress: Rule {
        string(
            "\"udp:ADDRESS:PORT\", \"tcp:ADDRESS:PORT\" or \"unix:/path\"", pattern: "^(udp:.+|tcp:.+|unix:/.+)$"
        ) { ApplicationAddress($0) != nil }
    }
}
