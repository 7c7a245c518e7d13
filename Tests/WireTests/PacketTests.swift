import PacketBuilding
import Testing
import Wire

private let v4 = PacketBuilder(from: "192.0.2.1", to: "198.51.100.2")
private let v6 = PacketBuilder(from: "2001:db8::1", to: "2001:db8::2")

/// A packet and where its parts lie.
struct ReadablePacket: Sendable, CustomTestStringConvertible {
    var what: String
    var bytes: [UInt8]
    var transport: UInt8
    var ports: (UInt16, UInt16)
    var kind: Packet.Kind
    var offsets: (transport: Int, payload: Int)

    var testDescription: String { what }
}

private let payload: [UInt8] = [9, 8, 7, 6, 5]

private let readable: [ReadablePacket] = [
    ReadablePacket(
        what: "UDP", bytes: v4.udp(from: 5000, to: 53, payload: payload), transport: 17, ports: (5000, 53),
        kind: .transport, offsets: (20, 28)),
    ReadablePacket(
        what: "UDP behind options", bytes: v4.with(options: [7, 3, 4]).udp(from: 5000, to: 53, payload: payload),
        transport: 17, ports: (5000, 53), kind: .transport, offsets: (24, 32)),
    ReadablePacket(
        what: "TCP behind 40 bytes of options",
        bytes: v4.with(options: zeros(40)).tcp(from: 1, to: 80, options: [1, 1, 1], payload: payload), transport: 6,
        ports: (1, 80), kind: .transport, offsets: (60, 84)),
    ReadablePacket(
        what: "SCTP", bytes: v4.sctp(from: 2905, to: 2906, chunks: payload), transport: 132, ports: (2905, 2906),
        kind: .transport, offsets: (20, 32)),
    ReadablePacket(
        what: "echo request", bytes: v4.echo(identifier: 0xBEEF, payload: payload), transport: 1,
        ports: (0xBEEF, 0xBEEF), kind: .echo, offsets: (20, 28)),
    ReadablePacket(
        what: "timestamp request", bytes: v4.icmp([13, 0, 0, 0, 1, 2, 3, 4]), transport: 1, ports: (0, 0),
        kind: .other, offsets: (20, 28)),
    ReadablePacket(
        what: "GRE", bytes: v4.packet(transport: 47, body: payload), transport: 47, ports: (0, 0), kind: .other,
        offsets: (20, 25)),
    ReadablePacket(
        what: "ICMPv6 over IPv4 is no ICMP", bytes: v4.packet(transport: 58, body: [128, 0, 0, 0, 1, 1, 1, 1]),
        transport: 58, ports: (0, 0), kind: .other, offsets: (20, 28)),
    ReadablePacket(
        what: "UDP over IPv6", bytes: v6.udp(from: 5000, to: 53, payload: payload), transport: 17, ports: (5000, 53),
        kind: .transport, offsets: (40, 48)),
    ReadablePacket(
        what: "TCP over IPv6", bytes: v6.tcp(from: 1, to: 80, payload: payload), transport: 6, ports: (1, 80),
        kind: .transport, offsets: (40, 60)),
    ReadablePacket(
        what: "SCTP behind every kind of header",
        bytes: v6.with(
            .hopByHop([5, 2, 0, 0]), .destinationOptions(zeros(20)), .routing(data: zeros(20)), .authentication(),
            ExtensionHeader(kind: 135), ExtensionHeader(kind: 139, body: zeros(14)), ExtensionHeader(kind: 140)
        ).sctp(from: 3, to: 4, chunks: payload),
        transport: 132, ports: (3, 4), kind: .transport, offsets: (152, 164)),
    ReadablePacket(
        what: "echo reply over IPv6", bytes: v6.echo(identifier: 7, reply: true, payload: payload), transport: 58,
        ports: (7, 7), kind: .echo, offsets: (40, 48)),
    ReadablePacket(
        what: "neighbour solicitation", bytes: v6.icmp([135, 0, 0, 0] + zeros(20)), transport: 58, ports: (0, 0),
        kind: .other, offsets: (40, 48)),
    ReadablePacket(
        what: "nothing follows", bytes: v6.with(.destinationOptions()).packet(transport: 59, body: payload),
        transport: 59, ports: (0, 0), kind: .other, offsets: (48, 53)),
    ReadablePacket(
        what: "an IPv6 header and no more", bytes: v6.packet(transport: 59, body: []), transport: 59, ports: (0, 0),
        kind: .other, offsets: (40, 40)),
    ReadablePacket(
        what: "ESP", bytes: v6.packet(transport: 50, body: payload), transport: 50, ports: (0, 0), kind: .other,
        offsets: (40, 45)),
    ReadablePacket(
        what: "an atomic fragment",
        bytes: v6.with(.fragment(offset: 0, more: false, identification: 5)).udp(from: 3, to: 4, payload: payload),
        transport: 17, ports: (3, 4), kind: .transport, offsets: (48, 56)),
]

@Suite struct PacketTests {
    @Test(arguments: readable)
    func everyPartOfAPacketIsFound(_ expected: ReadablePacket) throws {
        let packet = try Packet(expected.bytes)
        let builder = expected.bytes[0] >> 4 == 4 ? v4 : v6
        #expect(packet.family == builder.family)
        #expect(packet.key.source == builder.source)
        #expect(packet.key.destination == builder.destination)
        #expect(packet.transport == expected.transport)
        #expect(packet.key.transport == expected.transport)
        #expect(packet.key.sourcePort == expected.ports.0)
        #expect(packet.key.destinationPort == expected.ports.1)
        #expect(packet.kind == expected.kind)
        #expect(packet.errorInner == .none)
        #expect(packet.transportOffset == expected.offsets.transport)
        #expect(packet.payloadOffset == expected.offsets.payload)
        #expect(packet.totalLength == expected.bytes.count)
        #expect(packet.payloadEnd == expected.bytes.count)
        #expect(packet.fragment == nil && !packet.isFragment)
    }

    @Test func trafficClassAndFlagsAreRead() throws {
        for var builder in [v4, v6] {
            builder.dscp = 46
            builder.trafficClass |= 2
            let packet = try Packet(builder.tcp(from: 1, to: 2, flags: [.syn, .ack]))
            #expect(packet.dscp == 46)
            #expect(packet.trafficClass == 0xBA)
            #expect(TCPFlags(rawValue: packet.tcpFlags) == [.syn, .ack])
        }
    }

    @Test func theDontFragmentFlagMakesNoFragment() throws {
        var builder = v4
        builder.dontFragment = true
        #expect(try Packet(builder.udp(from: 1, to: 2)).fragment == nil)
    }

    @Test func bytesBehindTheUDPLengthAreNoPayload() throws {
        let bytes = v4.udp(from: 1, to: 2, payload: payload).patched([25: 10])
        let packet = try Packet(bytes)
        #expect(packet.payloadLength == 2)
        #expect(packet.payloadEnd == 30)
        #expect(packet.totalLength == bytes.count)
    }

    @Test(arguments: readable)
    func paddingBehindThePacketChangesNothing(_ expected: ReadablePacket) throws {
        let padded = expected.bytes + zeros(18)
        #expect(try Packet(padded) == Packet(expected.bytes))
    }

    @Test func theReversedKeyIsTheAnswersKey() throws {
        let request = try Packet(v6.tcp(from: 1, to: 80)).key
        #expect(try Packet(v6.reversed.tcp(from: 80, to: 1)).key == request.reversed)
        #expect(request.reversed.reversed == request)
        #expect(request.description == "tcp [2001:db8::1]:1 → [2001:db8::2]:80")
    }
}
