import JSONText

/// A request to the daemon.
public struct ControlRequest: Sendable {
    /// The protocol's version.
    public static var version: Int { 1 }

    /// The command's words, as on the command line: `["backend", "drain"]`.
    public var command: [String]
    /// What the command needs to know, by name.
    public var arguments: JSONObject

    /// All fields.
    public init(_ command: [String], _ arguments: JSONObject = [:]) {
        self.command = command
        self.arguments = arguments
    }

    /// Reads a frame's body.
    ///
    /// - Throws: `ControlError` `bad_request` or `version`.
    public init(body: [UInt8]) throws(ControlError) {
        let limits = JSONParser.Limits(bytes: Frame.maximumRequest, depth: 8, diagnostics: 1)
        let value: JSONValue
        do {
            value = try JSONValue(parsing: body, limits: limits)
        } catch {
            throw ControlError("bad_request", "the request is no JSON: \(error)")
        }
        guard value["version"]?.int == Self.version else {
            throw ControlError("version", "this daemon speaks version \(Self.version) of the control protocol")
        }
        guard let words = value["command"]?.array, !words.isEmpty, words.allSatisfy({ $0.string != nil }) else {
            throw ControlError("bad_request", "\"command\" has to be a list of words")
        }
        command = words.compactMap(\.string)
        guard let arguments = value["arguments"] else {
            self.arguments = [:]
            return
        }
        guard let object = arguments.object else {
            throw ControlError("bad_request", "\"arguments\" has to be an object")
        }
        self.arguments = object
    }

    /// The body of the frame that carries the request.
    public var body: [UInt8] {
        let value: JSONValue = [
            "version": JSONValue(Self.version), "command": JSONValue(command), "arguments": JSONValue(arguments),
        ]
        return Array(value.description.utf8)
    }
}

/// An answer that says no.
public struct ControlError: Error, Equatable, Sendable, CustomStringConvertible {
    /// A stable word for programs.
    public let code: String
    /// A sentence for people: what is wrong and what to do.
    public let message: String

    /// Both parts.
    public init(_ code: String, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The sentence.
    public var description: String { message }
}

/// The daemon's answer.
public enum ControlAnswer: Sendable {
    /// What was asked for.
    case data(JSONValue)
    /// Why it was not done.
    case error(ControlError)

    /// The body of the frame that carries the answer.
    public var body: [UInt8] {
        let value: JSONValue =
            switch self {
            case .data(let data): ["ok": true, "data": data]
            case .error(let error):
                ["ok": false, "error": ["code": JSONValue(error.code), "message": JSONValue(error.message)]]
            }
        return Array(value.description.utf8)
    }

    /// Reads a frame's body; nil if it is no answer of this protocol.
    public init?(body: [UInt8]) {
        let limits = JSONParser.Limits(bytes: Frame.maximumAnswer, depth: 32, diagnostics: 1)
        guard let value = try? JSONValue(parsing: body, limits: limits) else { return nil }
        if value["ok"]?.bool == true, let data = value["data"] {
            self = .data(data)
        } else if let code = value["error"]?["code"]?.string, let message = value["error"]?["message"]?.string {
            self = .error(ControlError(code, message))
        } else {
            return nil
        }
    }
}
