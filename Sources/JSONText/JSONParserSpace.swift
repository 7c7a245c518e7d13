// What stands between the tokens, and the text's encoding.

extension JSONParser {
    /// Passes over white space and, in JSON5, comments.
    mutating func skipSpace() {
        while let byte = peek() {
            switch byte {
            case UInt8(ascii: " "), UInt8(ascii: "\n"), UInt8(ascii: "\r"), UInt8(ascii: "\t"):
                advance()
            case UInt8(ascii: "/") where peek(1) == UInt8(ascii: "/") || peek(1) == UInt8(ascii: "*"):
                if dialect == .strict { report("JSON has no comments; remove this one", at: here()) }
                skipComment()
            case 0x0B, 0x0C:
                guard dialect == .json5 else { return }
                advance()
            case 0x80...:
                let (scalar, length) = scalarHere()
                guard dialect == .json5, isSpace(scalar) else { return }
                advance(length)
            default:
                return
            }
        }
    }

    private mutating func skipComment() {
        if peek(1) == UInt8(ascii: "/") {
            while let byte = peek(), byte != UInt8(ascii: "\n"), byte != UInt8(ascii: "\r") {
                if byte == 0xE2, peek(1) == 0x80, peek(2) == 0xA8 || peek(2) == 0xA9 { return }
                advance()
            }
        } else {
            let start = here()
            advance(2)
            while let byte = peek() {
                if byte == UInt8(ascii: "*"), peek(1) == UInt8(ascii: "/") { return advance(2) }
                advance()
            }
            report("this comment is never closed; write */ at its end", at: start)
        }
    }

    private func isSpace(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "\u{FEFF}", "\u{2028}", "\u{2029}": true
        default: scalar.properties.generalCategory == .spaceSeparator
        }
    }

    /// The scalar whose first byte is read next, at least U+0080, and its length in bytes.
    func scalarHere() -> (Unicode.Scalar, Int) {
        let first = UInt32(bytes[offset])
        let length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4
        var value = first & (0x7F >> UInt32(length))
        for byte in bytes[offset + 1..<min(offset + length, bytes.count)] { value = value << 6 | UInt32(byte & 0x3F) }
        return (Unicode.Scalar(value) ?? "\u{FFFD}", length)
    }
}

/// Where the first sequence begins that is not UTF-8 (RFC 3629 §4), or `nil` when all of it is.
func firstIllFormedUTF8(in bytes: [UInt8]) -> Int? {
    var index = 0
    while index < bytes.count {
        let byte = bytes[index]
        if byte < 0x80 {
            index += 1
            continue
        }
        let second: ClosedRange<UInt8>
        let length: Int
        switch byte {
        case 0xC2...0xDF: (second, length) = (0x80...0xBF, 2)
        case 0xE0: (second, length) = (0xA0...0xBF, 3)
        case 0xED: (second, length) = (0x80...0x9F, 3)
        case 0xE1...0xEF: (second, length) = (0x80...0xBF, 3)
        case 0xF0: (second, length) = (0x90...0xBF, 4)
        case 0xF1...0xF3: (second, length) = (0x80...0xBF, 4)
        case 0xF4: (second, length) = (0x80...0x8F, 4)
        default: return index
        }
        guard index + length <= bytes.count, second ~= bytes[index + 1],
            bytes[index + 2..<max(index + length, index + 2)].allSatisfy({ $0 & 0xC0 == 0x80 })
        else { return index }
        index += length
    }
    return nil
}
