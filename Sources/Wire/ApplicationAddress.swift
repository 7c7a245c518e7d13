/// Where a local application is asked: `udp:127.0.0.1:9000`, `tcp:[::1]:9000`, `unix:/run/application.sock`.
public enum ApplicationAddress: Hashable, Sendable, LosslessStringConvertible {
    /// One frame a datagram.
    case udp(Endpoint)
    /// Frames one after the other over TCP.
    case tcp(Endpoint)
    /// Frames one after the other over a Unix stream socket, by its path.
    case unix(String)

    /// Reads the text; nil when it is none.
    public init?(_ description: String) {
        guard let colon = description.firstIndex(of: ":") else { return nil }
        let place = String(description[description.index(after: colon)...])
        switch description[..<colon] {
        case "udp":
            guard let endpoint = Endpoint(place), endpoint.port != 0 else { return nil }
            self = .udp(endpoint)
        case "tcp":
            guard let endpoint = Endpoint(place), endpoint.port != 0 else { return nil }
            self = .tcp(endpoint)
        case "unix":
            // `sun_path` holds 107 bytes and the end (unix(7)).
            let bytes = place.utf8
            guard bytes.first == UInt8(ascii: "/"), (2...107).contains(bytes.count), !bytes.contains(0) else {
                return nil
            }
            self = .unix(place)
        default: return nil
        }
    }

    /// The text that ``init(_:)`` reads.
    public var description: String {
        switch self {
        case .udp(let endpoint): "udp:\(endpoint)"
        case .tcp(let endpoint): "tcp:\(endpoint)"
        case .unix(let path): "unix:\(path)"
        }
    }
}
