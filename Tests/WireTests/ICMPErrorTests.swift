import PacketBuilding
import Testing
import Wire

/// One family with a client, a virtual address and a router on the way between them.
struct Path: Sendable, CustomTestStringConvertible {
    var request: PacketBuilder
    var router: PacketBuilder
    var error: ICMPError
    var testDescription: String { "\(error) over IPv\(request.family.rawValue)" }

    var answer: PacketBuilder { request.reversed }
}

private let client4 = PacketBuilder(from: "192.0.2.7", to: "10.0.0.1")
private let router4 = PacketBuilder(from: "203.0.113.9", to: "10.0.0.1")
private let client6 = PacketBuilder(from: "2001:db8::7", to: "fd00::1")
private let router6 = PacketBuilder(from: "2001:db8:9::1", to: "fd00::1")

private let errors4: [ICMPError] = [
    .unreachable(code: 3), .packetTooBig(mtu: 1400), .timeExceeded(code: 0), .sourceQuench,
    .parameterProblem(code: 0, pointer: 4), .redirect(gateway: IPAddress(10, 0, 0, 9)),
]
private let errors6: [ICMPError] = [
    .unreachable(code: 4), .packetTooBig(mtu: 1280), .timeExceeded(code: 1), .parameterProblem(code: 1, pointer: 40),
]
private let paths =
    errors4.map { Path(request: client4, router: router4, error: $0) }
    + errors6.map { Path(request: client6, router: router6, error: $0) }

@Suite struct ICMPErrorTests {
    @Test(arguments: paths)
    func anErrorAboutAnAnswerHasTheKeyOfTheRequests(_ path: Path) throws {
        let flows = [
            (path.request.udp(from: 4000, to: 53), path.answer.udp(from: 53, to: 4000, payload: zeros(2000))),
            (path.request.tcp(from: 4000, to: 80), path.answer.tcp(from: 80, to: 4000, payload: zeros(20))),
            (path.request.sctp(from: 4000, to: 2905), path.answer.sctp(from: 2905, to: 4000)),
            (path.request.echo(identifier: 77), path.answer.echo(identifier: 77, reply: true)),
            (path.request.packet(transport: 47, body: zeros(8)), path.answer.packet(transport: 47, body: zeros(8))),
        ]
        for (request, answer) in flows {
            let message = path.router.icmpError(path.error, about: answer)
            let packet = try Packet(message)
            #expect(packet.kind == .icmpError)
            #expect(packet.errorInner == .flow)
            #expect(packet.key == (try Packet(request)).key)
            #expect(packet.transport == (path.request.family == .ipv4 ? 1 : 58))
            #expect(try outer(message).source == path.router.source)
            #expect(try outer(message).destination == path.router.destination)
        }
    }

    @Test(arguments: paths)
    func theHeaderAndEightBytesAreEnough(_ path: Path) throws {
        let header = path.request.family == .ipv4 ? 20 : 40
        let answer = path.answer.tcp(from: 80, to: 4000)
        let request = try Packet(path.request.tcp(from: 4000, to: 80)).key
        func inner(_ length: Int) throws -> Packet {
            try Packet(path.router.icmpError(path.error, about: answer, limit: length))
        }
        #expect(try inner(header + 8).key == request)
        #expect(try inner(header + 4).errorInner == .flow)
        #expect(try inner(header + 3).errorInner == .addresses)
        #expect(try inner(header + 3).key.destinationPort == 0)
        #expect(try inner(header + 3).key.destination == request.destination)
        #expect(try inner(header).errorInner == .addresses)
        #expect(try inner(header - 1).errorInner == .unusable)
        #expect(try inner(header - 1).key.source == path.router.source)
        #expect(try inner(0).errorInner == .unusable)
    }

    @Test func innerOptionsAndExtensionHeadersAreSteppedOver() throws {
        let answer4 = client4.reversed.with(options: zeros(8)).udp(from: 53, to: 4000)
        let error4 = try Packet(router4.icmpError(.timeExceeded(code: 0), about: answer4))
        #expect(error4.key == (try Packet(client4.udp(from: 4000, to: 53))).key)
        let chain = [
            ExtensionHeader.hopByHop(), .routing(), .fragment(offset: 0, more: true, identification: 3),
            .destinationOptions(),
        ]
        let answer6 = client6.reversed.with(chain).udp(from: 53, to: 4000, payload: zeros(8))
        let error6 = try Packet(router6.icmpError(.packetTooBig(mtu: 1280), about: answer6))
        #expect(error6.key == (try Packet(client6.udp(from: 4000, to: 53))).key)
        #expect(error6.errorInner == .flow)
    }

    @Test(arguments: paths)
    func anErrorAboutALaterFragmentHasNoPorts(_ path: Path) throws {
        let answer = path.answer.udp(from: 53, to: 4000, payload: zeros(3000))
        let fragments = PacketBuilder.fragments(of: answer, mtu: 1280)
        let first = try Packet(path.router.icmpError(path.error, about: fragments[0]))
        #expect(first.key == (try Packet(path.request.udp(from: 4000, to: 53))).key)
        let later = try Packet(path.router.icmpError(path.error, about: fragments[1]))
        #expect(later.errorInner == .addresses)
        #expect(later.key.source == path.request.source && later.key.transport == TransportProtocol.udp)
        #expect(later.key.sourcePort == 0 && later.key.destinationPort == 0)
    }

    @Test func anInnerPacketOfTheWrongVersionIsUnusable() throws {
        let inner6 = client6.reversed.udp(from: 53, to: 4000)
        let mixed = try Packet(router4.icmpError(.timeExceeded(code: 0), about: inner6))
        #expect(mixed.errorInner == .unusable)
        #expect(mixed.key.source == router4.source && mixed.key.transport == TransportProtocol.icmp)
        let inner4 = client4.reversed.udp(from: 53, to: 4000, payload: zeros(20))
        #expect(try Packet(router6.icmpError(.timeExceeded(code: 0), about: inner4)).errorInner == .unusable)
        let shortHeader = inner4.patched([0: 0x44])
        #expect(try Packet(router4.icmpError(.timeExceeded(code: 0), about: shortHeader)).errorInner == .unusable)
    }

    @Test func anInnerChainThatIsCutLeavesTheAddresses() throws {
        let answer = client6.reversed.with(.destinationOptions(zeros(100))).udp(from: 53, to: 4000)
        let packet = try Packet(router6.icmpError(.timeExceeded(code: 0), about: answer, limit: 60))
        #expect(packet.errorInner == .addresses)
        #expect(packet.key.source == client6.source)
    }

    @Test func anErrorThatIsItselfAFirstFragmentIsStillRead() throws {
        let answer = client4.reversed.udp(from: 53, to: 4000, payload: zeros(400))
        let message = router4.icmpError(.packetTooBig(mtu: 1400), about: answer)
        let first = try Packet(PacketBuilder.fragments(of: message, mtu: 200)[0])
        #expect(first.fragment?.isFirst == true)
        #expect(first.key == (try Packet(client4.udp(from: 4000, to: 53))).key)
    }

    private func outer(_ bytes: [UInt8]) throws -> (source: IPAddress, destination: IPAddress) {
        let packet = try Packet(bytes)
        return unsafe packet.outerAddresses(in: bytes.span.bytes)
    }
}
