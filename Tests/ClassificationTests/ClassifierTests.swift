import Classification
import Selection
import Testing
import Wire

@Suite struct ClassifierTests {
    static func prefixes(_ texts: String...) throws -> [IPPrefix] {
        try texts.map { try #require(IPPrefix($0)) }
    }

    static func key(
        _ source: String = "192.0.2.1", _ sourcePort: UInt16 = 40000, to destination: String, _ port: UInt16,
        _ transport: UInt8 = TransportProtocol.tcp
    ) throws -> FlowKey {
        FlowKey(
            source: try #require(IPAddress(source)), destination: try #require(IPAddress(destination)),
            sourcePort: sourcePort, destinationPort: port, transport: transport)
    }

    /// The answer by definition: the first service that contains the packet.
    static func reference(_ services: [ServiceDefinition], _ key: FlowKey, _ portsKnown: Bool, _ isEcho: Bool) -> Int {
        services.firstIndex { $0.match.contains(key, portsKnown: portsKnown, isEcho: isEcho) } ?? -1
    }

    @Test func theCompiledFormAgreesWithTheDefinition() throws {
        var random = TestRandom(state: 3)
        #if DEBUG
            let rounds = 70
        #else
            let rounds = 700
        #endif
        for round in 0..<rounds {
            let count = [0, 1, 2, 5, 12, 40, 120][round % 7]
            let services = (0..<count).map { random.service($0) }
            let classifier = try Classifier(services.shuffled(using: &random))
            #expect(classifier.services == services.sorted(by: ServiceDefinition.precedes))
            var differing = 0
            for _ in 0..<1500 {
                let key = random.key()
                let portsKnown = !random.once(in: 4)
                let isEcho = random.once(in: 6)
                let found = classifier.service(for: key, portsKnown: portsKnown, isEcho: isEcho)
                if found != Self.reference(classifier.services, key, portsKnown, isEcho) { differing += 1 }
            }
            #expect(differing == 0, "\(count) services, round \(round)")
        }
    }

    @Test func theHighestPriorityWinsAndAmongEqualsTheFirstName() throws {
        let match = ServiceMatch(destinations: try Self.prefixes("10.0.0.100"))
        let classifier = try Classifier([
            ServiceDefinition(name: "b", priority: 5, match: match, pool: "p"),
            ServiceDefinition(name: "c", priority: 9, match: ServiceMatch(protocols: [17]), pool: "p"),
            ServiceDefinition(name: "a", priority: 5, match: match, pool: "p"),
        ])
        #expect(classifier.services.map(\.name) == ["c", "a", "b"])
        #expect(classifier.service(for: try Self.key(to: "10.0.0.100", 53, TransportProtocol.udp)) == 0)
        #expect(classifier.service(for: try Self.key(to: "10.0.0.100", 53)) == 1)
        #expect(classifier.service(for: try Self.key(to: "10.0.0.101", 53)) == -1)
    }

    @Test func aFragmentWithoutPortsGoesByAddressesAndProtocol() throws {
        let classifier = try Classifier([
            ServiceDefinition(
                name: "web",
                match: ServiceMatch(
                    protocols: [TransportProtocol.tcp], destinations: try Self.prefixes("fd00::100"),
                    sources: try Self.prefixes("fd01::/16"), destinationPorts: [80...80], sourcePorts: [1...9]),
                pool: "p")
        ])
        let key = try Self.key("fd01::1", 0, to: "fd00::100", 0)
        #expect(classifier.service(for: key) == -1)
        #expect(classifier.service(for: key, portsKnown: false) == 0)
        let udp = try Self.key("fd01::1", 0, to: "fd00::100", 0, TransportProtocol.udp)
        #expect(classifier.service(for: udp, portsKnown: false) == -1)
        #expect(classifier.service(for: try Self.key("fd02::1", 0, to: "fd00::100", 0), portsKnown: false) == -1)
    }

    @Test func aPingIsTakenByAnyServiceOfTheAddress() throws {
        let classifier = try Classifier([
            ServiceDefinition(
                name: "web",
                match: ServiceMatch(
                    protocols: [TransportProtocol.tcp], destinations: try Self.prefixes("10.0.0.100"),
                    sources: try Self.prefixes("192.0.2.0/24"), destinationPorts: [80...80]),
                pool: "p")
        ])
        let ping = try Self.key("192.0.2.9", 77, to: "10.0.0.100", 77, TransportProtocol.icmp)
        #expect(classifier.service(for: ping) == -1)
        #expect(classifier.service(for: ping, isEcho: true) == 0)
        let stranger = try Self.key("198.51.100.9", 77, to: "10.0.0.100", 77, TransportProtocol.icmp)
        #expect(classifier.service(for: stranger, isEcho: true) == -1)
    }

    @Test func blocksInsideEachOtherAllCount() throws {
        func service(_ name: String, _ priority: Int, _ blocks: String...) throws -> ServiceDefinition {
            let destinations = try blocks.map { try #require(IPPrefix($0)) }
            return ServiceDefinition(
                name: name, priority: priority, match: ServiceMatch(destinations: destinations), pool: "p")
        }
        let classifier = try Classifier([
            try service("wide", 9, "10.0.0.0/8"), try service("host", 1, "10.1.2.3"),
            try service("all", 0, "0.0.0.0/0"),
            try service("six", 3, "::/0", "fd00::/8"), try service("narrow", 20, "10.1.2.0/31", "fd00::1"),
        ])
        let expected = [
            ("10.1.2.3", "wide"), ("10.1.2.1", "narrow"), ("10.9.9.9", "wide"), ("11.0.0.1", "all"),
            ("fd00::1", "narrow"),
            ("fd00::2", "six"), ("2001:db8::1", "six"),
        ]
        for (address, name) in expected {
            let source = address.contains(":") ? "fd02::1" : "192.0.2.1"
            let index = classifier.service(for: try Self.key(source, to: address, 80))
            #expect(index >= 0 && classifier.services[index].name == name, "\(address)")
        }
    }

    @Test func manyServicesOfOneAddressAreToldApartByPort() throws {
        let destinations = try Self.prefixes("10.0.0.100")
        let services = (0..<1000).map { number in
            let first = UInt16(1000 + 20 * number)
            return ServiceDefinition(
                name: "s\(number)",
                match: ServiceMatch(destinations: destinations, destinationPorts: [first...first + 9]), pool: "p")
        }
        let classifier = try Classifier(services)
        for number in 0..<1000 {
            let first = UInt16(1000 + 20 * number)
            for (port, expected) in [
                (first, "s\(number)"), (first + 9, "s\(number)"), (first + 10, nil), (first - 1, nil),
            ] {
                let index = classifier.service(for: try Self.key(to: "10.0.0.100", port))
                #expect((index < 0 ? nil : classifier.services[index].name) == expected)
            }
        }
    }

    @Test func whatCannotBeCompiledIsSaid() throws {
        #expect(throws: ClassificationError.duplicateName("a")) {
            try Classifier([ServiceDefinition(name: "a", pool: "p"), ServiceDefinition(name: "a", pool: "q")])
        }
        let many = (0...Classifier.maximumServices).map { ServiceDefinition(name: "s\($0)", pool: "p") }
        #expect(throws: ClassificationError.tooManyServices(count: Classifier.maximumServices + 1)) {
            try Classifier(many)
        }
    }

    @Test func thousandsOfOverlappingServicesStayWithinMemory() throws {
        var random = TestRandom(state: 9)
        let services = (0..<Classifier.maximumServices).map { number in
            let (a, b) = (
                UInt16.random(in: 0...UInt16.max, using: &random), UInt16.random(in: 0...UInt16.max, using: &random)
            )
            return ServiceDefinition(
                name: "s\(number)",
                match: ServiceMatch(protocols: [TransportProtocol.udp], destinationPorts: [min(a, b)...max(a, b)]),
                pool: "p")
        }
        let classifier = try Classifier(services)
        #expect(classifier.memorySize < 64 << 20)
        for _ in 0..<200 {
            let port = UInt16.random(in: 0...UInt16.max, using: &random)
            let key = try Self.key(to: "10.0.0.1", port, TransportProtocol.udp)
            #expect(classifier.service(for: key) == Self.reference(classifier.services, key, true, false))
        }
    }
}
