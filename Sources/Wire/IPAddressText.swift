/// Addresses as text: dotted quads, and IPv6 as RFC 4291 §2.2 reads and RFC 5952 writes it.
extension IPAddress: LosslessStringConvertible {
    /// Reads an address; nil if the text is none. Octets with leading zeros, zone identifiers and surrounding blanks
    /// are refused, because programs disagree on what they mean.
    public init?(_ description: String) {
        let text = Substring(description)
        let bytes = text.utf8.contains(UInt8(ascii: ":")) ? Self.ipv6Bytes(text) : Self.ipv4Bytes(text)
        guard let bytes else { return nil }
        self.init(networkBytes: bytes)
    }

    /// The dotted quad, or the canonical form of RFC 5952 (lower case, longest run of zeros cut, IPv4-mapped
    /// addresses with a dotted tail).
    public var description: String {
        let bytes = networkBytes
        if family == .ipv4 { return Self.dotted(bytes[...]) }
        if bytes.prefix(10).allSatisfy({ $0 == 0 }) && bytes[10] == 0xFF && bytes[11] == 0xFF {
            return "::ffff:" + Self.dotted(bytes[12...])
        }
        let groups = (0..<8).map { UInt16(bytes[2 * $0]) << 8 | UInt16(bytes[2 * $0 + 1]) }
        let hex = groups.map { String($0, radix: 16) }
        let run = Self.longestZeroRun(groups)
        guard run.count > 1 else { return hex.joined(separator: ":") }
        return hex[..<run.lowerBound].joined(separator: ":") + "::" + hex[run.upperBound...].joined(separator: ":")
    }

    private static func dotted(_ bytes: ArraySlice<UInt8>) -> String {
        bytes.map { String($0) }.joined(separator: ".")
    }

    /// The first of the longest runs of zero groups (RFC 5952 §4.2.3).
    private static func longestZeroRun(_ groups: [UInt16]) -> Range<Int> {
        var best = 0..<0
        var start = 0
        for index in 0...8 where index == 8 || groups[index] != 0 {
            if index - start > best.count { best = start..<index }
            start = index + 1
        }
        return best
    }

    private static func ipv4Bytes(_ text: Substring) -> [UInt8]? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var bytes: [UInt8] = []
        for part in parts {
            let digits = part.utf8
            guard (1...3).contains(digits.count), digits.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else { return nil }
            guard digits.count == 1 || digits.first != 0x30, let byte = UInt8(part) else { return nil }
            bytes.append(byte)
        }
        return bytes
    }

    private static func ipv6Bytes(_ text: Substring) -> [UInt8]? {
        guard let cut = firstDoubleColon(text) else {
            guard let bytes = groupBytes(text, mayEndDotted: true), bytes.count == 16 else { return nil }
            return bytes
        }
        let head = text[..<cut]
        let tail = text[text.index(cut, offsetBy: 2)...]
        guard let front = head.isEmpty ? [] : groupBytes(head, mayEndDotted: false) else { return nil }
        guard let back = tail.isEmpty ? [] : groupBytes(tail, mayEndDotted: true) else { return nil }
        // "::" stands for at least one group of zeros.
        let missing = 16 - front.count - back.count
        guard missing >= 2 else { return nil }
        return front + [UInt8](repeating: 0, count: missing) + back
    }

    private static func firstDoubleColon(_ text: Substring) -> Substring.Index? {
        var index = text.startIndex
        while index < text.endIndex {
            if text[index...].hasPrefix("::") { return index }
            index = text.index(after: index)
        }
        return nil
    }

    /// The bytes of groups divided by single colons; the last may be a dotted quad.
    private static func groupBytes(_ text: Substring, mayEndDotted: Bool) -> [UInt8]? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        var bytes: [UInt8] = []
        for (index, part) in parts.enumerated() {
            if mayEndDotted, index == parts.count - 1, part.utf8.contains(UInt8(ascii: ".")) {
                guard let quad = ipv4Bytes(part) else { return nil }
                return bytes + quad
            }
            guard (1...4).contains(part.utf8.count), part.utf8.allSatisfy(isHexDigit) else { return nil }
            guard let group = UInt16(part, radix: 16) else { return nil }
            bytes += [UInt8(group >> 8), UInt8(group & 0xFF)]
        }
        return bytes
    }

    private static func isHexDigit(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x46).contains(byte) || (0x61...0x66).contains(byte)
    }
}
