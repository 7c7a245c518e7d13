// Strings, keys and bare words.

extension JSONParser {
    /// Reads a quoted string; `nil` when it cannot be read, which has been reported then.
    mutating func parseString() -> String? {
        let start = here()
        guard let quote = peek() else { return nil }
        if quote == UInt8(ascii: "'"), dialect == .strict {
            report("JSON strings stand in double quotes", at: start)
        }
        advance()
        let first = offset
        while let byte = peek(), byte != quote, byte != UInt8(ascii: "\\"), byte >= 0x20 { advance() }
        if peek() == quote {
            let text = String(decoding: bytes[first..<offset], as: UTF8.self)
            advance()
            return text
        }
        return parseRestOfString(from: first, quote: quote, start: start)
    }

    /// Reads a string with escapes or control characters, of which `first..<offset` is plain.
    private mutating func parseRestOfString(from first: Int, quote: UInt8, start: JSONPosition) -> String? {
        var text = Array(bytes[first..<offset])
        var valid = true
        while let byte = peek() {
            switch byte {
            case quote:
                advance()
                return valid ? String(decoding: text, as: UTF8.self) : nil
            case UInt8(ascii: "\\"):
                valid = parseEscape(into: &text) && valid
            case UInt8(ascii: "\n"), UInt8(ascii: "\r"):
                report("this string is not closed on its line; write the missing quote", at: start)
                commaMayBeMissing = true
                return nil
            case 0..<0x20 where dialect == .strict:
                let digits = String(byte, radix: 16)
                report("write this control character as \\u00\(byte < 16 ? "0" : "")\(digits)", at: here())
                valid = false
                advance()
            default:
                text.append(byte)
                advance()
            }
        }
        report("this string is never closed; write the missing quote", at: start)
        return nil
    }

    /// Reads an escape sequence (json5.org §5) and appends what it stands for; false when it stands for nothing.
    private mutating func parseEscape(into text: inout [UInt8]) -> Bool {
        let position = here()
        advance()
        guard let byte = peek() else { return true }
        if byte == UInt8(ascii: "u") {
            advance()
            guard let scalar = parseUnicodeEscape(from: position) else { return false }
            text.append(contentsOf: Array(String(Character(scalar)).utf8))
            return true
        }
        if dialect == .json5 {
            switch byte {
            case UInt8(ascii: "\r"):
                advance(peek(1) == UInt8(ascii: "\n") ? 2 : 1)
                return true
            case UInt8(ascii: "\n"):
                advance()
                return true
            case UInt8(ascii: "x"):
                advance()
                guard let value = parseHexDigits(2) else {
                    report("\\x needs two hexadecimal digits", at: position)
                    return false
                }
                text.append(contentsOf: Array(String(Character(Unicode.Scalar(UInt8(value)))).utf8))
                return true
            case UInt8(ascii: "0") where !isDigit(peek(1)), UInt8(ascii: "v"), UInt8(ascii: "'"):
                text.append(byte == UInt8(ascii: "0") ? 0 : byte == UInt8(ascii: "v") ? 0x0B : byte)
                advance()
                return true
            case 0xE2 where peek(1) == 0x80 && (peek(2) == 0xA8 || peek(2) == 0xA9):
                advance(3)
                return true
            default: break
            }
        }
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        default:
            guard dialect == .json5, !isDigit(byte) else {
                report("there is no such escape; write \\\\ for a backslash", at: position)
                if byte >= 0x20 { advance() }
                return false
            }
            text.append(byte)  // Any other character stands for itself; the rest of its UTF-8 follows by itself.
        }
        advance()
        return true
    }

    /// Reads what follows `\u`, two escapes for a surrogate pair; reports at `position` and gives `nil` if it is no
    /// character.
    private mutating func parseUnicodeEscape(from position: JSONPosition) -> Unicode.Scalar? {
        guard let first = parseHexDigits(4) else {
            report("\\u needs four hexadecimal digits", at: position)
            return nil
        }
        if let scalar = Unicode.Scalar(first) { return scalar }
        if first < 0xDC00, peek() == UInt8(ascii: "\\"), peek(1) == UInt8(ascii: "u") {
            let before = offset
            advance(2)
            if let second = parseHexDigits(4), 0xDC00...0xDFFF ~= second {
                return Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
            }
            offset = before
        }
        report("half a surrogate pair is no character; write both halves", at: position)
        return nil
    }

    private mutating func parseHexDigits(_ count: Int) -> UInt32? {
        var value: UInt32 = 0
        for distance in 0..<count {
            guard let digit = hexDigit(peek(distance)) else { return nil }
            value = value << 4 | UInt32(digit)
        }
        advance(count)
        return value
    }

    // MARK: Keys and words

    /// Reads a key; `nil` when there is none, which has been reported then.
    mutating func parseKey() -> String? {
        let position = here()
        let byte = peek()
        if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") { return parseString() }
        if let word = parseIdentifier() {
            if dialect == .strict { report("JSON keys stand in double quotes", at: position) }
            return word
        }
        report(
            isDigit(byte) ? "a key that begins with a digit stands in quotes" : "a key is missing here", at: position)
        return nil
    }

    /// Reads `true`, `false`, `null`, `Infinity` or `NaN`; `nil` for any other word, which has been reported then.
    mutating func parseWord() -> JSONValue? {
        let position = here()
        switch parseIdentifier() {
        case "true": return JSONValue(.bool(true), at: position)
        case "false": return JSONValue(.bool(false), at: position)
        case "null": return JSONValue(.null, at: position)
        case "Infinity" where dialect == .json5: return JSONValue(.double(.infinity), at: position)
        case "NaN" where dialect == .json5: return JSONValue(.double(.nan), at: position)
        case let word?: report("\"\(word)\" is no value; put strings in quotes", at: position)
        case nil: report("a value is missing here", at: position)
        }
        return nil
    }

    /// Reads an ECMAScript 5.1 IdentifierName, or nothing.
    private mutating func parseIdentifier() -> String? {
        var text: [UInt8] = []
        while let byte = peek() {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"),
                UInt8(ascii: "$"):
                text.append(byte)
                advance()
            case UInt8(ascii: "0")...UInt8(ascii: "9") where !text.isEmpty:
                text.append(byte)
                advance()
            case UInt8(ascii: "\\") where peek(1) == UInt8(ascii: "u"):
                let before = (offset, here())
                advance(2)
                guard let scalar = parseUnicodeEscape(from: before.1) else { return nil }
                guard isIdentifierPart(scalar, first: text.isEmpty) else {
                    offset = before.0
                    return text.isEmpty ? nil : String(decoding: text, as: UTF8.self)
                }
                text.append(contentsOf: Array(String(Character(scalar)).utf8))
            case 0x80...:
                let (scalar, length) = scalarHere()
                guard isIdentifierPart(scalar, first: text.isEmpty) else {
                    return text.isEmpty ? nil : String(decoding: text, as: UTF8.self)
                }
                text.append(contentsOf: bytes[offset..<offset + length])
                advance(length)
            default:
                return text.isEmpty ? nil : String(decoding: text, as: UTF8.self)
            }
        }
        return text.isEmpty ? nil : String(decoding: text, as: UTF8.self)
    }

    private func isIdentifierPart(_ scalar: Unicode.Scalar, first: Bool) -> Bool {
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .letterNumber: true
        case .nonspacingMark, .spacingMark, .decimalNumber, .connectorPunctuation: !first || scalar == "_"
        default: scalar == "$" || (!first && (scalar == "\u{200C}" || scalar == "\u{200D}"))
        }
    }
}

/// The value of a hexadecimal digit.
func hexDigit(_ byte: UInt8?) -> UInt8? {
    switch byte {
    case let byte? where UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte: byte - UInt8(ascii: "0")
    case let byte? where UInt8(ascii: "a")...UInt8(ascii: "f") ~= byte: byte - UInt8(ascii: "a") + 10
    case let byte? where UInt8(ascii: "A")...UInt8(ascii: "F") ~= byte: byte - UInt8(ascii: "A") + 10
    default: nil
    }
}

/// Whether `byte` is a decimal digit.
func isDigit(_ byte: UInt8?) -> Bool {
    guard let byte else { return false }
    return UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte
}
