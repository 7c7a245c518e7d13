/// Reads JSON5 (json5.org, the superset of JSON that people write by hand) or strict JSON (RFC 8259).
///
/// The parser goes on behind a fault where that makes sense, so that one run names everything that is wrong; whatever it
/// could read is returned as well. Duplicate keys are faults in both dialects; the first of them counts.
public struct JSONParser {
    /// The language to read.
    public enum Dialect: Sendable {
        /// Comments, trailing commas, bare and single-quoted keys, hexadecimal numbers, ….
        case json5
        /// RFC 8259 and nothing else.
        case strict
    }

    /// What a text may ask of the reader.
    public struct Limits: Sendable {
        /// The longest text, in bytes.
        public var bytes: Int
        /// The deepest nesting of lists and objects.
        public var depth: Int
        /// The most faults that are reported before reading stops.
        public var diagnostics: Int

        /// 16 MiB, 64 levels and 100 faults unless said otherwise.
        public init(bytes: Int = 16 << 20, depth: Int = 64, diagnostics: Int = 100) {
            self.bytes = bytes
            self.depth = depth
            self.diagnostics = diagnostics
        }
    }

    /// What came of reading a text.
    public struct Result: Sendable {
        /// What could be read: the whole when there are no diagnostics, `nil` when nothing made sense.
        public var value: JSONValue?
        /// What is wrong with the text, in text order.
        public var diagnostics: [JSONDiagnostic]
    }

    let bytes: [UInt8]
    let dialect: Dialect
    let limits: Limits
    /// The byte to be read next.
    var offset = 0
    private var tracker = JSONPositionTracker()
    private var diagnostics: [JSONDiagnostic] = []
    /// The brackets that are open, outermost first.
    private var open: [UInt8] = []
    /// Set behind a fault that swallowed the end of a line: the comma that was there is not asked for again.
    var commaMayBeMissing = false
    /// Whether the container that ended last had its closing bracket.
    private var closed = false
    /// Set when so much was wrong that reading ended.
    private var stopped = false

    private init(bytes: [UInt8], dialect: Dialect, limits: Limits) {
        self.bytes = bytes
        self.dialect = dialect
        self.limits = limits
    }

    /// Reads UTF-8 `bytes`; a byte order mark at the start is passed over in JSON5.
    public static func parse(
        bytes: [UInt8], dialect: Dialect = .json5, limits: Limits = Limits()
    ) -> Result {
        var parser = JSONParser(bytes: bytes, dialect: dialect, limits: limits)
        guard bytes.count <= limits.bytes else {
            parser.report("the text has \(bytes.count) bytes; at most \(limits.bytes) are read", at: .start)
            return Result(value: nil, diagnostics: parser.diagnostics)
        }
        if let fault = firstIllFormedUTF8(in: bytes) {
            let position = parser.tracker.position(of: fault, in: bytes)
            parser.report("this byte is not UTF-8; save the text as UTF-8", at: position)
            return Result(value: nil, diagnostics: parser.diagnostics)
        }
        let value = parser.parseDocument()
        return Result(value: value, diagnostics: parser.diagnostics.sorted())
    }

    /// Reads `text`.
    public static func parse(_ text: String, dialect: Dialect = .json5, limits: Limits = Limits()) -> Result {
        parse(bytes: Array(text.utf8), dialect: dialect, limits: limits)
    }

    // MARK: Document and containers

    private mutating func parseDocument() -> JSONValue? {
        skipSpace()
        guard peek() != nil else {
            report("the text is empty; write at least {}", at: here())
            return nil
        }
        let value = parseValue()
        if value != nil {
            skipSpace()
            if peek() != nil { report("nothing may follow the end of the document; remove this", at: here()) }
        }
        return value
    }

    /// Reads one value; `nil` when there is none, which has been reported then.
    private mutating func parseValue() -> JSONValue? {
        guard let byte = peek() else {
            report("a value is missing at the end of the text", at: here())
            return nil
        }
        switch byte {
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            let position = here()
            guard open.count < limits.depth else {
                report("more than \(limits.depth) brackets inside each other; nest less deeply", at: position)
                skipBalanced()
                return nil
            }
            open.append(byte)
            advance()
            let kind: JSONValue.Kind =
                if byte == UInt8(ascii: "{") {
                    .object(parseMembers(from: position))
                } else {
                    .array(parseElements(from: position))
                }
            open.removeLast()
            return JSONValue(kind, at: position)
        case UInt8(ascii: "\""), UInt8(ascii: "'"):
            let position = here()
            return parseString().map { JSONValue(.string($0), at: position) }
        case UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "0")...UInt8(ascii: "9"):
            return parseNumber()
        case UInt8(ascii: ","), UInt8(ascii: "]"), UInt8(ascii: "}"), UInt8(ascii: ":"):
            report("a value is missing before '\(Character(Unicode.Scalar(byte)))'", at: here())
            return nil
        default:
            return parseWord()
        }
    }

    private mutating func parseElements(from start: JSONPosition) -> [JSONValue] {
        var elements: [JSONValue] = []
        while !atEnd(of: UInt8(ascii: "]"), openedAt: start) {
            if let element = parseValue() { elements.append(element) } else { recover() }
            separate(before: UInt8(ascii: "]"))
        }
        return elements
    }

    private mutating func parseMembers(from start: JSONPosition) -> JSONObject {
        var object = JSONObject()
        var seen: [String: JSONPosition] = [:]
        while !atEnd(of: UInt8(ascii: "}"), openedAt: start) {
            let position = here()
            if let key = parseKey() {
                let first = seen[key]
                if let first {
                    report("the key \"\(key)\" is there already, at \(first); remove one of them", at: position)
                } else {
                    seen[key] = position
                }
                if let value = parseMemberValue(of: key) {
                    if first == nil { object.append(JSONMember(key, value, keyPosition: position)) }
                } else {
                    object.isComplete = false
                    recover()
                }
            } else {
                object.isComplete = false
                recover()
            }
            separate(before: UInt8(ascii: "}"))
        }
        if !closed { object.isComplete = false }
        return object
    }

    private mutating func parseMemberValue(of key: String) -> JSONValue? {
        skipSpace()
        guard peek() == UInt8(ascii: ":") else {
            let hint = peek() == UInt8(ascii: "=") ? "write ':' instead of '='" : "write ':' and a value"
            report("the key \"\(key)\" has no value; \(hint)", at: here())
            return nil
        }
        advance()
        skipSpace()
        return parseValue()
    }

    /// Whether the container that `closer` ends is over; takes the closer, or reports that it is not there.
    private mutating func atEnd(of closer: UInt8, openedAt start: JSONPosition) -> Bool {
        closed = false
        while true {
            skipSpace()
            let wanted = Character(Unicode.Scalar(closer))
            switch peek() {
            case closer:
                advance()
                closed = !stopped
                return true
            case nil:
                let opener = closer == UInt8(ascii: "}") ? "{" : "["
                report("this '\(opener)' is never closed; write '\(wanted)' at its end", at: start)
                return true
            case UInt8(ascii: "]"), UInt8(ascii: "}"):
                report("'\(wanted)' is missing before this; it closes the bracket opened at \(start)", at: here())
                let opener = closer == UInt8(ascii: "}") ? UInt8(ascii: "[") : UInt8(ascii: "{")
                if open.dropLast().contains(opener) { return true }
                advance()
            case UInt8(ascii: ","):
                report("there is nothing before this ','; remove it", at: here())
                advance()
            default:
                return false
            }
        }
    }

    /// Passes the comma behind a member or element.
    private mutating func separate(before closer: UInt8) {
        skipSpace()
        let pardoned = commaMayBeMissing
        commaMayBeMissing = false
        guard let byte = peek() else { return }
        if byte == UInt8(ascii: ",") {
            let position = here()
            advance()
            guard dialect == .strict else { return }
            skipSpace()
            if peek() == closer { report("JSON has no ',' behind the last entry; remove it", at: position) }
        } else if byte != UInt8(ascii: "]"), byte != UInt8(ascii: "}"), !pardoned {
            report("a ',' is missing before this", at: here())
            if !beginsEntry(byte) {
                recover()
                separate(before: closer)
            }
        }
    }

    // MARK: Faults

    /// Passes over what cannot be read, up to the next comma or closing bracket of this level.
    private mutating func recover() {
        guard !commaMayBeMissing else { return }
        while let byte = peek() {
            switch byte {
            case UInt8(ascii: ","), UInt8(ascii: "]"), UInt8(ascii: "}"): return
            case UInt8(ascii: "{"), UInt8(ascii: "["): skipBalanced()
            case UInt8(ascii: "\""), UInt8(ascii: "'"): skipQuoted()
            case UInt8(ascii: "/"):
                let before = offset
                skipSpace()
                if offset == before { advance() }
            default: advance()
            }
        }
    }

    /// Passes over a bracket and all up to the one that closes it, without recursion.
    private mutating func skipBalanced() {
        var depth = 0
        while let byte = peek() {
            switch byte {
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            case UInt8(ascii: "\""), UInt8(ascii: "'"):
                skipQuoted()
                continue
            default: break
            }
            advance()
            if depth == 0 { return }
        }
    }

    /// Passes over a string, or over the rest of the line if it does not end there.
    private mutating func skipQuoted() {
        let quote = peek()
        advance()
        while let byte = peek(), byte != UInt8(ascii: "\n") {
            advance()
            if byte == quote { return }
            if byte == UInt8(ascii: "\\") { advance() }
        }
    }

    mutating func report(_ message: String, at position: JSONPosition) {
        guard !stopped else { return }
        if diagnostics.count + 1 >= limits.diagnostics {
            diagnostics.append(JSONDiagnostic(position, "\(message) (reading stops here: too many faults)"))
            stopped = true
            offset = bytes.count
        } else {
            diagnostics.append(JSONDiagnostic(position, message))
        }
    }

    // MARK: Bytes

    /// The byte `distance` from the next one, or `nil` beyond the text.
    func peek(_ distance: Int = 0) -> UInt8? {
        let index = offset + distance
        return index >= 0 && index < bytes.count ? bytes[index] : nil
    }

    mutating func advance(_ count: Int = 1) {
        offset = min(offset + count, bytes.count)
    }

    /// The position of the byte to be read next.
    mutating func here() -> JSONPosition {
        tracker.position(of: offset, in: bytes)
    }

    private func beginsEntry(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: "_"), UInt8(ascii: "$"), UInt8(ascii: "{"),
            UInt8(ascii: "["), UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), 0x80...:
            true
        default: false
        }
    }
}

extension JSONValue {
    /// Reads `text`, by default as strict JSON; throws everything that is wrong with it.
    public init(
        parsing text: String, dialect: JSONParser.Dialect = .strict, limits: JSONParser.Limits = .init()
    ) throws(JSONError) {
        try self.init(parsing: Array(text.utf8), dialect: dialect, limits: limits)
    }

    /// Reads UTF-8 `bytes`, by default as strict JSON; throws everything that is wrong with them.
    public init(
        parsing bytes: [UInt8], dialect: JSONParser.Dialect = .strict, limits: JSONParser.Limits = .init()
    ) throws(JSONError) {
        let result = JSONParser.parse(bytes: bytes, dialect: dialect, limits: limits)
        guard let value = result.value, result.diagnostics.isEmpty else { throw JSONError(result.diagnostics) }
        self = value
    }
}
