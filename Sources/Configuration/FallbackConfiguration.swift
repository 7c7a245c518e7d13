import JSONText

/// What becomes of packets that no backend is chosen for.
public struct FallbackConfiguration: Equatable, Sendable {
    /// What is done with a packet.
    public enum Action: Equatable, Sendable {
        /// It goes on without a mark.
        case accept
        /// It is dropped.
        case drop
        /// It goes on with this mark, not 0, so that a rule or route of the operator's can take it.
        case mark(UInt32)
    }

    /// No service matches.
    public var onNoService = Action.accept
    /// A service matches, and its pool has no backend that takes traffic.
    public var onNoBackend = Action.drop
    /// The packet is malformed.
    public var onMalformed = Action.drop

    /// What is done when the configuration says nothing.
    public init() {}
}

extension FallbackConfiguration: Block {
    static var blank: FallbackConfiguration { FallbackConfiguration() }

    static var keys: [Key<FallbackConfiguration>] {
        [
            Key("on_no_service", \.onNoService, .action, "Packets that no service matches."),
            Key("on_no_backend", \.onNoBackend, .action, "Packets of a service whose pool has no active backend."),
            Key("on_malformed", \.onMalformed, .action, "Packets whose headers are broken or contradictory."),
        ]
    }
}

extension Rule where Value == FallbackConfiguration.Action {
    /// `"accept"`, `"drop"` or `{ mark: N }`.
    static var action: Rule {
        Rule(
            "\"accept\", \"drop\" or { mark: N } with N from 1 to \(UInt32.max)",
            schema: [
                "anyOf": [
                    ["enum": ["accept", "drop"]],
                    [
                        "type": "object", "additionalProperties": false, "required": ["mark"],
                        "properties": ["mark": JSONValue(Rule<UInt32>.mark.schema)],
                    ],
                ]
            ],
            encode: { action in
                switch action {
                case .accept: "accept"
                case .drop: "drop"
                case .mark(let mark): ["mark": JSONValue(mark)]
                }
            },
            decode: { value in
                switch value.string {
                case "accept": return .accept
                case "drop": return .drop
                default:
                    guard let object = value.object, object.count == 1, let mark = object["mark"] else { return nil }
                    return mark.integer(as: UInt32.self).flatMap { $0 == 0 ? nil : .mark($0) }
                }
            })
    }
}

extension Rule where Value == UInt32 {
    /// A firewall mark; 0 means "no mark" to the kernel.
    static var mark: Rule { integer(1...UInt32.max) }
}
