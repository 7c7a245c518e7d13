import Classification
import Selection
import Wire

/// SplitMix64 (Steele, Lea, Flood 2014): the same numbers on each run.
struct TestRandom: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }

    /// True once in `count` times.
    mutating func once(in count: Int) -> Bool { Int.random(in: 0..<count, using: &self) == 0 }

    /// An address out of few, so that services and packets meet.
    mutating func address() -> IPAddress {
        let low = UInt8.random(in: 0...7, using: &self)
        let high = UInt8.random(in: 0...1, using: &self)
        if Bool.random(using: &self) { return IPAddress(10, high, 0, low) }
        let bytes: [UInt8] = [0xFD, high, 0, 0, 0, 0, 0, low >> 2, 0, 0, 0, 0, 0, 0, 0, low & 3]
        return IPAddress(networkBytes: bytes) ?? IPAddress(0, 0, 0, 0)
    }

    mutating func prefix() -> IPPrefix {
        let address = address()
        let lengths = address.family == .ipv4 ? [0, 8, 16, 29, 30, 31, 32, 32, 32] : [0, 16, 63, 64, 127, 128, 128]
        return IPPrefix(masking: address, length: lengths.randomElement(using: &self) ?? 0)
    }

    mutating func port() -> UInt16 {
        [0, 1, 79, 80, 81, 443, 8000, 8050, 8100, 65534, 65535].randomElement(using: &self) ?? 0
    }

    mutating func range() -> ClosedRange<UInt16> {
        let (a, b) = (port(), port())
        return once(in: 2) ? a...a : min(a, b)...max(a, b)
    }

    mutating func list<Element>(_ limit: Int, _ make: (inout TestRandom) -> Element) -> [Element] {
        once(in: 3) ? [] : (0..<Int.random(in: 1...limit, using: &self)).map { _ in make(&self) }
    }

    mutating func service(_ index: Int) -> ServiceDefinition {
        ServiceDefinition(
            name: "s\(index)", priority: Int.random(in: 0...3, using: &self),
            match: ServiceMatch(
                protocols: list(2) { $0.transport() }, destinations: list(4) { $0.prefix() },
                sources: once(in: 2) ? [] : list(3) { $0.prefix() }, destinationPorts: list(3) { $0.range() },
                sourcePorts: once(in: 2) ? [] : list(2) { $0.range() }),
            pool: "pool")
    }

    mutating func transport() -> UInt8 {
        let numbers = [
            TransportProtocol.tcp, TransportProtocol.udp, TransportProtocol.sctp, TransportProtocol.icmp, 64, 191, 255,
        ]
        return numbers.randomElement(using: &self) ?? 0
    }

    mutating func key() -> FlowKey {
        FlowKey(
            source: address(), destination: address(), sourcePort: port(), destinationPort: port(),
            transport: transport())
    }
}
