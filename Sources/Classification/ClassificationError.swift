/// Why services cannot be compiled. The description says what to do about it.
public enum ClassificationError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Two services have one name.
    case duplicateName(String)
    /// There are more services than ``Classifier/maximumServices``.
    case tooManyServices(count: Int)
    /// The destinations overlap in so many ways that the lists of services to try would not fit in memory.
    case tooLarge(entries: Int)

    /// A sentence for the operator, with the remedy.
    public var description: String {
        switch self {
        case .duplicateName(let name):
            "two services are called '\(name)': give each service a name of its own"
        case .tooManyServices(let count):
            "\(count) services are more than the \(Classifier.maximumServices) that are possible: join some of them"
        case .tooLarge(let entries):
            "the services' destinations overlap in too many ways (\(entries) entries): "
                + "give fewer services wide or empty destinations"
        }
    }
}
