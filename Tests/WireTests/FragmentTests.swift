import PacketBuilding
import Testing
import Wire

private let v4 = PacketBuilder(from: "10.0.0.1", to: "10.0.0.2")
private let v6 = PacketBuilder(from: "fd00::1", to: "fd00::2")

@Suite struct FragmentTests {
    @Test(arguments: [v4.with(options: [0x94, 4, 0, 0, 7, 4, 0, 0]), v6, v6.with(.hopByHop(), .routing())])
    func fragmentsOfAPacketFitTogether(_ base: PacketBuilder) throws {
        var builder = base
        builder.identification = 0x1234
        let whole = builder.udp(from: 5000, to: 53, payload: [UInt8](repeating: 1, count: 4000))
        let fragments = PacketBuilder.fragments(of: whole, mtu: 1280, identification: 0x1234)
        #expect(fragments.count == 4)
        var expectedOffset = 0
        for (index, bytes) in fragments.enumerated() {
            #expect(bytes.count <= 1280)
            let packet = try Packet(bytes)
            let info = try #require(packet.fragment)
            #expect(info.offset == expectedOffset)
            #expect(info.identification == 0x1234)
            #expect(info.isFirst == (index == 0) && info.isLast == (index == 3))
            #expect(info.more == !info.isLast)
            #expect(packet.isFragment)
            #expect(packet.transport == TransportProtocol.udp)
            #expect(packet.key.sourcePort == (index == 0 ? 5000 : 0))
            #expect(packet.key.destinationPort == (index == 0 ? 53 : 0))
            #expect(packet.kind == (index == 0 ? .transport : .other))
            #expect(packet.payloadLength == (index == 0 ? info.length - 8 : 0))
            expectedOffset = info.end
        }
        #expect(expectedOffset == 4008)
    }

    @Test(arguments: [v4, v6]) func aFragmentByItselfIsTheOneThatIsCutFromTheWhole(_ base: PacketBuilder) throws {
        var builder = base
        builder.identification = 0x1234
        let whole = builder.udp(from: 5000, to: 53, payload: [UInt8](repeating: 1, count: 4000))
        for bytes in PacketBuilder.fragments(of: whole, mtu: 1280, identification: 0x1234) {
            let info = try #require(try Packet(bytes).fragment)
            let body = Array(bytes.suffix(info.length))
            #expect(base.fragment(info, transport: TransportProtocol.udp, body: body) == bytes)
        }
    }

    @Test func optionsThatAreNotCopiedStayInTheFirstFragment() throws {
        let whole = v4.with(options: [7, 4, 0, 0, 0x94, 4, 0, 0]).udp(from: 1, to: 2, payload: zeros(100))
        let headers = PacketBuilder.fragments(of: whole, mtu: 68).map { Int($0[0] & 0x0F) * 4 }
        #expect(headers.first == 28)
        #expect(headers.dropFirst().allSatisfy { $0 == 24 })
    }

    @Test func aFragmentOfAFragmentKeepsItsPlace() throws {
        let whole = v4.udp(from: 1, to: 2, payload: zeros(2000))
        let middle = PacketBuilder.fragments(of: whole, mtu: 1000)[1]
        let parts = try PacketBuilder.fragments(of: middle, mtu: 500).map { try #require(try Packet($0).fragment) }
        #expect(parts.first?.offset == 976)
        #expect(parts.allSatisfy { $0.more })
        #expect(parts.last?.end == 1952)
    }

    @Test func anAtomicFragmentIsAWholePacket() throws {
        let packet = try Packet(v6.with(.fragment(offset: 0, more: false, identification: 9)).tcp(from: 1, to: 2))
        #expect(packet.fragment == nil)
        #expect(packet.key.destinationPort == 2)
    }

    @Test func theLongestPacketThatCanBeMadeWholeIsAccepted() throws {
        // 20 + 65,512 + 3 = 65,535: the last byte an IPv4 total length can count.
        #expect(try Packet(v4.fragment(17, zeros(3), offset: 65_512, more: false)).fragment?.end == 65_515)
        #expect(parseError(v4.fragment(17, zeros(4), offset: 65_512, more: false)) == .fragmentBeyondMaximum)
        #expect(try Packet(v6.fragment(17, zeros(7), offset: 65_528, more: false)).fragment?.end == 65_535)
        #expect(parseError(v6.fragment(17, zeros(8), offset: 65_528, more: false)) == .fragmentBeyondMaximum)
    }

    @Test func aUDPHeaderAloneIsAFirstFragment() throws {
        let header: [UInt8] = [0, 1, 0, 2, 0x10, 0, 0, 0]
        #expect(try Packet(v4.fragment(17, header, offset: 0, more: true)).key.destinationPort == 2)
        #expect(try Packet(v4.fragment(17, zeros(8), offset: 8, more: true)).fragment?.offset == 8)
    }

    @Test func anIPv4FirstFragmentMayCutTCPOptions() throws {
        let body = v4.tcp(from: 1, to: 2, options: zeros(20))[20..<44]
        let packet = try Packet(v4.fragment(6, Array(body), offset: 0, more: true))
        #expect(packet.key.destinationPort == 2)
        #expect(packet.payloadLength == 0)
    }

    @Test func aLaterFragmentBehindOptionsNamesTheOptionsProtocol() throws {
        let packet = try Packet(v6.fragment(60, zeros(8), offset: 64, more: true))
        #expect(packet.transport == TransportProtocol.destinationOptions)
        #expect(packet.kind == .other)
    }
}
