import Classification
import Selection
import Tracking

/// Why a command to the director was refused. Nothing changed then.
public enum DirectorError: Error, Equatable, Sendable, CustomStringConvertible {
    /// No backend has this name.
    case unknownBackend(String, suggestion: String?)
    /// Several pools have a backend of this name.
    case ambiguousBackend(String, pools: [String])
    /// A weight above the greatest.
    case badWeight(Int)
    /// More services or backends than counters were made for at start.
    case tooManyServices(Int, capacity: Int)
    case tooManyBackends(Int, capacity: Int)
    /// The services cannot be compiled.
    case services(ClassificationError)
    /// A pool's table cannot be built.
    case table(pool: String, SelectionError)
    /// There is no room for the table of pinned flows.
    case flows(TrackingError)

    /// What is wrong and what to do.
    public var description: String {
        switch self {
        case .unknownBackend(let name, let suggestion?):
            "there is no backend '\(name)': did you mean '\(suggestion)'?"
        case .unknownBackend(let name, nil):
            "there is no backend '\(name)': `anabranch show backends` lists them"
        case .ambiguousBackend(let name, let pools):
            "'\(name)' is a backend of several pools: say \(pools.map { "\($0)/\(name)" }.joined(separator: " or "))"
        case .badWeight(let weight):
            "weight \(weight) is not within 0 to \(TableMember.maximumWeight)"
        case .tooManyServices(let count, let capacity):
            "\(count) services are more than the \(capacity) that can be counted"
        case .tooManyBackends(let count, let capacity):
            "\(count) backends are more than the \(capacity) that can be counted"
        case .services(let error):
            "\(error)"
        case .table(let pool, let error):
            "pool \(pool): \(error)"
        case .flows(let error):
            "flows: \(error)"
        }
    }

    /// The error's name in the control protocol.
    public var code: String {
        switch self {
        case .unknownBackend: "unknown_backend"
        case .ambiguousBackend: "ambiguous_backend"
        case .badWeight: "bad_weight"
        case .tooManyServices, .tooManyBackends: "capacity"
        case .services: "services"
        case .table: "table"
        case .flows: "flows"
        }
    }
}
