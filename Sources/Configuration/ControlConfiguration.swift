import JSONText

/// The socket that `anabranch` talks to.
public struct ControlConfiguration: Equatable, Sendable {
    /// The path of the Unix socket.
    public var socket = "/run/anabranch/control.sock"
    /// The group that may use it, next to root.
    public var group = "anabranch"
    /// How many clients are served at once.
    public var maxClients = 16
    /// How long a client may take to send a request or to take an answer.
    public var timeout = Duration.seconds(5)

    /// The control socket of a configuration that says nothing about it.
    public init() {}
}

extension ControlConfiguration: Block {
    static var blank: ControlConfiguration { ControlConfiguration() }

    static var keys: [Key<ControlConfiguration>] {
        [
            Key("socket", \.socket, .socketPath, "Path of the Unix socket, mode 0660."),
            Key("group", \.group, .groupName, "Group that may use the socket, next to root."),
            Key("max_clients", \.maxClients, .integer(1...1024), "Clients served at once."),
            Key("timeout", \.timeout, .duration(.milliseconds(100)...(.seconds(600))), "Time for one request."),
        ]
    }
}

extension Rule where Value == String {
    /// The path of a Unix socket; `sun_path` holds 107 bytes and the end (unix(7)).
    static var socketPath: Rule {
        string("an absolute path of at most 107 bytes", pattern: "^/.{1,106}$") { path in
            path.utf8.first == UInt8(ascii: "/") && (2...107).contains(path.utf8.count) && !path.utf8.contains(0)
        }
    }

    /// The name of a group (groupadd(8)).
    static var groupName: Rule {
        string("the name of a group", pattern: "^[A-Za-z_][A-Za-z0-9._-]{0,31}$") { name in
            func isLetter(_ byte: UInt8) -> Bool {
                (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) || byte == 0x5F
            }
            let bytes = name.utf8
            return (1...32).contains(bytes.count) && bytes.first.map(isLetter) == true
                && bytes.allSatisfy { isLetter($0) || (0x30...0x39).contains($0) || $0 == 0x2E || $0 == 0x2D }
        }
    }
}
