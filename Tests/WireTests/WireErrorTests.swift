import PacketBuilding
import Testing
import Wire

/// A malformed packet and the one error that names it.
struct MalformedPacket: Sendable, CustomTestStringConvertible {
    var what: String
    var bytes: [UInt8]
    var captured: Int?
    var expected: WireError

    init(_ what: String, _ bytes: [UInt8], captured: Int? = nil, _ expected: WireError) {
        self.what = what
        self.bytes = bytes
        self.captured = captured
        self.expected = expected
    }

    var testDescription: String { "\(expected.name): \(what)" }
}

private let v4 = PacketBuilder(from: "10.0.0.1", to: "10.0.0.2")
private let v6 = PacketBuilder(from: "fd00::1", to: "fd00::2")
private let udp4 = v4.udp(from: 5000, to: 53, payload: [1, 2, 3, 4])
private let udp6 = v6.udp(from: 5000, to: 53, payload: [1, 2, 3, 4])

private let malformedHeaders: [MalformedPacket] = [
    MalformedPacket("nothing at all", [], .truncatedHeader),
    MalformedPacket("19 bytes of IPv4", Array(udp4.prefix(19)), .truncatedHeader),
    MalformedPacket("39 bytes of IPv6", Array(udp6.prefix(39)), .truncatedHeader),
    MalformedPacket("version 5", udp4.patched([0: 0x55]), .badVersion),
    MalformedPacket("version 0 and a single byte", [0x05], .badVersion),
    MalformedPacket("IPv4 header of 16 bytes", udp4.patched([0: 0x44]), .badHeaderLength),
    MalformedPacket("total length 19", udp4.patched([3: 19]), .badTotalLength),
    MalformedPacket("total length cuts the options", udp4.patched([0: 0x46, 3: 20]), .badTotalLength),
    MalformedPacket("total length 0", udp4.patched([3: 0]), .badTotalLength),
    MalformedPacket("one byte missing", udp4.dropLast(), .totalLengthBeyondPacket),
    MalformedPacket("one byte missing, IPv6", udp6.dropLast(), .payloadLengthBeyondPacket),
    MalformedPacket(
        "jumbogram", v6.with(.hopByHop([0xC2, 4, 0, 1, 0, 0])).udp(from: 1, to: 2).patched([4: 0, 5: 0]), .jumboPayload),
]

private let malformedChains: [MalformedPacket] = [
    MalformedPacket(
        "routing header longer than the packet",
        v6.with(ExtensionHeader(kind: 43, verbatim: [9, 0, 0, 0, 0, 0, 0])).udp(from: 1, to: 2),
        .truncatedExtensionHeader),
    MalformedPacket(
        "destination options of 4 bytes", v6.packet(transport: 60, body: [17, 0, 0, 0]), .truncatedExtensionHeader),
    MalformedPacket(
        "fragment header without a payload length", v6.packet(transport: 44, body: []), .truncatedExtensionHeader),
    MalformedPacket(
        "13 extension headers", v6.with(Array(repeating: .destinationOptions(), count: 13)).udp(from: 1, to: 2),
        .tooManyExtensionHeaders),
    MalformedPacket(
        "hop-by-hop second", v6.with(.destinationOptions(), .hopByHop()).udp(from: 1, to: 2), .misplacedHopByHop),
    MalformedPacket(
        "8-byte authentication header",
        v6.with(ExtensionHeader(kind: 51, verbatim: [0, 0, 0, 0, 0, 0, 0])).udp(from: 1, to: 2),
        .badAuthenticationHeader),
    MalformedPacket(
        "fragment of a fragment",
        v6.with(
            .fragment(offset: 0, more: false, identification: 1), .fragment(offset: 0, more: true, identification: 2)
        ).udp(from: 1, to: 2), .repeatedFragmentHeader),
]

private let malformedFragments: [MalformedPacket] = [
    MalformedPacket("12 bytes, more to come", v4.fragment(17, zeros(12), offset: 8, more: true), .badFragmentLength),
    MalformedPacket(
        "12 bytes, more to come, IPv6", v6.fragment(17, zeros(12), offset: 8, more: true), .badFragmentLength),
    MalformedPacket("fragment of no bytes", v4.fragment(17, [], offset: 64, more: true), .emptyFragment),
    MalformedPacket("last fragment of no bytes, IPv6", v6.fragment(17, [], offset: 64, more: false), .emptyFragment),
    MalformedPacket(
        "ping of death", v4.fragment(1, zeros(64), offset: 65_512, more: false), .fragmentBeyondMaximum),
    MalformedPacket(
        "ping of death, IPv6", v6.fragment(58, zeros(64), offset: 65_480, more: false), .fragmentBeyondMaximum),
    MalformedPacket("8 bytes of TCP", v4.fragment(6, zeros(8), offset: 0, more: true), .tinyFirstFragment),
    MalformedPacket("8 bytes of SCTP", v4.fragment(132, zeros(8), offset: 0, more: true), .tinyFirstFragment),
    MalformedPacket(
        "16 bytes of TCP, IPv6", v6.fragment(6, zeros(16), offset: 0, more: true), .firstFragmentWithoutHeaderChain),
    MalformedPacket(
        "TCP options in the next fragment, IPv6",
        v6.fragment(6, zeros(12) + [0x80, 0x10] + zeros(10), offset: 0, more: true),
        .firstFragmentWithoutHeaderChain),
    MalformedPacket(
        "options reach into the next fragment, IPv6", v6.fragment(60, [17, 4] + zeros(14), offset: 0, more: true),
        .firstFragmentWithoutHeaderChain),
    MalformedPacket(
        "chain ends with the fragment, IPv6", v6.fragment(60, [17, 0] + zeros(6), offset: 0, more: true),
        .firstFragmentWithoutHeaderChain),
    MalformedPacket("over the TCP flags", v4.fragment(6, zeros(8), offset: 8, more: false), .fragmentInsideHeader),
    MalformedPacket(
        "over the TCP checksum, IPv6", v6.fragment(6, zeros(8), offset: 16, more: false), .fragmentInsideHeader),
    MalformedPacket("over the SCTP checksum", v4.fragment(132, zeros(8), offset: 8, more: true), .fragmentInsideHeader),
]

private let malformedTransports: [MalformedPacket] = [
    MalformedPacket("19 bytes of TCP", v4.packet(transport: 6, body: zeros(19)), .truncatedTCP),
    MalformedPacket("no TCP, IPv6", v6.packet(transport: 6, body: []), .truncatedTCP),
    MalformedPacket("TCP header of 16 bytes", v4.tcp(from: 1, to: 2).patched([32: 0x40]), .badTCPDataOffset),
    MalformedPacket(
        "TCP options behind the end, IPv6", v6.tcp(from: 1, to: 2).patched([52: 0xF0]), .badTCPDataOffset),
    MalformedPacket("7 bytes of UDP", v4.packet(transport: 17, body: zeros(7)), .truncatedUDP),
    MalformedPacket("7 bytes of UDP, IPv6", v6.packet(transport: 17, body: zeros(7)), .truncatedUDP),
    MalformedPacket("UDP length 7", udp4.patched([25: 7]), .badUDPLength),
    MalformedPacket("UDP length 0, IPv6", udp6.patched([45: 0]), .badUDPLength),
    MalformedPacket("UDP length behind the end", udp4.patched([25: 13]), .badUDPLength),
    MalformedPacket(
        "UDP length 7 in a first fragment", v4.fragment(17, [0, 1, 0, 2, 0, 7, 0, 0], offset: 0, more: true),
        .badUDPLength),
    MalformedPacket("11 bytes of SCTP", v6.packet(transport: 132, body: zeros(11)), .truncatedSCTP),
    MalformedPacket("3 bytes of ICMP", v4.packet(transport: 1, body: [8, 0, 0]), .truncatedICMP),
    MalformedPacket("echo without a number", v6.packet(transport: 58, body: [128, 0, 0, 0, 0, 1, 0]), .truncatedICMP),
    MalformedPacket("unreachable of 4 bytes", v4.packet(transport: 1, body: [3, 1, 0, 0]), .truncatedICMP),
]

private let beyondCapture: [MalformedPacket] = [
    MalformedPacket("nothing captured", udp4, captured: 0, .beyondCapture),
    MalformedPacket("half the header captured", udp6, captured: 30, .beyondCapture),
    MalformedPacket("half the UDP header captured", udp4, captured: 24, .beyondCapture),
    MalformedPacket(
        "header chain not captured", v6.with(.hopByHop()).udp(from: 1, to: 2), captured: 44, .beyondCapture),
    MalformedPacket(
        "inner packet not captured", v4.icmpError(.timeExceeded(code: 0), about: udp4), captured: 40, .beyondCapture),
]

@Suite struct WireErrorTests {
    static let all = malformedHeaders + malformedChains + malformedFragments + malformedTransports + beyondCapture

    @Test(arguments: all)
    func aMalformedPacketIsNamed(_ packet: MalformedPacket) {
        #expect(parseError(packet.bytes, captured: packet.captured) == packet.expected)
    }

    @Test func everyErrorHasAPacketThatCausesIt() {
        #expect(Set(Self.all.map(\.expected)) == Set(WireError.allCases))
    }

    @Test func errorNamesAreTheirOwnLowerCamelWords() {
        let names = WireError.allCases.map(\.name)
        #expect(Set(names).count == names.count)
        #expect(names.allSatisfy { $0.first!.isLowercase && $0.allSatisfy { $0.isASCII && $0.isLetter } })
        #expect(WireError.truncatedHeader.name == "truncatedHeader")
    }

    @Test func twelveExtensionHeadersAreRead() throws {
        let chain = Array(repeating: ExtensionHeader.destinationOptions(), count: Packet.maximumExtensionHeaders)
        #expect(try Packet(v6.with(chain).udp(from: 7, to: 8)).key.destinationPort == 8)
    }
}
