import Classification
import Glibc
import Testing
import Wire

/// How long a lookup takes. Printed, not asserted: run it alone, optimised, on a quiet machine with
/// `ANABRANCH_BENCH=1 swift test -c release --filter LookupBenchmark`.
@Suite(.enabled(if: unsafe getenv("ANABRANCH_BENCH") != nil))
struct LookupBenchmark {
    enum Shape: String, CaseIterable {
        /// Each service has an address of its own, IPv4 and IPv6.
        case addresses
        /// All services have one address and a port each.
        case ports
        /// Each service has a /28 of its own, in four lengths altogether.
        case blocks
    }

    static func services(_ count: Int, _ shape: Shape) -> [ServiceDefinition] {
        (0..<count).map { number in
            let (high, low) = (UInt8(number >> 8), UInt8(number & 255))
            var match = ServiceMatch(protocols: [TransportProtocol.tcp], destinationPorts: [80...80])
            switch shape {
            case .addresses:
                let six = IPAddress(networkBytes: [0xFD] + [UInt8](repeating: 0, count: 13) + [high, low])
                match.destinations = [IPAddress(10, 0, high, low), six].compactMap(\.self)
                    .map { IPPrefix(masking: $0, length: $0.family == .ipv4 ? 32 : 128) }
            case .ports:
                match.destinations = [IPPrefix(masking: IPAddress(10, 0, 0, 0), length: 32)]
                match.destinationPorts = [UInt16(80 + number)...UInt16(80 + number)]
            case .blocks:
                let address = IPAddress(10, UInt8(number >> 4), UInt8(number << 4 & 255), 0)
                match.destinations = [IPPrefix(masking: address, length: 28 - number % 4)]
            }
            return ServiceDefinition(name: "s\(number)", match: match, pool: "p")
        }
    }

    static func keys(_ count: Int, _ shape: Shape) -> [FlowKey] {
        var random = TestRandom(state: 1)
        return (0..<8192).map { _ in
            let number = Int.random(in: 0..<count, using: &random)
            let (high, low) = (UInt8(number >> 8), UInt8(number & 255))
            var destination = IPAddress(10, 0, high, low)
            switch shape {
            case .addresses: break
            case .ports: destination = IPAddress(10, 0, 0, 0)
            case .blocks: destination = IPAddress(10, UInt8(number >> 4), UInt8(number << 4 & 255), 7)
            }
            let source = IPAddress(192, 0, 2, UInt8.random(in: 0...255, using: &random))
            return FlowKey(
                source: source, destination: destination,
                sourcePort: UInt16.random(in: 1024...65535, using: &random),
                destinationPort: shape == .ports ? UInt16(80 + number) : 80, transport: TransportProtocol.tcp)
        }
    }

    @Test func lookups() throws {
        for shape in Shape.allCases {
            for count in [1, 10, 250, 1000] {
                let classifier = try Classifier(Self.services(count, shape))
                let keys = Self.keys(count, shape)
                var best = Duration.seconds(1000)
                var found = 0
                for _ in 0..<60 {
                    let start = ContinuousClock.now
                    for key in keys where classifier.service(for: key) >= 0 { found += 1 }
                    best = min(best, ContinuousClock.now - start)
                }
                #expect(found == 60 * keys.count)
                let linear = try Self.linear(classifier, keys)
                let nanoseconds = best / keys.count / Duration.nanoseconds(1)
                print(
                    "\(shape) \(count): \(nanoseconds) ns, one after the other \(linear) ns, \(classifier.memorySize) B"
                )
            }
        }
    }

    static func linear(_ classifier: Classifier, _ keys: [FlowKey]) throws -> Double {
        let some = keys.prefix(512)
        var found = 0
        let start = ContinuousClock.now
        for key in some where classifier.services.contains(where: { $0.match.contains(key) }) { found += 1 }
        let time = ContinuousClock.now - start
        #expect(found == some.count)
        return (time / some.count) / Duration.nanoseconds(1)
    }
}
