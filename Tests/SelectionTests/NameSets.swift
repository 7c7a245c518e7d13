import Selection
import Testing

/// Ways operators name backends. A property of the table has to hold for each of them.
enum NameSet: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case numbered, hostnames, ipv4Addresses, ipv6Addresses

    /// The sets to go through where a test builds hundreds of large tables: all of them when that is quick.
    static var affordable: [NameSet] {
        #if DEBUG
            [.hostnames]
        #else
            allCases
        #endif
    }

    var testDescription: String { rawValue }

    func name(_ number: Int) -> String {
        switch self {
        case .numbered: "b\(number)"
        case .hostnames: "web-\(number).zone-\(number % 3).example.net"
        case .ipv4Addresses: "10.0.\(number / 250).\(number % 250 + 1)"
        case .ipv6Addresses: "2001:db8::\(String(number, radix: 16))"
        }
    }

    func members(_ count: Int, weight: (Int) -> UInt32 = { _ in 1 }) -> [TableMember] {
        (1...count).map { TableMember(name: name($0), weight: weight($0)) }
    }
}

/// A generator with a seed (SplitMix64), so that a failing case can be had again.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
