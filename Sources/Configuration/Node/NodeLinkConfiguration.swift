import JSONText
import Wire

/// Where a node listens for load balancers and other nodes, and how links are secured.
public struct NodeLinkConfiguration: Equatable, Sendable {
    /// The address to listen on; `0.0.0.0` or `::` for all.
    public var address = IPAddress(0, 0, 0, 0)
    /// The port to listen on.
    public var port: UInt16 = 9470
    /// The file with the key that all load balancers and nodes share.
    public var keyFile = ""
    /// Encryption; none if absent.
    public var tls: TLSConfiguration?

    /// The links of a configuration that says nothing about them.
    public init() {}

    /// Where the node listens.
    public var endpoint: Endpoint { Endpoint(address: address, port: port) }
}

extension NodeLinkConfiguration: Block {
    static var blank: NodeLinkConfiguration { NodeLinkConfiguration() }

    static var keys: [Key<NodeLinkConfiguration>] {
        [
            Key("address", \.address, .anyAddress, "Address to listen on; \"0.0.0.0\" or \"::\" stands for all."),
            Key("port", \.port, .integer(1...65535), "Port to listen on."),
            Key(
                "key_file", \.keyFile, .absolutePath, required: true,
                "File with the key that all load balancers and nodes share: it authenticates, it does not encrypt."),
            Key("tls", \.tls, Rule.block.optional(), "Encryption of links, on both ends; none if absent."),
        ]
    }
}

/// Certificates for links, with which both ends prove their names.
public struct TLSConfiguration: Equatable, Sendable {
    /// The file with this side's certificate and those between it and the authority, PEM.
    public var certificate = ""
    /// The file with the certificate's private key, PEM.
    public var privateKey = ""
    /// The file with the certificates of the authorities that peers' certificates must come from, PEM.
    public var authority = ""

    /// Blank.
    public init() {}
}

extension TLSConfiguration: Block {
    static var blank: TLSConfiguration { TLSConfiguration() }

    static var keys: [Key<TLSConfiguration>] {
        [
            Key(
                "certificate", \.certificate, .absolutePath, required: true,
                "File with this side's certificate and those between it and the authority (PEM)."),
            Key("private_key", \.privateKey, .absolutePath, required: true, "File with its private key (PEM)."),
            Key(
                "authority", \.authority, .absolutePath, required: true,
                "File with the certificates of the authorities that peers' certificates must come from (PEM)."),
        ]
    }
}

/// Another node, as results are sent to it.
public struct NodePeerConfiguration: Equatable, Sendable {
    /// Its name.
    public var name: String
    /// Where it listens.
    public var address: Endpoint

    /// Both.
    public init(name: String, address: Endpoint) {
        self.name = name
        self.address = address
    }
}

extension NodePeerConfiguration: NamedBlock {
    static var blank: NodePeerConfiguration {
        NodePeerConfiguration(name: "", address: Endpoint(address: IPAddress(0, 0, 0, 0), port: 0))
    }

    static var keys: [Key<NodePeerConfiguration>] {
        [Key("address", \.address, .endpoint, required: true, "Where it listens, such as \"10.0.0.12:9470\".")]
    }
}

extension Rule where Value == IPAddress {
    /// An address to listen on.
    static var anyAddress: Rule {
        Rule(
            "an address such as \"10.0.0.11\" or \"fd00::11\"", schema: ["type": "string", "minLength": 2],
            encode: { JSONValue("\($0)") }, decode: { $0.string.flatMap { IPAddress($0) } })
    }
}

extension Rule where Value == Endpoint {
    /// An address and a port.
    static var endpoint: Rule {
        Rule(
            "an address with a port, such as \"10.0.0.11:9470\" or \"[fd00::11]:9470\"",
            schema: ["type": "string", "pattern": "^.+:[0-9]{1,5}$"], encode: { JSONValue("\($0)") },
            decode: { value in
                guard let endpoint = value.string.flatMap({ Endpoint($0) }), endpoint.port != 0 else { return nil }
                return endpoint
            })
    }
}

extension Rule where Value == String {
    /// The path of a file.
    static var absolutePath: Rule {
        string("an absolute path", pattern: "^/.+$") { path in
            path.utf8.first == UInt8(ascii: "/") && (2...4095).contains(path.utf8.count) && !path.utf8.contains(0)
        }
    }
}
