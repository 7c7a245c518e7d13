/// Writes JSON (RFC 8259), compact or indented, into one growing buffer of bytes.
///
/// ```swift
/// var writer = JSONWriter()
/// writer.object {
///     $0.member("number", 17)
///     $0.member("outcome", "forwarded")
///     $0.array("path") { $0.write("a") }
/// }
/// writer.newline()
/// ```
/// Keys appear in the order in which they are written. Commas and indentation are the writer's business; that keys stand
/// in objects only, and one value behind each, is the caller's.
public struct JSONWriter: Sendable {
    /// How the text is laid out.
    public enum Style: Sendable {
        /// No space that is not needed; one line.
        case compact
        /// Two spaces per level, one member per line.
        case pretty
    }

    /// What was written so far, UTF-8.
    public private(set) var bytes: [UInt8] = []
    private let style: Style
    private var depth = 0
    /// Whether a comma is due before the next key or element.
    private var needsComma = false
    /// Whether the next value stands behind its key.
    private var afterKey = false

    /// An empty writer.
    public init(_ style: Style = .compact, capacity: Int = 0) {
        self.style = style
        bytes.reserveCapacity(capacity)
    }

    /// What was written so far.
    public var text: String { String(decoding: bytes, as: UTF8.self) }

    /// Begins anew and keeps the memory.
    public mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
        depth = 0
        needsComma = false
        afterKey = false
    }

    /// Ends a line; for one document per line.
    public mutating func newline() {
        bytes.append(UInt8(ascii: "\n"))
    }

    // MARK: Containers

    /// Writes an object whose members `body` writes.
    public mutating func object<E: Error>(_ body: (inout JSONWriter) throws(E) -> Void) throws(E) {
        open(UInt8(ascii: "{"))
        try body(&self)
        close(UInt8(ascii: "}"))
    }

    /// Writes a list whose elements `body` writes.
    public mutating func array<E: Error>(_ body: (inout JSONWriter) throws(E) -> Void) throws(E) {
        open(UInt8(ascii: "["))
        try body(&self)
        close(UInt8(ascii: "]"))
    }

    /// Writes the member `key` with an object as its value.
    public mutating func object<E: Error>(_ key: String, _ body: (inout JSONWriter) throws(E) -> Void) throws(E) {
        self.key(key)
        try object(body)
    }

    /// Writes the member `key` with a list as its value.
    public mutating func array<E: Error>(_ key: String, _ body: (inout JSONWriter) throws(E) -> Void) throws(E) {
        self.key(key)
        try array(body)
    }

    /// Writes a key; its value must follow.
    public mutating func key(_ key: String) {
        separate()
        appendQuoted(key)
        bytes.append(UInt8(ascii: ":"))
        if style == .pretty { bytes.append(UInt8(ascii: " ")) }
        afterKey = true
    }

    // MARK: Members

    /// Writes the member `key: value`.
    public mutating func member(_ key: String, _ value: String) { self.key(key); write(value) }
    /// Writes the member `key: value`.
    public mutating func member(_ key: String, _ value: Bool) { self.key(key); write(value) }
    /// Writes the member `key: value`.
    public mutating func member(_ key: String, _ value: Double) { self.key(key); write(value) }
    /// Writes the member `key: value`.
    public mutating func member(_ key: String, _ value: some FixedWidthInteger) { self.key(key); write(value) }
    /// Writes the member `key: value`.
    public mutating func member(_ key: String, _ value: JSONValue) { self.key(key); write(value) }
    /// Writes the member `key: value`, `null` for `nil`.
    public mutating func member(_ key: String, _ value: String?) {
        self.key(key)
        if let value { write(value) } else { writeNull() }
    }
    /// Writes the member `key: value`, `null` for `nil`.
    public mutating func member<T: FixedWidthInteger>(_ key: String, _ value: T?) {
        self.key(key)
        if let value { write(value) } else { writeNull() }
    }

    // MARK: Values

    /// Writes a string.
    public mutating func write(_ value: String) {
        separate()
        appendQuoted(value)
        needsComma = true
    }

    /// Writes `true` or `false`.
    public mutating func write(_ value: Bool) {
        separate()
        append(value ? "true" : "false")
        needsComma = true
    }

    /// Writes a number with the fewest digits that read back as the same one; `null` for infinity and NaN.
    public mutating func write(_ value: Double) {
        guard value.isFinite else { return writeNull() }
        separate()
        bytes.append(contentsOf: value.description.utf8)
        needsComma = true
    }

    /// Writes a whole number exactly.
    public mutating func write(_ value: some FixedWidthInteger) {
        separate()
        if let small = UInt64(exactly: value) {
            append(decimal: small)
        } else {
            bytes.append(contentsOf: String(value).utf8)
        }
        needsComma = true
    }

    /// Writes `null`.
    public mutating func writeNull() {
        separate()
        append("null")
        needsComma = true
    }

    /// Writes a value and all it contains.
    public mutating func write(_ value: JSONValue) {
        switch value.kind {
        case .null: writeNull()
        case .bool(let value): write(value)
        case .integer(let value): write(value)
        case .unsigned(let value): write(value)
        case .double(let value): write(value)
        case .string(let value): write(value)
        case .array(let values): array { for value in values { $0.write(value) } }
        case .object(let object): self.object { for member in object { $0.member(member.key, member.value) } }
        }
    }

    // MARK: Layout

    /// Writes whatever must stand before the next key or value.
    private mutating func separate() {
        if afterKey {
            afterKey = false
            return
        }
        if needsComma, depth > 0 { bytes.append(UInt8(ascii: ",")) }
        needsComma = false
        if style == .pretty, depth > 0 { indent() }
    }

    private mutating func open(_ bracket: UInt8) {
        separate()
        bytes.append(bracket)
        depth += 1
        needsComma = false
    }

    private mutating func close(_ bracket: UInt8) {
        depth -= 1
        if style == .pretty, needsComma { indent() }
        bytes.append(bracket)
        needsComma = true
    }

    private mutating func indent() {
        bytes.append(UInt8(ascii: "\n"))
        bytes.append(contentsOf: repeatElement(UInt8(ascii: " "), count: 2 * depth))
    }

    // MARK: Text

    private mutating func append(_ text: StaticString) {
        unsafe bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    private mutating func append(decimal value: UInt64) {
        let start = bytes.count
        var rest = value
        repeat {
            bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10))
            rest /= 10
        } while rest != 0
        bytes[start...].reverse()
    }

    /// Appends `text` in quotes; what RFC 8259 §7 says must be escaped is escaped, and so is DEL, which terminals eat.
    private mutating func appendQuoted(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""): append("\\\"")
            case UInt8(ascii: "\\"): append("\\\\")
            case UInt8(ascii: "\n"): append("\\n")
            case UInt8(ascii: "\r"): append("\\r")
            case UInt8(ascii: "\t"): append("\\t")
            case 0..<0x20, 0x7F:
                append("\\u00")
                bytes.append(Self.hexDigit(byte >> 4))
                bytes.append(Self.hexDigit(byte & 15))
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private static func hexDigit(_ nibble: UInt8) -> UInt8 {
        nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") + nibble - 10
    }
}
