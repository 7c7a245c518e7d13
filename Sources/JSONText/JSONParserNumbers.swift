// Numbers (json5.org §6, RFC 8259 §6).

extension JSONParser {
    /// Reads a number; `nil` when it cannot be read, which has been reported then.
    mutating func parseNumber() -> JSONValue? {
        let position = here()
        let start = offset
        let negative = peek() == UInt8(ascii: "-")
        if negative || peek() == UInt8(ascii: "+") { advance() }
        let kind: JSONValue.Kind?
        if peek() == UInt8(ascii: "I") || peek() == UInt8(ascii: "N"), dialect == .json5 {
            guard let word = parseWord(), case .double(let value) = word.kind else { return nil }
            kind = .double(negative ? -value : value)
        } else if peek() == UInt8(ascii: "0"), peek(1).map({ $0 | 0x20 }) == UInt8(ascii: "x"), dialect == .json5 {
            kind = parseHexadecimal(negative: negative, at: position)
        } else {
            kind = parseDecimal(from: start, at: position)
        }
        guard let kind else { return nil }
        if let byte = peek(), continuesWord(byte) {
            report("this is no number; put strings, also those with a unit, in quotes", at: position)
            return nil
        }
        return JSONValue(kind, at: position)
    }

    private mutating func parseHexadecimal(negative: Bool, at position: JSONPosition) -> JSONValue.Kind? {
        advance(2)
        var magnitude: UInt64 = 0
        var digits = 0
        var overflow = false
        while let digit = hexDigit(peek()) {
            overflow = overflow || magnitude >> 60 != 0
            magnitude = magnitude << 4 | UInt64(digit)
            digits += 1
            advance()
        }
        guard digits > 0 else {
            report("0x needs a hexadecimal digit behind it", at: position)
            return nil
        }
        return whole(negative: negative, magnitude: overflow ? nil : magnitude, at: position)
    }

    private mutating func parseDecimal(from start: Int, at position: JSONPosition) -> JSONValue.Kind? {
        let strict = dialect == .strict
        let digits = offset
        skipDigits()
        let wholeDigits = offset - digits
        var fraction: Int?
        var exponent: Int?
        if peek() == UInt8(ascii: ".") {
            advance()
            fraction = skipDigits()
        }
        let mantissaEnd = offset
        if peek().map({ $0 | 0x20 }) == UInt8(ascii: "e") {
            advance()
            if peek() == UInt8(ascii: "+") || peek() == UInt8(ascii: "-") { advance() }
            exponent = skipDigits()
        }
        let fault: String? =
            if wholeDigits + (fraction ?? 0) == 0 {
                "this is no number; digits are missing"
            } else if exponent == 0 {
                "this is no number; digits are missing behind the exponent's 'e'"
            } else if wholeDigits > 1, bytes[digits] == UInt8(ascii: "0") {
                "a number does not begin with 0; remove the 0"
            } else if strict, wholeDigits == 0 || fraction == 0 {
                "JSON wants digits on both sides of the point"
            } else if strict, bytes[start] == UInt8(ascii: "+") {
                "JSON numbers have no '+'; remove it"
            } else {
                nil
            }
        if let fault {
            report(fault, at: position)
            return nil
        }
        let negative = bytes[start] == UInt8(ascii: "-")
        if fraction == nil, exponent == nil {
            var magnitude: UInt64? = 0
            for byte in bytes[digits..<offset] {
                guard let value = magnitude else { break }
                let (product, first) = value.multipliedReportingOverflow(by: 10)
                let (sum, second) = product.addingReportingOverflow(UInt64(byte - UInt8(ascii: "0")))
                magnitude = first || second ? nil : sum
            }
            return whole(negative: negative, magnitude: magnitude, at: position)
        }
        // The standard library wants digits on both sides of the point.
        var text = negative ? "-" : ""
        if wholeDigits == 0 { text += "0" }
        text += String(decoding: bytes[digits..<mantissaEnd], as: UTF8.self)
        if fraction == 0 { text += "0" }
        text += String(decoding: bytes[mantissaEnd..<offset], as: UTF8.self)
        guard let value = Double(text), value.isFinite else {
            report("this number is too large; at most \(Double.greatestFiniteMagnitude) can be held", at: position)
            return nil
        }
        return .double(value)
    }

    /// A whole number of sign and magnitude, kept exactly or reported.
    private mutating func whole(negative: Bool, magnitude: UInt64?, at position: JSONPosition) -> JSONValue.Kind? {
        if let magnitude {
            if !negative { return Int64(exactly: magnitude).map { .integer($0) } ?? .unsigned(magnitude) }
            if magnitude <= Int64.min.magnitude { return .integer(Int64(truncatingIfNeeded: 0 &- magnitude)) }
        }
        report("this number does not fit 64 bits; \(Int64.min) to \(UInt64.max) can be held", at: position)
        return nil
    }

    @discardableResult
    private mutating func skipDigits() -> Int {
        let start = offset
        while isDigit(peek()) { advance() }
        return offset - start
    }

    private func continuesWord(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"),
            UInt8(ascii: "$"), UInt8(ascii: "."), UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: false
        }
    }
}
