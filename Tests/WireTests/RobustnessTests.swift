import PacketBuilding
import Testing
import Wire

private let v4 = PacketBuilder(from: "10.0.0.1", to: "10.0.0.2")
private let v6 = PacketBuilder(from: "fd00::1", to: "fd00::2")

/// One packet of every form that is read.
private let samples: [[UInt8]] = {
    let chain: [ExtensionHeader] = [.hopByHop(), .destinationOptions(zeros(10)), .routing(), .authentication()]
    let atomic = ExtensionHeader.fragment(offset: 0, more: false, identification: 1)
    let payload = [UInt8](0..<40)
    var packets: [[UInt8]] = []
    for builder in [v4, v4.with(options: zeros(12)), v6, v6.with(chain), v6.with(chain + [atomic])] {
        let udp = builder.udp(from: 1000, to: 53, payload: payload)
        let tcp = builder.tcp(from: 1000, to: 80, options: zeros(12), payload: payload)
        packets += [udp, tcp, builder.sctp(from: 1, to: 2, chunks: payload)]
        packets += [builder.echo(identifier: 5, payload: payload), builder.packet(transport: 47, body: payload)]
        packets += [builder.icmpError(.timeExceeded(code: 0), about: udp)]
        packets += [builder.icmpError(.unreachable(code: 1), about: builder.echo(identifier: 9))]
    }
    for builder in [v4, v6] {
        let fragments = PacketBuilder.fragments(of: builder.udp(from: 1, to: 2, payload: zeros(300)), mtu: 200)
        packets += fragments
        packets += [builder.icmpError(.timeExceeded(code: 1), about: fragments[0])]
    }
    return packets
}()

@Suite struct RobustnessTests {
    /// However little of a packet is captured, the answer is the true one or "beyond capture", never another.
    @Test(arguments: samples)
    func aShorterCaptureNeverChangesTheAnswer(_ bytes: [UInt8]) throws {
        let whole = try Packet(bytes)
        for captured in 0..<bytes.count {
            switch parse(bytes, captured: captured) {
            case .success(let packet): #expect(packet == whole, "\(captured) bytes captured")
            case .failure(let error): #expect(error == .beyondCapture, "\(captured) bytes captured")
            }
        }
    }

    /// A packet cut on the wire does not have the length it states.
    @Test(arguments: samples)
    func aPacketCutOnTheWireIsMalformed(_ bytes: [UInt8]) throws {
        for length in 0..<bytes.count {
            let error = parseError(Array(bytes.prefix(length)))
            #expect(error != nil && error != .beyondCapture, "\(length) bytes")
        }
    }

    /// The same, but the length field agrees with the cut: what is read stays inside the packet.
    @Test(arguments: samples)
    func aShorterPacketIsReadWithinItsLength(_ bytes: [UInt8]) throws {
        for length in (bytes[0] >> 4 == 4 ? 20 : 40)..<bytes.count {
            var cut = Array(bytes.prefix(length))
            let (at, stated) = cut[0] >> 4 == 4 ? (2, length) : (4, length - 40)
            cut[at] = UInt8(stated >> 8)
            cut[at + 1] = UInt8(stated & 0xFF)
            switch parse(cut) {
            case .success(let packet):
                #expect(packet.totalLength == length)
                expectConsistent(packet)
            case .failure(let error):
                #expect(error != .beyondCapture, "\(length) bytes")
            }
        }
    }

    @Test func aHundredThousandMutationsAreReadOrNamed() {
        var random = SeededGenerator(seed: 0xAB)
        var read = 0
        for round in 0..<100_000 {
            var bytes = samples[round % samples.count]
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                // Headers are where mutations tell.
                let place = Int.random(in: 0..<min(bytes.count, 100), using: &random)
                bytes[place] = UInt8.random(in: 0...255, using: &random)
            }
            let captured = Bool.random(using: &random) ? bytes.count : Int.random(in: 0...bytes.count, using: &random)
            let longest = Bool.random(using: &random) ? bytes.count : captured + 40
            let wireLength = Int.random(in: captured...max(captured, longest), using: &random)
            let result = parse(bytes, captured: captured, wireLength: wireLength)
            #expect(result == carefully(bytes, captured: captured, wireLength: wireLength), "round \(round)")
            switch result {
            case .success(let packet):
                read += 1
                #expect(packet.totalLength <= wireLength)
                expectConsistent(packet)
            case .failure(let error):
                #expect(error != .beyondCapture || captured < wireLength, "round \(round)")
            }
        }
        // Neither all nor none: the mutations reach what lies behind the first checks.
        #expect((10_000...90_000).contains(read), "\(read) packets read")
    }

    private func carefully(_ bytes: [UInt8], captured: Int, wireLength: Int) -> Result<Packet, WireError> {
        let part = Array(bytes.prefix(captured))
        do throws(WireError) {
            return .success(try unsafe Packet.parseCarefully(part.span.bytes, wireLength: wireLength))
        } catch {
            return .failure(error)
        }
    }

    private func expectConsistent(_ packet: Packet) {
        #expect(packet.transportOffset >= (packet.family == .ipv4 ? 20 : 40))
        #expect(packet.transportOffset <= packet.payloadOffset)
        #expect(packet.payloadOffset <= packet.payloadEnd)
        #expect(packet.payloadEnd <= packet.totalLength)
        if let fragment = packet.fragment {
            #expect(fragment.length > 0 && fragment.end <= 65_535)
            #expect(fragment.isLast || fragment.length % 8 == 0)
        }
    }
}
