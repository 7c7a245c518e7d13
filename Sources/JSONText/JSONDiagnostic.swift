/// One thing that is wrong with a text, and where.
public struct JSONDiagnostic: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Where the fault is.
    public var position: JSONPosition
    /// What is wrong and what to do, as a plain sentence without a full stop.
    public var message: String

    /// A diagnostic saying `message` about `position`.
    public init(_ position: JSONPosition, _ message: String) {
        self.position = position
        self.message = message
    }

    /// Text order; at one place, the order of the messages.
    public static func < (lhs: JSONDiagnostic, rhs: JSONDiagnostic) -> Bool {
        lhs.position != rhs.position ? lhs.position < rhs.position : lhs.message < rhs.message
    }

    /// `line:column: message`.
    public var description: String { "\(position): \(message)" }
}

/// A text that is not what it should be: everything that is wrong with it, in text order, at least one entry.
public struct JSONError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong, in text order.
    public var diagnostics: [JSONDiagnostic]

    /// An error made of `diagnostics`.
    public init(_ diagnostics: [JSONDiagnostic]) {
        self.diagnostics = diagnostics
    }

    /// One `line:column: message` per line.
    public var description: String { diagnostics.map(\.description).joined(separator: "\n") }
}
