import JSONText

/// One thing that is wrong with a configuration file, and where.
public struct ConfigurationDiagnostic: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The file as the operator named it.
    public var file: String
    /// Line and column of the fault, both from 1.
    public var position: JSONPosition
    /// What is wrong and what to do.
    public var message: String

    /// A diagnostic saying `message` about a place in `file`.
    public init(file: String, position: JSONPosition, message: String) {
        self.file = file
        self.position = position
        self.message = message
    }

    /// Text order; at one place, the order of the messages.
    public static func < (lhs: ConfigurationDiagnostic, rhs: ConfigurationDiagnostic) -> Bool {
        lhs.position != rhs.position ? lhs.position < rhs.position : lhs.message < rhs.message
    }

    /// `file:line:column: message`, as editors read it.
    public var description: String { "\(file):\(position.line):\(position.column): \(message)" }
}

/// A configuration that cannot be used: everything that is wrong with it, in text order, at least one entry.
public struct ConfigurationErrors: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong, in text order.
    public var diagnostics: [ConfigurationDiagnostic]

    /// Errors made of `diagnostics`, which are sorted here.
    public init(_ diagnostics: [ConfigurationDiagnostic]) {
        self.diagnostics = diagnostics.sorted()
    }

    /// One `file:line:column: message` per line.
    public var description: String { diagnostics.map(\.description).joined(separator: "\n") }
}
